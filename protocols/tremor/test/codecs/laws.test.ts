import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createCodec } from '../../codecs/create-codec'
import { createInbound, type InboundOutcome } from '../../codecs/inbound'
import { createOutbound } from '../../codecs/outbound'
import { Double, type Value, type Writable } from '../../codecs/value'
import { bare, decoding } from './vectors'

const meta = { ingestNs: 5n }
const runs = { numRuns: 300 }

const text = fc.string({ unit: 'binary', maxLength: 12 })
const double = fc.double({ noNaN: true, noDefaultInfinity: true })
/** Where no point is written `-0` becomes `0`. */
const unsignedZero = double.map((one) => one + 0)
const bigInteger = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: BigInt(Number.MIN_SAFE_INTEGER) - 1n }),
  fc.bigInt({ min: BigInt(Number.MAX_SAFE_INTEGER) + 1n, max: 2n ** 64n - 1n }),
)
const number = fc.oneof(double, fc.maxSafeInteger(), bigInteger)
const bytes = fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one))
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '', 'toString', '<<', '1', 'null'))

/** Any value, with records that have no prototype: what codecs decode to. */
function anyValue(scalar: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  return value.map(bare)
}

const scalar = fc.oneof(fc.constantFrom(null, true, false), number, text)

describe('decode(encode(x)) is x', () => {
  it.each([
    ['json', scalar],
    ['yaml', scalar],
    ['msgpack', fc.oneof(scalar, bytes)],
    ['tremor', fc.oneof(scalar, bytes)],
  ])('%s', (name, scalars) => {
    const codec = createCodec(name)
    fc.assert(
      fc.property(anyValue(scalars as fc.Arbitrary<Value>), (value) => {
        deepStrictEqual(codec.decode(codec.encode(value, meta), meta)?.value, bare(value))
      }),
      runs,
    )
  })

  it('json with sorted keys, whatever order they had', () => {
    const codec = createCodec({ name: 'json', config: { mode: 'sorted' } })
    fc.assert(
      fc.property(fc.dictionary(key, number, { maxKeys: 6 }), (entries) => {
        const reversed = Object.fromEntries(Object.entries(entries).reverse())
        expect(codec.encode(bare(entries), meta)).toEqual(codec.encode(bare(reversed), meta))
      }),
      runs,
    )
  })

  const name = fc.string({ unit: fc.constantFrom(...'ab ,=\\_é𝒜'), minLength: 1, maxLength: 8 })
  const unsigned = fc.oneof(
    fc.maxSafeInteger().map(Math.abs),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  )
  const fields = fc.dictionary(name, fc.oneof(number, fc.boolean(), text), { minKeys: 1, maxKeys: 4 })
  const tags = fc.dictionary(name, name, { maxKeys: 3 })

  it('influx', () => {
    const codec = createCodec('influx')
    fc.assert(
      fc.property(fc.record({ measurement: name, tags, fields, timestamp: unsigned }), (value) => {
        deepStrictEqual(codec.decode(codec.encode(value, meta), meta)?.value, bare(value))
      }),
      runs,
    )
  })

  it('binflux', () => {
    const codec = createCodec('binflux')
    const signed = number.filter((one) => one < 2n ** 63n || typeof one === 'number')
    const typed = fc.dictionary(text, fc.oneof(signed, fc.boolean(), text), { maxKeys: 4 })
    const texts = fc.dictionary(text, text, { maxKeys: 4 })
    const record = fc.record({ measurement: text, tags: texts, fields: typed, timestamp: unsigned })
    fc.assert(
      fc.property(record, (value) => {
        deepStrictEqual(codec.decode(codec.encode(value, meta), meta)?.value, bare(value))
      }),
      runs,
    )
  })

  it('statsd', () => {
    const codec = createCodec('statsd')
    const base = { metric: fc.string({ unit: fc.constantFrom(...'ab.|_') }), sample_rate: unsignedZero }
    const plain = fc.record({ ...base, type: fc.constantFrom('c', 'h', 's', 'ms'), value: number })
    const positive = number.map((one) => (one < 0 || Object.is(one, -0) ? 1 : one))
    const relative = fc.record({
      ...base,
      type: fc.constant('g'),
      action: fc.constantFrom('add', 'sub'),
      value: positive.filter((one) => one < 2n ** 63n || typeof one === 'number'),
    })
    fc.assert(
      fc.property(fc.oneof(plain, relative), (value) => {
        deepStrictEqual(
          codec.decode(codec.encode(value as Writable, meta), meta)?.value,
          bare(value as Writable),
        )
      }),
      runs,
    )
  })

  it('graphite-plaintext, with whole seconds', () => {
    const codec = createCodec('graphite-plaintext')
    const timestamp = fc.integer({ min: 0, max: 9_000_000 }).map((seconds) => seconds * 1e9)
    const metric = fc.string({ unit: fc.constantFrom(...'ab.:|') })
    fc.assert(
      fc.property(fc.record({ metric, value: number, timestamp }), (value) => {
        deepStrictEqual(codec.decode(codec.encode(value, meta), meta)?.value, bare(value))
      }),
      runs,
    )
  })

  it('dogstatsd', () => {
    const codec = createCodec('dogstatsd')
    const plain = fc.string({ unit: fc.constantFrom(...'ab é𝒜'), maxLength: 5 })
    const optional = { tags: fc.array(plain, { minLength: 1, maxLength: 3 }), container_id: plain }
    const time = { timestamp: unsigned, hostname: plain }
    const metric = fc.record(
      {
        metric: plain.filter((one) => !one.startsWith('_')),
        values: fc.array(unsignedZero, { minLength: 1, maxLength: 3 }),
        type: fc.constantFrom('c', 'd', 'g', 'h', 'ms', 's'),
        sample_rate: unsignedZero,
        ...optional,
      },
      { requiredKeys: ['metric', 'values', 'type'] },
    )
    const event = fc.record(
      {
        title: text,
        text,
        aggregation_key: plain,
        priority: plain,
        source: plain,
        type: plain,
        ...time,
        ...optional,
      },
      { requiredKeys: ['title', 'text'] },
    )
    const check = fc.record(
      { name: plain, status: fc.integer({ min: 0, max: 3 }), message: plain, ...time, ...optional },
      { requiredKeys: ['name', 'status'] },
    )
    const any = fc.oneof(
      fc.record({ metric }),
      fc.record({ event }),
      fc.record({ service_check: check }),
    ) as fc.Arbitrary<Writable>
    fc.assert(
      fc.property(any, (value) => {
        deepStrictEqual(codec.decode(codec.encode(value, meta), meta)?.value, bare(value))
      }),
      runs,
    )
  })

  it('csv', () => {
    const codec = createCodec('csv')
    const cell = fc.string({ unit: fc.constantFrom(...'ab,"\r\n é'), maxLength: 6 })
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (value) => {
        expect(codec.decode(codec.encode(value, meta), meta)?.value).toEqual(value)
      }),
      runs,
    )
  })

  it('avro', () => {
    const schema = {
      type: 'record',
      name: 'all',
      fields: [
        { name: 'nothing', type: 'null' },
        { name: 'flag', type: 'boolean' },
        { name: 'long', type: 'long' },
        { name: 'double', type: 'double' },
        { name: 'bytes', type: 'bytes' },
        { name: 'fixed', type: { type: 'fixed', name: 'four', size: 4 } },
        { name: 'side', type: { type: 'enum', name: 'side', symbols: ['BID', 'ASK'] } },
        { name: 'list', type: { type: 'array', items: ['null', 'string'] } },
        { name: 'map', type: { type: 'map', values: 'int' } },
      ],
    }
    const value = fc.record({
      nothing: fc.constant(null),
      flag: fc.boolean(),
      long: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 60n) })),
      double,
      bytes,
      fixed: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((one) => Buffer.from(one)),
      side: fc.constantFrom('BID', 'ASK'),
      list: fc.array(fc.oneof(fc.constant(null), text), { maxLength: 3 }),
      map: fc.dictionary(key, fc.integer(), { maxKeys: 3 }),
    })
    for (const compression of ['none', 'deflate']) {
      const codec = createCodec({ name: 'avro', config: { schema, compression } })
      fc.assert(
        fc.property(value, (one) => {
          deepStrictEqual(codec.decode(codec.encode(one, meta), meta)?.value, bare(one))
        }),
        { numRuns: 100 },
      )
    }
  })

  it('whole numbers are doubles where they are marked as such', () => {
    for (const name of ['msgpack', 'tremor']) {
      const codec = createCodec(name)
      fc.assert(
        fc.property(fc.maxSafeInteger(), (value) => {
          expect(codec.encode(new Double(value), meta)).toHaveLength(name === 'tremor' ? 11 : 9)
          expect(codec.decode(codec.encode(new Double(value), meta), meta)?.value).toBe(value)
        }),
        { numRuns: 50 },
      )
    }
  })
})

