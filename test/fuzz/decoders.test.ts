import { readFileSync } from 'node:fs'
import { deserialize } from 'node:v8'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPriceEndpoint as bitfinex } from '../../endpoints/bitfinex/price'
import { createPriceEndpoint as coinbase } from '../../endpoints/coinbase/price'
import { createPriceEndpoint as kraken } from '../../endpoints/kraken/price'
import { classify } from '../../protocols/strapi/frames'
import { StageBudget } from '../../protocols/tremor/codecs/stage-budget'
import { CodecError } from '../../protocols/tremor/codecs/errors'
import { createCodec } from '../../protocols/tremor/codecs/create-codec'
import { readNamed } from '../../protocols/tremor/codecs/definition'
import { defaultLimits } from '../../protocols/tremor/codecs/limits'
import { preprocessorMaker } from '../../protocols/tremor/codecs/stages/preprocessors'
import { bytes as bytesOf, readVectors, vectorFiles } from '../../protocols/tremor/test/codecs/vectors'
import { readEnvelope } from '../../protocols/versia/envelope'
import { parseStrictJson } from '../../protocols/versia/json-rules'
import { decodePacket, sceneIn } from '../../protocols/ws-room/packets'
import { parsePrice } from '../../protocols/ws-room/price'
import { decisionKeyOf } from '../../src/adapter/decision-key'
import { numberIn } from '../../src/feeds/guarded-numbers'
import { LimitsError, Rules, RulesReader } from '../../src/feeds/limits/rules'
import { encodeFrame, FrameError, FrameReader } from '../../src/service/workers/frames'
import { fromWorker, fromWriter } from '../../src/service/workers/messages'
import { decimalText } from '../../src/util/decimal'
import { membersIn } from '../../src/util/json-keys'
import { providerTime, type TimeUnit } from '../../src/util/provider-time'
import { parseRetryAfter } from '../../src/util/retry-after'
import { nanosecondReader, timeReader, zonedTimeReader } from '../../src/util/rfc3339'
import { AdapterError } from '../../src/validation/errors'
import { bench, vectorsOf } from '../endpoints/vectors'
import { effort, GUARD_MS, mutated } from './fuzzing'

/** What reads bytes of others. */
interface Decoder {
  name: string
  /** Real messages. */
  corpus: readonly (string | Buffer)[]
  /** Loads what reads them. */
  prepare?: () => Promise<void>
  /** Reads one, and fails the test at a value that cannot be right. */
  decode: (bytes: Buffer) => void
  /** Whether an error is one that it may throw. */
  mayThrow?: (error: unknown) => boolean
}

const RUNS = 300

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parsed = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

const depthOf = (text: string): number => {
  let [depth, most] = [0, 0]
  for (const char of text) {
    if (char === '{' || char === '[') most = Math.max(most, ++depth)
    if (char === '}' || char === ']') depth--
  }
  return most
}

/** Whether a key says what the parser finds: the last `endpoint` and the last `data` of the body. */
const says = (key: string, { endpoint, data }: Record<string, unknown>): boolean => {
  const isText = (text: string, value: unknown): boolean =>
    value === undefined ? text === '' : JSON.stringify(parsed(text)?.value) === JSON.stringify(value)
  if (endpoint === undefined) return isText(key, data)
  const breaks = [...key.matchAll(/\n/g)].map(({ index }) => index)
  return breaks.some((at) => isText(key.slice(0, at), endpoint) && isText(key.slice(at + 1), data))
}

const BODIES = [
  '{"data":{"base":"ETH","quote":"USD"}}',
  '{"id":"1","data":{"endpoint":"price","from":"ETH","to":"USD"},"meta":{"latestAnswer":1,"updatedAt":1700000000}}',
  '{"endpoint":"price","data":{"base":"A\\u0042","list":[1,-2.5e+3,true,null,{"a":{}}]},"jobRunID":7}',
  ' {\n"data" : { } , "endpoint":\t"x" , "data": {"base":"é☃\\"\\\\"} }\r\n',
  '{"data":{},"__proto__":{"data":1},"da\\u0074a":{"base":"X"}}',
]

const scanOfBodies: Decoder = {
  name: 'the scan of bodies',
  corpus: BODIES,
  decode: (bytes) => {
    const text = bytes.toString()
    const key = decisionKeyOf(text)
    const found = parsed(text)
    if (key !== undefined) {
      expect(isRecord(found?.value)).toBe(true)
      expect(says(key, found!.value as Record<string, unknown>)).toBe(true)
    } else if (isRecord(found?.value) && depthOf(text) < 30) {
      // What it leaves to the parser is rare: it has an escape in a key, or a key that the parser refuses.
      expect(text).toMatch(/\\|"__proto__"|"constructor"/)
    }
  },
}

