import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AllowedTypes } from '../content-types'
import { priceMapping, type PriceResult } from '../price-mapping'
import { SnapshotBuilder } from '../snapshot'

const NOW = Date.UTC(2026, 10, 22, 6)
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString()
const moment = (unixMs: number) => ({ unixMs, monotonicMs: unixMs })

const price = (id: number, base: string, value: unknown, more: object = {}) => ({
  type: 'api::price.price',
  id,
  data: {
    documentId: `d${id}`,
    base,
    quote: 'USD',
    value,
    observedAt: at(-1),
    publishedAt: at(-60),
    updatedAt: at(-60),
    locale: null,
    ...more,
  },
})

const create = (maxRows = 100) => {
  const faults: string[] = []
  const builder = new SnapshotBuilder<PriceResult>({
    mappings: [priceMapping()],
    maxRows,
    keyOf: ({ params: { base, quote } }) => `${base}/${quote}`.toLowerCase(),
    onFault: (reason, detail) => void faults.push(`${reason}: ${detail}`),
  })
  const values = () =>
    Object.fromEntries(
      [...builder.build(moment(NOW)).results].map(([key, { response }]) => [key, response.result]),
    )
  return { builder, faults, values }
}

describe('a snapshot', () => {
  it('has the published row where there is a draft of the same document beside it', () => {
    const { builder, values, faults } = create()
    builder.add([price(3, 'DAI', 0.9123, { publishedAt: null }), price(4, 'DAI', 0.9998)], moment(NOW))
    expect(values()).toEqual({ 'dai/usd': 0.9998 })
    expect(faults).toEqual([])
    expect(builder.build(moment(NOW)).isUnspoiled).toBe(true)
  })

  it('counts a row that is read twice as it was read last, also when it was withdrawn in between', () => {
    const { builder, values } = create()
    builder.add([price(1, 'BTC', 1), price(2, 'ETH', 2)], moment(NOW))
    builder.add([price(1, 'BTC', 3), price(2, 'ETH', 2, { publishedAt: null })], moment(NOW))
    expect(values()).toEqual({ 'btc/usd': 3 })
  })

  it('takes the latest of two documents for one feed, and says so', () => {
    const { builder, values, faults } = create()
    builder.add(
      [
        price(1, 'BTC', 1, { observedAt: at(-2) }),
        price(2, 'btc', 2, { observedAt: at(-1) }),
        price(3, 'BTC', 3, { observedAt: at(-3) }),
      ],
      moment(NOW),
    )
    expect(values()).toEqual({ 'btc/usd': 2 })
    expect(faults).toEqual([
      'duplicate-key: api::price.price 2 and 1 are of one feed',
      'duplicate-key: api::price.price 3 and 2 are of one feed',
    ])
  })

  it('does not let a row from the future hide an honest one', () => {
    const { builder, values, faults } = create()
    builder.add([price(1, 'BTC', 1), price(2, 'BTC', 2, { observedAt: at(60) })], moment(NOW))
    expect(values()).toEqual({ 'btc/usd': 1 })
    expect(faults).toEqual(['future: api::price.price 2'])
  })

  it('loses one bad row and not its neighbours, and shows no value of it', () => {
    const { builder, values, faults } = create()
    builder.add([price(1, 'BTC', 'secret-text'), price(2, 'ETH', 2)], moment(NOW))
    builder.malformed('api::price.price')
    expect(values()).toEqual({ 'eth/usd': 2 })
    expect(faults).toEqual([
      'attribute-refused: api::price.price 1: value',
      'row-malformed: api::price.price: no id or no data',
    ])
    expect(builder.build(moment(NOW)).isUnspoiled).toBe(false)
  })

  it('loses one row to a mapping that throws', () => {
    const faults: string[] = []
    const builder = new SnapshotBuilder<PriceResult>({
      mappings: [
        {
          ...priceMapping(),
          map: () => {
            throw new Error('a defect')
          },
        },
      ],
      maxRows: 10,
      keyOf: () => '',
      onFault: (reason) => void faults.push(reason),
    })
    builder.add([price(1, 'BTC', 1)], moment(NOW))
    expect(builder.build(moment(NOW)).results.size).toBe(0)
    expect(faults).toEqual(['handler-failed'])
  })

  it('was received when its first rows were', () => {
    const { builder } = create()
    builder.add([price(1, 'BTC', 1)], moment(NOW - 5_000))
    builder.add([price(2, 'ETH', 1)], moment(NOW - 1_000))
    expect(builder.build(moment(NOW)).received).toEqual(moment(NOW - 5_000))
  })

  it('has a limit, which the same row read again does not reach', () => {
    const { builder } = create(2)
    builder.add([price(1, 'BTC', 1), price(2, 'ETH', 1), price(1, 'BTC', 1)], moment(NOW))
    expect(() => builder.add([price(3, 'X', 1, { publishedAt: null })], moment(NOW))).toThrow(
      /more than 2 rows/,
    )
  })

  it('is the same in whatever order the rows come', () => {
    const rows = [
      price(1, 'BTC', 1, { observedAt: at(-2) }),
      price(2, 'BTC', 2),
      price(3, 'BTC', 3),
      price(4, 'BTC', 4, { updatedAt: at(-90) }),
      price(5, 'ETH', 5),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (order) => {
        const { builder, values } = create()
        for (const row of order) builder.add([row], moment(NOW))
        expect(values()).toEqual({ 'btc/usd': 3, 'eth/usd': 5 })
      }),
    )
  })

  it('RS-1: takes ten thousand items of any kind without a throw, and keeps no more rows than it may', () => {
    const { builder, faults } = create(1_000_000)
    const types = new AllowedTypes(['api::price.price'])
    const item = fc.oneof(
      fc.anything(),
      fc.record({
        type: fc.constant('api::price.price'),
        id: fc.nat(50),
        data: fc.oneof(
          fc.anything(),
          fc.dictionary(fc.constantFrom(...Object.keys(price(1, '', 1).data)), fc.anything()),
        ),
      }),
    )
    fc.assert(
      fc.property(item, (one) =>
        builder.add(
          types.rowsIn([one, price(51, 'BTC', 1)], () => builder.malformed('x')),
          moment(NOW),
        ),
      ),
      { numRuns: 10_000 },
    )
    expect(builder.build(moment(NOW)).results.get('btc/usd')).toBeDefined()
    expect(new Set(faults.map((fault) => fault.split(':')[0]))).toEqual(
      new Set(
        ['row-malformed', 'attribute-refused', 'locale-unchosen'].filter((reason) =>
          faults.some((fault) => fault.startsWith(reason)),
        ),
      ),
    )
    expect(builder.build(moment(NOW)).results.size).toBeLessThanOrEqual(52)
  })
})
