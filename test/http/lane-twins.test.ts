import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { areConsistent } from '../helpers/lane-answers'
import { stillAdapter, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BODY = JSON.stringify({ data: ETH })
/** Has no value, and is prepared anew each time. */
const UNKNOWN = JSON.stringify({ data: { base: 'BTC', quote: 'USD' } })

const head = (length: number, more = '', line = 'POST / HTTP/1.1') =>
  `${line}\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`
const post = (body = BODY, more = '', line?: string) => head(body.length, more, line) + body
const CHUNKED = `POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`

const start = async (isLaned: boolean) => {
  const still = stillAdapter()
  const env = { CACHE_POLLING_MAX_RETRIES: '0', FAST_LANE_ENABLED: String(isLaned) }
  const service = await serve(still.adapter, { env, listen: true })
  await still.transport.put(ETH, 5)
  const port = Number(new URL(service.url ?? '').port)
  const started = stoppable({ service, port })
  for (let time = 0; time < 3; time++) await said(port, [post()])
  return started
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** All that the server says to these packets, after a first request, until it or the client has ended the connection. */
const said = async (port: number, packets: string[], first = true): Promise<string> => {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  socket.on('data', (chunk: Buffer) => void (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  if (first) {
    socket.write(post())
    while (!text.includes('"result"')) await once(socket, 'data')
  }
  for (const packet of packets) {
    socket.write(packet, 'latin1')
    await turn()
    await turn()
  }
  socket.end()
  await closed
  return text.replace(/^date: .*$/gim, 'date').replace(/\d{10,}/g, 'T')
}

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.\d (\d+)/g)].map(([, status]) => Number(status))

const REQUESTS = {
  known: post(),
  other: post(JSON.stringify({ id: 'x', data: ETH })),
  unknown: post(UNKNOWN),
  broken: post('{"data":'),
  close: post(BODY, 'connection: close\r\n'),
  expect: post(BODY, 'expect: 100-continue\r\n'),
  chunked: CHUNKED,
  old: post(BODY, '', 'POST / HTTP/1.0'),
  oldKept: post(BODY, 'connection: keep-alive\r\n', 'POST / HTTP/1.0'),
  absolute: post(BODY, '', 'POST http://test/ HTTP/1.1'),
  twice: post(BODY, `content-length: ${BODY.length}\r\n`),
  both: post(BODY, 'transfer-encoding: chunked\r\n'),
  upper: post().replace('host: test', 'HOST: test').replace('content-type', 'Content-Type'),
  get: 'GET /health HTTP/1.1\r\nhost: test\r\n\r\n',
  missing: 'GET /missing HTTP/1.1\r\nhost: test\r\n\r\n',
  empty: '\r\n',
  bare: post().replace(/\r\n/g, '\n'),
  folded: post(BODY, 'x: a\r\n b\r\n'),
  rubbish: 'rubbish\r\n\r\n',
  nul: '\0',
  half: post().slice(0, 60),
  halfBody: post().slice(0, -5),
  upgrade: 'GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
}
type Name = keyof typeof REQUESTS
const NAMES = Object.keys(REQUESTS) as Name[]
/** Requests that are none of those which the parser refuses, and after which the connection goes on. */
const SOUND: ReadonlySet<string> = new Set<Name>([
  'known',
  'other',
  'unknown',
  'expect',
  'chunked',
  'oldKept',
  'absolute',
  'upper',
  'get',
  'missing',
])

/** Two services with the same value, one with the lane and one without it. @returns compares what they say */
const twins = async () => {
  const [fast, slow] = [await start(true), await start(false)]
  const bothSay = async (packets: string[], first?: boolean, isSound = true) => {
    const [laned, parsed] = [await said(fast.port, packets, first), await said(slow.port, packets, first)]
    if (isSound || !areConsistent(laned, parsed)) expect(laned).toBe(parsed)
    return parsed
  }
  return {
    bothSay,
    [Symbol.asyncDispose]: async () => {
      await fast.service.stop()
      await slow.service.stop()
    },
  }
}

const cutAt = (text: string, cuts: number[]): string[] => {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  return at
    .slice(1)
    .map((end, index) => text.slice(at[index], end))
    .filter(Boolean)
}

describe('a client is told the same with the lane as by the parser alone', { timeout: 120_000 }, () => {
  it.each(NAMES)(
    'where a known request, and an unknown one, come with this in one packet: %s',
    async (name) => {
      await using both = await twins()
      const { known, unknown, [name]: one } = REQUESTS
      for (const packets of [
        [one],
        [known + one],
        [known, one],
        [unknown + one],
        [known + unknown + one],
        [unknown + known + one],
        [known + one + known],
        [known, known + known + one],
      ]) {
        const isSound =
          SOUND.has(name) || (packets.length === 2 && packets[0] === known && packets[1] === one)
        await both.bothSay(packets, true, isSound)
        await both.bothSay(packets, false, isSound)
      }
    },
  )

  it('answers what is known, and refuses the rubbish behind it', async () => {
    await using both = await twins()
    const { known, rubbish } = REQUESTS
    // The parser refuses the rubbish before it answers the request in front of it.
    expect(statusesIn(await both.bothSay([known + known + rubbish]))).toEqual([200, 200, 400])
    expect(statusesIn(await both.bothSay([known + rubbish]))).toEqual([200, 400])
    expect(statusesIn(await both.bothSay([known, rubbish]))).toEqual([200, 200, 400])
  })

  it('behind a request that asks for another protocol, each in a packet of its own', async () => {
    await using both = await twins()
    const { known, rubbish } = REQUESTS
    const asking = post(BODY, 'connection: upgrade\r\nupgrade: websocket\r\n')
    for (let time = 0; time < 3; time++) {
      await both.bothSay([asking, known, rubbish])
      await both.bothSay([asking, known, known], false)
    }
  })

  it('whatever comes in whatever pieces', async () => {
    await using both = await twins()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('known', 'known', 'other', ...NAMES), { minLength: 1, maxLength: 7 }),
        fc.array(fc.nat(2_000), { maxLength: 4 }),
        fc.boolean(),
        async (names, cuts, first) => {
          const bytes = names.map((name) => REQUESTS[name]).join('')
          await both.bothSay(
            cutAt(bytes, cuts),
            first,
            names.every((name) => SOUND.has(name)),
          )
        },
      ),
      { numRuns: Number(process.env['LANE_RUNS'] ?? 150) },
    )
  })
})