const providers: Decoder[] = (
  [
    ['bitfinex', bitfinex],
    ['coinbase', coinbase],
    ['kraken', kraken],
  ] as const
).map(([name, createEndpoint]) => {
  const { receive } = bench(createEndpoint())
  const isNumber = (value: unknown): boolean => value === undefined || typeof value === 'number'
  return {
    name: `messages of ${name}`,
    corpus: vectorsOf(name)
      .filter(({ dir }) => dir === 'in')
      .map(({ frame }) => frame),
    decode: (bytes) => {
      for (const { params, response } of receive(bytes.toString())) {
        expect([typeof params.base, typeof params.quote]).toEqual(['string', 'string'])
        if (response.errorMessage !== undefined) expect(typeof response.errorMessage).toBe('string')
        else
          expect([response.result, response.timestamps?.providerIndicatedTimeUnixMs].every(isNumber)).toBe(
            true,
          )
      }
    },
    // A text that is no JSON, and what the provider says of no feed.
    mayThrow: (error) => error instanceof SyntaxError || error instanceof AdapterError,
  }
})

const hexes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const fixture = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const rooms = fixture('protocols/ws-room/test/fixtures/protobuf.json') as Record<
  'frames' | 'bodies' | 'edge',
  { hex: string }[]
>

const PRICE = JSON.stringify({
  v: 1,
  feed: 'ETH/USD',
  value: '1800.25',
  observed_at: 1_700_000_000_000,
  seq: 1,
  chain: [{ type: 'SIGNER', payload: '0x0', signature: '' }],
})

/** Undefined for what is none, at whatever the library throws at it: the room leaves a server that sends that. */
const packetIn = (bytes: Buffer): ReturnType<typeof decodePacket> | undefined => {
  try {
    return decodePacket(bytes)
  } catch {
    return undefined
  }
}

const roomProtocol: Decoder[] = [
  {
    name: 'packets of a room',
    corpus: [...rooms.frames, ...rooms.edge].map(({ hex }) => hexes(hex)),
    decode: (bytes) => {
      const message = packetIn(bytes)
      if (message !== undefined) expect(message.case === undefined).toBe(message.value === undefined)
    },
  },
  {
    name: 'bodies in a room',
    corpus: rooms.bodies.map(({ hex }) => hexes(hex)),
    decode: (bytes) => {
      const scene = sceneIn(bytes)
      if (scene !== undefined)
        expect([typeof scene.sceneId, scene.data instanceof Uint8Array]).toEqual(['string', true])
    },
  },
  {
    name: 'prices in a room',
    corpus: [PRICE],
    decode: (bytes) => {
      const price = parsePrice(bytes)
      if (price === undefined) return
      expect(price.value).toMatch(/^-?\d+(\.\d+)?$/)
      expect([price.observedAt, price.seq].every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true)
    },
  },
]

const ENVELOPE = JSON.stringify({
  signature: 'A'.repeat(86) + '==',
  signed_by: 'feeds.example',
  signed_at: '1700000000',
  entity: '{"type":"x","uri":null,"n":[1,0.5,-3]}',
})

const versia: Decoder[] = [
  {
    name: 'envelopes of Versia',
    corpus: [ENVELOPE],
    decode: (bytes) => {
      for (const version of ['0.6', '0.5', '0.4'] as const) {
        const envelope = readEnvelope(bytes, false, version)
        if (typeof envelope === 'string') continue
        const fields = parsed(bytes.toString())?.value as Record<string, unknown>
        expect([envelope.signature, envelope.signedBy, envelope.entity]).toEqual([
          fields['signature'],
          fields['signed_by'],
          fields['entity'],
        ])
      }
    },
  },
  {
    name: 'the strict JSON of Versia',
    corpus: [ENVELOPE, ...BODIES, '{"a":0.1,"b":9007199254740992,"c":[-1]}'],
    decode: (bytes) => {
      const text = bytes.toString()
      expect(parseStrictJson(text, 'all')).toEqual(parsed(text)?.value)
      const names = membersIn(text).map(({ of, name }) => `${of}/${name}`)
      expect(new Set(names).size).toBe(names.length)
    },
    mayThrow: (error) => error instanceof SyntaxError,
  },
]

const strapi: Decoder = {
  name: 'frames of a transfer of Strapi',
  corpus: [
    '{"uuid":"u","data":{"type":"transfer","id":"i","ended":false,"error":null,"data":[{"a":1}]}}',
    '{"uuid":"u","data":{"ok":true},"error":{"code":"E","message":"m","details":{"step":"validation"}}}',
    '{"diagnostic":{"kind":"warning","details":{"message":"m","createdAt":"now"}}}',
  ],
  decode: (bytes) => {
    const frame = classify(bytes.toString(), () => true)
    if (frame.kind === 'batch') expect(frame.items === null || Array.isArray(frame.items)).toBe(true)
    if (frame.kind === 'answer' && frame.error !== undefined)
      expect(frame.error.message.length).toBeLessThanOrEqual(300)
    if (frame.kind === 'diagnostic') expect(frame.message.length).toBeLessThanOrEqual(300)
  },
}

