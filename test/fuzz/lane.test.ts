import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { areConsistent } from '../helpers/lane-answers'
import { type Exchange, exchange, type Seen } from './exchange'
import { effort, GUARD_MS, mutated } from './fuzzing'

const RUNS = 150

const bodyOf = (base: string, more: object = {}): string =>
  JSON.stringify({ data: { base, quote: 'USD' }, ...more })

const request = (
  body: string,
  { headers = '', start = 'POST / HTTP/1.1', type = 'application/json' } = {},
): string =>
  `${start}\r\nhost: test\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`

const ETH = request(bodyOf('ETH'))
const NODE = request(bodyOf('ETH', { id: '7', meta: { latestAnswer: 1, updatedAt: 1_700_000_000 } }), {
  headers: 'user-agent: node\r\naccept: */*\r\n',
})
const PLAIN = [ETH, NODE, request(bodyOf('BTC')), request(bodyOf('BAD')), request(bodyOf('NONE'))]

/** Requests that are the parser's own, or look like others. */
const ODD = [
  request(bodyOf('ETH'), { headers: 'connection: close\r\n' }),
  request(bodyOf('ETH'), { headers: 'expect: 100-continue\r\n' }),
  request(bodyOf('ETH'), { headers: 'expect: 42\r\n' }),
  request(bodyOf('ETH'), { headers: 'transfer-encoding: chunked\r\n' }),
  request(bodyOf('ETH'), { headers: `content-length: ${bodyOf('ETH').length}\r\n` }),
  request(bodyOf('ETH'), { headers: 'content-length: 3\r\n' }),
  request(bodyOf('ETH'), { headers: 'x-folded: a\r\n b\r\n' }),
  request(bodyOf('ETH'), { headers: 'upgrade: websocket\r\nconnection: upgrade\r\n' }),
  request(bodyOf('ETH'), { headers: `x-huge: ${'x'.repeat(20_000)}\r\n` }),
  request(bodyOf('ETH'), { headers: 'bad header\r\n' }),
  request(bodyOf('ETH'), { start: 'POST / HTTP/1.0' }),
  request(bodyOf('ETH'), { start: 'POST / HTTP/1.0', headers: 'connection: keep-alive\r\n' }),
  request(bodyOf('ETH'), { start: 'POST / HTTP/2.0' }),
  request(bodyOf('ETH'), { start: 'POST http://test/ HTTP/1.1' }),
  request(bodyOf('ETH'), { start: 'POST /%2e HTTP/1.1' }),
  request(bodyOf('ETH'), { start: 'POST /?a=1 HTTP/1.1' }),
  request(bodyOf('ETH'), { start: 'POST // HTTP/1.1' }),
  request(bodyOf('ETH'), { start: 'GET / HTTP/1.1' }),
  request(bodyOf('ETH'), { start: 'PUT / HTTP/1.1' }),
  request(bodyOf('ETH'), { type: 'text/plain' }),
  request(bodyOf('ETH'), { type: 'application/json; charset=utf-8' }),
  request('{"data":'),
  request('{}'),
  request(`\ufeff${bodyOf('ETH')}`),
  request(bodyOf('ETH').replace('ETH', 'ÄTH')),
  `POST / HTTP/1.1\nhost: test\ncontent-type: application/json\ncontent-length: ${bodyOf('ETH').length}\n\n${bodyOf('ETH')}`,
  `POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${bodyOf('ETH').length.toString(16)}\r\n${bodyOf('ETH')}\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\n{"dat\r\n0\r\nx: y\r\n\r\n`,
  'GET /health HTTP/1.1\r\nhost: test\r\n\r\n',
  'GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: test\r\n\r\n',
  '\r\n',
  '\r\n\r\n',
  'rubbish',
  'rubbish\r\n\r\n',
  '\u0000\u00ff',
]

interface Stream {
  /** One character for each byte. */
  requests: string[]
  /** Where a piece ends and the next one begins, as a part of the whole. */
  cuts: number[]
  /** Whether each request comes in a piece of its own, too. */
  isApart: boolean
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** Requests that are none of those which the parser refuses, and after which the connection goes on. */
const SOUND: ReadonlySet<string> = new Set(PLAIN.map(latin1))

const stream: fc.Arbitrary<Stream> = fc.record({
  requests: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...PLAIN).map(latin1) },
      { weight: 3, arbitrary: fc.constantFrom(...ODD).map(latin1) },
      { weight: 2, arbitrary: mutated([...PLAIN, ...ODD]).map((bytes) => bytes.toString('latin1')) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...PLAIN), fc.nat({ max: 200 }))
          .map(([one, at]) => latin1(one.slice(0, at))),
      },
    ),
    { minLength: 1, maxLength: 6 },
  ),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  isApart: fc.boolean(),
})

/** After one known request, which a lane leaves to the parser, because it is the first on its connection. */
const piecesOf = ({ requests, cuts, isApart }: Stream): Buffer[] => {
  const whole = Buffer.from(requests.join(''), 'latin1')
  const ends = requests.map((_, at) => requests.slice(0, at + 1).reduce((sum, one) => sum + one.length, 0))
  const places = [...cuts.map((cut) => Math.floor(cut * whole.length)), ...(isApart ? ends : [])]
  const at = [0, ...new Set(places)].sort((a, b) => a - b)
  const pieces = at.map((from, index) => whole.subarray(from, at[index + 1] ?? whole.length))
  return [Buffer.from(ETH), ...pieces].filter(({ length }) => length > 0)
}

describe('the lane in front of the parser', () => {
  let [lane, parser]: Exchange[] = []
  beforeAll(async () => {
    ;[lane, parser] = await Promise.all([exchange(true), exchange(false)])
    // What the lane is to know.
    for (const one of [lane, parser])
      for (const known of PLAIN) await one.send(Array.from({ length: 4 }, () => Buffer.from(known)))
  }, GUARD_MS)
  afterAll(async () => {
    await lane?.[Symbol.asyncDispose]()
    await parser?.[Symbol.asyncDispose]()
  })

  it(
    'answers as the parser does, byte for byte, whatever comes in whatever pieces',
    async () => {
      await fc.assert(
        fc.asyncProperty(stream, async (of) => {
          const pieces = piecesOf(of)
          const [fast, plain] = await Promise.all([lane!.send(pieces), parser!.send(pieces)])
          const text = (seen: Seen[]) => seen.map(({ text }) => text).join('')
          const isSound = of.requests.every((one) => SOUND.has(one))
          if (isSound || !areConsistent(text(fast), text(plain))) expect(fast).toEqual(plain)
        }),
        effort(RUNS),
      )
    },
    GUARD_MS,
  )
})
