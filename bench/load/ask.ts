import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Answer, BadAnswer } from './answer'
import { Connection } from './connection'
import { bodyFor, NODE_HEADERS, requestFor } from './request'
import { type Check, checkValue } from './options'

const PATIENCE_MS = 30_000
/** A framework that looks for new feeds once a second gives up on some requests of a great crowd. */
const ATTEMPTS = 5

const resultOf = ({ status, body }: Answer): unknown =>
  status === 200 ? (JSON.parse(body) as { result?: unknown }).result : undefined

/** Asks for each feed until it has a value, over many connections. @throws BadAnswer when one has none after several attempts */
export const askOnce = async (port: number, bases: readonly string[], check: Check): Promise<void> => {
  const connections = await Connection.openAll(port, Math.min(bases.length, 500))
  const left = [...bases]
  const work = async (connection: Connection): Promise<void> => {
    for (let base = left.pop(); base !== undefined; base = left.pop()) {
      const question = requestFor(base)
      let answer = await connection.ask(question)
      for (let attempt = 1; answer.status === 504 && attempt < ATTEMPTS; attempt++)
        answer = await connection.ask(question)
      checkValue(answer, base, check)
    }
  }
  try {
    await Promise.all(connections.map(work))
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Time until every one of these feeds, posted in the same moment over a connection each, is answered; in ms. */
export const askAtOnce = async (port: number, bases: readonly string[], check: Check): Promise<number> => {
  const connections = await Connection.openAll(port, bases.length)
  try {
    const startedAt = performance.now()
    const answers = await Promise.all(
      connections.map((connection, index) => connection.ask(requestFor(bases[index] as string))),
    )
    const elapsed = performance.now() - startedAt
    answers.forEach((answer, index) => checkValue(answer, bases[index] as string, check))
    return elapsed
  } finally {
    for (const connection of connections) connection.close()
  }
}

/**
 * Asks for feeds, over ten connections, until each has shown a value that satisfies. Values that do not are good answers too, of
 * earlier; anything but 200 is a failure.
 *
 * @param pauseMs - between two requests of a connection; 0 for none
 * @returns when the last one did, by `performance.now()`
 * @throws BadAnswer for a bad answer, or when one does not after 30 s
 */
export const askUntil = async (
  port: number,
  bases: readonly string[],
  satisfies: (result: unknown) => boolean,
  pauseMs = 0,
): Promise<number> => {
  const connections = await Connection.openAll(port, Math.min(bases.length, 10))
  const deadline = performance.now() + PATIENCE_MS
  const left = [...bases]
  const work = async (connection: Connection): Promise<void> => {
    for (let base = left.shift(); base !== undefined; base = left.shift()) {
      const answer = await connection.ask(requestFor(base))
      if (answer.status !== 200)
        throw new BadAnswer(`Asked for ${base}, got ${answer.status}: ${answer.body}`)
      if (satisfies(resultOf(answer))) continue
      if (performance.now() > deadline) throw new BadAnswer(`${base} never showed the value sent last`)
      left.push(base)
      if (pauseMs > 0) await new Promise((resume) => setTimeout(resume, pauseMs))
    }
  }
  try {
    await Promise.all(connections.map(work))
    return performance.now()
  } finally {
    for (const connection of connections) connection.close()
  }
}

const postOnce = (port: number, base: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method: 'POST', headers: NODE_HEADERS, agent: false }
    const req = request(options, (res) => {
      const answered = text(res).then((body) => ({ status: res.statusCode ?? 0, body }))
      answered.then(resolve, reject)
    })
    req.on('error', reject)
    req.end(bodyFor(base))
  })

/**
 * As somebody outside would look: one request every so often, over a connection of its own and with Node.js's own client, whether or not
 * those before are answered, until one shows a value that satisfies.
 *
 * @returns when it did, by `performance.now()`
 * @throws BadAnswer for a bad answer, or when none does within 30 s
 */
export const pollUntil = async (
  port: number,
  base: string,
  satisfies: (result: unknown) => boolean,
  everyMs: number,
): Promise<number> => {
  let timer: NodeJS.Timeout | undefined
  const deadline = performance.now() + PATIENCE_MS
  try {
    return await new Promise((resolve, reject) => {
      const look = async (): Promise<void> => {
        const answer = await postOnce(port, base)
        if (answer.status !== 200)
          throw new BadAnswer(`Asked for ${base}, got ${answer.status}: ${answer.body}`)
        if (satisfies(resultOf(answer))) resolve(performance.now())
        else if (performance.now() > deadline) throw new BadAnswer(`${base} never showed the value sent last`)
      }
      timer = setInterval(() => void look().catch(reject), everyMs)
    })
  } finally {
    clearInterval(timer)
  }
}

/** Every new value of a feed, with the time at which an answer showed it first, for a while; over one connection. */
export const watch = async (
  port: number,
  base: string,
  seconds: number,
  nowMs: () => number,
): Promise<{ value: number; at: number }[]> => {
  const connection = await Connection.open(port)
  const question = requestFor(base)
  const seen: { value: number; at: number }[] = []
  const until = nowMs() + seconds * 1_000
  try {
    for (let last: unknown; nowMs() < until;) {
      const answer = await connection.ask(question)
      const at = nowMs()
      const value = resultOf(answer)
      if (typeof value !== 'number') throw new BadAnswer(`Got ${answer.status}: ${answer.body}`)
      if (value !== last) seen.push({ value, at })
      last = value
    }
    return seen
  } finally {
    connection.close()
  }
}