const tremor: Decoder[] = [
  ...new Map(
    vectorFiles(/^codec-/)
      .flatMap(readVectors)
      .filter((one) => !one.expect?.config_error)
      .map((vector) => [readNamed(vector.codec, 'test').name, vector.codec] as const),
  ),
].map(([name, definition]) => {
  const codec = createCodec(definition)
  const corpus = vectorFiles(/^codec-/)
    .flatMap(readVectors)
    .filter((one) => readNamed(one.codec, 'test').name === name)
    .flatMap(({ data, expect: expected }) =>
      [data, expected?.data].flatMap((one) => (one ? [bytesOf(one)] : [])),
    )
    .filter(({ length }) => length < 5_000)
  return {
    name: `the codec ${name} of Tremor`,
    corpus: corpus.length > 0 ? corpus : ['1'],
    decode: (bytes) => void codec.decode(bytes, { ingestNs: 1n }),
    mayThrow: (error) => error instanceof CodecError,
  }
})

const STAGES: unknown[] = [
  'separate',
  'base64',
  'length-prefixed',
  'textual-length-prefixed',
  'ingest-ns',
  'gelf-chunking',
  ...['autodetect', 'gzip', 'zlib', 'br', 'zstd', 'lz4', 'xz2', 'snappy'].map((algorithm) => ({
    name: 'decompress',
    config: { algorithm },
  })),
]

const MAX_HELD_BYTES = 10_000

const stages: Decoder[] = STAGES.map((definition) => {
  const held = { ...defaultLimits, maxBufferedBytes: MAX_HELD_BYTES, maxDecompressedBytes: MAX_HELD_BYTES }
  const maker = preprocessorMaker(readNamed(definition, 'test'), held)
  const { name } = readNamed(definition, 'test')
  const corpus = vectorFiles(/^pre-/)
    .flatMap(readVectors)
    .filter(({ chain, steps }) => steps?.length > 0 && readNamed(chain[0] ?? 'none', 'test').name === name)
    .flatMap(({ steps }) => steps.map(({ frame }) => bytesOf(frame)))
    .filter(({ length }) => length < 5_000)
  return {
    name: `the stage ${JSON.stringify(definition)} of Tremor`,
    corpus: corpus.length > 0 ? corpus : ['1'],
    prepare: async () => maker.prepare?.(),
    decode: (bytes) => {
      const budget = new StageBudget(MAX_HELD_BYTES)
      const stage = maker.make(budget)
      try {
        for (const at of [0, 1]) {
          const made = stage.process({
            data: bytes.subarray((bytes.length * at) / 2),
            ingestNs: BigInt(at) * 10_000_000n,
          })
          expect(Array.isArray(made)).toBe(true)
        }
      } finally {
        stage.finish(0n)
        // All that was held has been given back.
        expect(() => budget.take(MAX_HELD_BYTES)).not.toThrow()
      }
    },
    mayThrow: (error) => error instanceof CodecError,
  }
})

const MESSAGES = [
  { type: 'hello', session: 's' },
  { type: 'entries', adapter: 'A', entries: [['key', 1, 2, '{"result":1}']] },
  {
    type: 'wanted',
    feeds: [{ adapter: 'A', endpoint: 'e', transport: 't', params: {}, key: 'k', ttlMs: 1 }],
  },
  { type: 'why', id: 1, feed: { adapter: 'A', endpoint: 'e', transport: 't', params: { a: undefined } } },
]

/** As the writer or a worker reads what comes over its link. */
const workers: Decoder = {
  name: 'frames between processes',
  corpus: [...MESSAGES.map(encodeFrame), Buffer.concat(MESSAGES.map(encodeFrame))],
  decode: (bytes) => {
    const whole = new FrameReader().push(bytes)
    const reader = new FrameReader()
    const pieces = Array.from(bytes, (_, at) => reader.push(bytes.subarray(at, at + 1))).flat()
    expect(pieces).toEqual(whole)
    for (const message of whole) {
      const known = fromWriter(message) ?? fromWorker(message)
      if (known !== undefined) expect(message).toBe(known)
    }
    if (whole.length === 1 && bytes.length === bytes.readUInt32BE(0) + 4)
      expect(whole[0]).toEqual(deserialize(bytes.subarray(4)))
  },
  mayThrow: (error) => error instanceof FrameError,
}

