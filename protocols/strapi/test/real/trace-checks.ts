import { WebSocket } from 'ws'
import { type Frame, frameOf, readTrace, type TraceLine } from '../push-peer'
import { type Checks, equal } from './checks'
import { TOKENS } from './content'

/** Those whose recording needs another server, much time, or content of its own. */
const LEFT_OUT = [
  /token-expires/,
  /missing-is-skipped|read-error/,
  /slow-acknowledgement|100-MiB|busy|killed-when|without-content|kill-connection/,
  /client-ping|duplicate|pipelined|stalls|at-once|before-ack|unacknowledged|no-checksums/,
  // The last of these leave a transaction that nobody ends.
  /leaks-the-transaction|stream-hangs|rollback-twice|assets?-/,
]

/** Orders that are wrong, and what the server says to them. */
const scenarios = (): Map<string, TraceLine[]> => {
  const found = new Map<string, TraceLine[]>()
  for (const line of readTrace('error-traces')) {
    const name = line.scenario ?? ''
    if (!/^(pull|push)-/.test(name) || LEFT_OUT.some((pattern) => pattern.test(name))) continue
    found.set(name, [...(found.get(name) ?? []), line])
  }
  return found
}

const answersIn = (lines: readonly TraceLine[]) =>
  lines.flatMap((line) => {
    const frame = line.dir === 's2c' ? frameOf(line) : undefined
    return frame === undefined || 'diagnostic' in frame || !('error' in frame) ? [] : [frame as Answer]
  })

interface Answer {
  uuid?: string
  data: unknown
  error: { code: string; message: string; details: { step?: string } } | null
}

/** What of an answer is the same each time: error texts without what the database puts in, and which members the data has. */
const shapeOf = ({ data, error }: Answer) => ({
  data: typeof data === 'object' && data !== null ? Object.keys(data).length > 0 : data,
  error: error && {
    code: error.code,
    message: error.message.replace(/SqliteError.*/, ''),
    step: error.details.step,
  },
})

const talk = (url: string, lines: readonly TraceLine[]): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${TOKENS.both}` } })
    const expected = answersIn(lines).length
    const answers: Answer[] = []
    const sent = lines.filter(({ dir }) => dir === 'c2s')
    let transferID = ''
    const done = (): void => socket.close(1000)
    const timer = setTimeout(() => socket.terminate(), 10_000)
    const recordedID =
      answersIn(lines)
        .map(({ data }) => (data as { transferID?: string } | null)?.transferID)
        .find(Boolean) ?? 'none'
    const next = (): void => {
      const line = sent.shift()
      if (line === undefined) {
        if (answers.length >= expected) done()
        return
      }
      const isSilent = !lines.some((other) => other.dir === 's2c' && answerTo(other, frameOf(line)))
      socket.send(line.frame!.replaceAll(recordedID, transferID || recordedID))
      // What is ignored has no answer to wait for.
      if (isSilent) next()
    }
    socket.on('open', next)
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Answer
      if (!('error' in frame)) return
      transferID ||= (frame.data as { transferID?: string } | null)?.transferID ?? ''
      answers.push(frame)
      next()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answers.map(shapeOf))
    })
  })

const answerTo = (line: TraceLine, { uuid }: Frame): boolean => {
  const frame = frameOf(line)
  return frame.uuid === uuid && 'error' in frame
}

/** Says what was recorded to the real server, and compares what it answers: errors, their texts and their steps. */
export const checkScenarios = async (checks: Checks, adminUrl: string): Promise<void> => {
  const base = adminUrl.replace('http:', 'ws:')
  for (const [name, lines] of scenarios()) {
    // Conversations about order: those with batches have to be led, not recited.
    if (lines.some(({ dir, frame }) => (dir === 'c2s' && !isJson(frame)) || frame?.includes('"ended":')))
      continue
    const direction = name.startsWith('pull') ? 'pull' : 'push'
    await checks.check(`as recorded: ${name}`, async () =>
      equal(
        await talk(`${base}/transfer/runner/${direction}`, lines),
        answersIn(lines).map(shapeOf),
        'the answers',
      ),
    )
  }
}

const isJson = (text = ''): boolean => {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