describe('framing, cut anywhere', () => {
  const pairs: [string, unknown[], unknown[]][] = [
    ['separate', ['separate'], ['separate']],
    ['length-prefixed', ['length-prefixed'], ['length-prefixed']],
    ['textual-length-prefixed', ['textual-length-prefixed'], ['textual-length-prefixed']],
    ['base64 in lines', ['separate', 'base64'], ['base64', 'separate']],
    [
      'zstd with a length',
      ['length-prefixed', { name: 'decompress', config: { algorithm: 'zstd' } }],
      [{ name: 'compress', config: { algorithm: 'zstd' } }, 'length-prefixed'],
    ],
    ['stamps with a length', ['length-prefixed', 'ingest-ns'], ['ingest-ns', 'length-prefixed']],
  ]

  beforeAll(() => createInbound({ codec: 'null', preprocessors: pairs[4]![1] }).prepare())

  it.each(pairs)('%s gives back the messages', (_title, preprocessors, postprocessors) => {
    const inbound = createInbound({ codec: 'string', preprocessors })
    const outbound = createOutbound({ codec: 'string', postprocessors }, { life: 'stream' })
    const message = fc.string({ unit: fc.constantFrom(...'ab1 é𝒜'), minLength: 1, maxLength: 20 })
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), cuts, (messages, at) => {
        const out = outbound.stream()
        const wire = Buffer.concat(
          messages.flatMap((one) => out.encode(one, { ingestNs: 9n, isText: false })),
        )
        const stream = decoding(inbound.stream())
        const outcomes = cut(wire, at).flatMap((piece) => stream.receive(piece, 9n))
        expect(values(outcomes)).toEqual(messages)
        expect(stream.end(9n)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('gives back a message that comes byte by byte', () => {
    const stream = decoding(createInbound({ codec: 'string', preprocessors: ['length-prefixed'] }).stream())
    const wire = Buffer.concat([Buffer.from('00000000000186a0', 'hex'), Buffer.alloc(100_000, 'x')])
    const outcomes = cut(
      wire,
      wire.map((_, index) => index),
    ).flatMap((piece) => stream.receive(piece, 0n))
    expect(values(outcomes)).toEqual(['x'.repeat(100_000)])
  })

  it('joins the parts of GELF messages in whatever order they come', () => {
    const outbound = createOutbound(
      { codec: 'string', postprocessors: ['gelf-chunking'] },
      { life: 'stream' },
    )
    const inbound = createInbound({ codec: 'string', preprocessors: ['gelf-chunking'] })
    const message = fc.nat({ max: 30_000 }).map((length) => 'abc'.repeat(length / 3 + 1))
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), fc.infiniteStream(fc.nat()), (messages, order) => {
        const out = outbound.stream()
        const parts = messages.flatMap((one) => out.encode(one, { ingestNs: 9n, isText: false }))
        const shuffled = parts
          .map((part) => ({ part, rank: order.next().value }))
          .sort((a, b) => a.rank - b.rank)
        const stream = decoding(inbound.stream())
        const outcomes = shuffled.flatMap(({ part }) => stream.receive(part, 9n))
        expect(values(outcomes).sort()).toEqual([...messages].sort())
      }),
      { numRuns: 50 },
    )
  })
})

const values = (outcomes: InboundOutcome[]) =>
  outcomes.map((one) => (one.kind === 'event' ? one.value : one.error))

function cut(wire: Buffer, at: Iterable<number>): Buffer[] {
  const bounds = [
    0,
    ...new Set([...at].filter((one) => one < wire.length).sort((a, b) => a - b)),
    wire.length,
  ]
  return bounds.slice(1).map((end, index) => wire.subarray(bounds[index], end))
}