const limits: Decoder = {
  name: 'FEED_LIMITS',
  corpus: [
    '{"eth/*":{"min":1,"max":10,"maxAgeMs":5000,"sign":"any"},"*":{"allowZero":true,"withdrawn":"delisted"}}',
    '{"btc/usd":{"maxJump":0.1,"frozenAfterMs":null}}',
  ],
  decode: (bytes) => {
    const rules = limitsReader.read(bytes.toString())
    expect(rules).toBeInstanceOf(Rules)
    const { min, max, maxAgeMs } = rules.limitsFor(['eth/usd', 'btc/usd']) ?? {}
    for (const one of [min, max, maxAgeMs]) expect(one == null || Number.isFinite(one)).toBe(true)
    if (typeof maxAgeMs === 'number') expect(Number.isInteger(maxAgeMs) && maxAgeMs > 0).toBe(true)
  },
  mayThrow: (error) => error instanceof LimitsError,
}
const limitsReader = new RulesReader()

const NUMBERS = [
  '1800.25',
  '-0',
  '+1',
  '.5',
  '5.',
  '1e-7',
  '0001',
  '12345678901234567890.123456789',
  '1E60',
  '0x10',
  '1,5',
]

const plainDecimal = decimalText({ sign: '-', point: 'inside', maxDigits: 20 })

const numbers: Decoder = {
  name: 'decimals',
  corpus: NUMBERS,
  decode: (bytes) => {
    const text = bytes.toString()
    const number = numberIn(text)
    if (typeof number === 'number') {
      expect(number).toBe(Number(text))
      expect(Number.isFinite(number)).toBe(true)
      expect(text).toMatch(/^[+-]?[\d.]+(e[+-]?\d+)?$/i)
    }
    if (plainDecimal(text)) expect(text).toMatch(/^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/)
  },
}

const TIMES = [
  '2026-11-22T10:20:30Z',
  '2026-02-29T00:00:00.123456789+01:00',
  '2024-02-29T23:59:59.0009999999Z',
  '2026-11-22T24:00:00Z',
  '1700000000',
  '1700000000123.5',
  'Sun, 06 Nov 1994 08:49:37 GMT',
  '120',
  '1e9',
]
const strictTime = timeReader({})
const exactTime = nanosecondReader({})
const zonedTime = zonedTimeReader()
const UNITS: TimeUnit[] = ['s', 'ms', 'us', 'ns', 'iso']

const times: Decoder = {
  name: 'times',
  corpus: TIMES,
  decode: (bytes) => {
    const text = bytes.toString()
    const [ms, ns] = [strictTime(text), exactTime(text)]
    if (ms !== undefined) {
      expect(ns! / 1_000_000n).toBe(BigInt(Math.floor(ms)))
      const [, day] = /^\d{4}-\d\d-(\d\d)/.exec(text)!
      const offset = /([+-])(\d\d):(\d\d)$/.exec(text)
      const minutes =
        offset === null ? 0 : Number(`${offset[1]}1`) * (Number(offset[2]) * 60 + Number(offset[3]))
      expect(new Date(ms + minutes * 60_000).getUTCDate()).toBe(Number(day))
    }
    const zoned = zonedTime(text)
    if (zoned !== undefined) expect(Number.isFinite(zoned)).toBe(true)
    for (const unit of UNITS) {
      const time = providerTime(unit)(text)!
      expect(Number.isNaN(time) || (Number.isInteger(time) && time >= 946_684_800_000)).toBe(true)
    }
  },
}

const retryAfter: Decoder = {
  name: 'Retry-After',
  corpus: TIMES,
  decode: (bytes) => {
    const delayMs = parseRetryAfter(bytes.toString(), 1_700_000_000_000)
    if (delayMs !== undefined) expect(delayMs).toBeGreaterThan(0)
  },
}

const decoders = [
  scanOfBodies,
  ...providers,
  ...roomProtocol,
  ...versia,
  strapi,
  ...tremor,
  ...stages,
  workers,
  limits,
  numbers,
  times,
  retryAfter,
]

describe('mutated messages', () => {
  const members = () => Object.getOwnPropertyNames(Object.prototype).sort()
  let before: string[]
  beforeAll(() => (before = members()))
  afterAll(() => expect(members()).toEqual(before))

  it.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
    'of %s are read or refused in its own way, and give nothing that cannot be right',
    async (_, { corpus, prepare, decode, mayThrow }) => {
      await prepare?.()
      fc.assert(
        fc.property(mutated(corpus), (bytes) => {
          try {
            decode(bytes)
          } catch (error) {
            if (mayThrow?.(error) !== true) throw error
          }
          expect(members()).toEqual(before)
        }),
        effort(RUNS, 1 / decoders.length),
      )
    },
    GUARD_MS,
  )
})
