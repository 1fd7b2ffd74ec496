import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AllowedTypes } from '../content-types'
import { toNumber, toUnixMs } from '../decimal'
import { contentTypeMapping, readRow } from '../mapping'
import { priceMapping } from '../price-mapping'
import { checkSchemas } from '../schema-check'
import { recordedSchemas } from './push-peer'

const published = {
  documentId: 'z8zokv3uk96vlpvazjanpnec',
  base: 'BTC',
  quote: 'USD',
  value: '64000.5',
  observedAt: '2026-11-22T05:00:00.000Z',
  updatedAt: '2026-11-22T05:18:13.918Z',
  publishedAt: '2026-11-22T05:18:13.910Z',
  locale: null,
}

describe('numbers', () => {
  it.each([
    [1012.3456789, 1012.3456789],
    ['1012.3456789', 1012.3456789],
    ['1e-7', 1e-7],
    ['+1.5E3', 1500],
    ['-3', -3],
    ['.5', 0.5],
    ['5.', 5],
    ['0.000', 0],
    ['123456789.123456789123456789123456789', 123456789.12345679],
    ['9007199254740995', 9007199254740996],
  ])('reads %s', (given, number) => expect(toNumber(given)).toBe(number))

  it.each([
    '',
    ' 1',
    '1 ',
    'NaN',
    'Infinity',
    '1e999',
    '1e-999',
    '0x10',
    '1,5',
    '1_000',
    '--1',
    'e5',
    '.',
    '1'.repeat(101),
    null,
    true,
    [],
    {},
    [1],
    NaN,
    Infinity,
    undefined,
  ])('refuses %s', (given) => expect(toNumber(given)).toBeUndefined())

  it('turns the text of any number into that number: nothing passes through a float twice', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(toNumber(number)).toBe(number)
        expect(toNumber(String(number))).toBe(Number(String(number)))
      }),
    )
  })
})

describe('times', () => {
  it('reads ISO 8601 with a zone, and nothing else', () => {
    expect(toUnixMs('2026-11-22T05:00:00.000Z')).toBe(Date.UTC(2026, 10, 22, 5))
    expect(toUnixMs('2026-11-22T05:00:00+01:00')).toBe(Date.UTC(2026, 10, 22, 4))
    for (const given of [
      '2026-11-22',
      '2026-11-22T05:00:00',
      '2026-13-22T05:00:00Z',
      'now',
      1732251600000,
      null,
      '',
    ])
      expect(toUnixMs(given)).toBeUndefined()
  })
})

describe('reading a row', () => {
  const mapping = priceMapping()

  it('makes a price of a published row', () => {
    const reading = readRow(mapping, 7, published)
    if (reading.is !== 'row') throw new Error(reading.is)
    expect(mapping.map(reading.row)).toEqual({
      params: { base: 'BTC', quote: 'USD' },
      response: {
        result: 64000.5,
        data: { result: 64000.5 },
        timestamps: { providerIndicatedTimeUnixMs: Date.UTC(2026, 10, 22, 5) },
      },
    })
  })

  it.each<[string, object, string]>([
    ['a draft', { publishedAt: null }, 'unserved'],
    ['no publishedAt', { publishedAt: undefined }, 'row-malformed publishedAt'],
    ['a publishedAt that is no time', { publishedAt: 'yes' }, 'row-malformed publishedAt'],
    ['no documentId', { documentId: undefined }, 'row-malformed documentId'],
    ['a locale that is no text', { locale: 7 }, 'row-malformed locale'],
    [
      'a locale nobody chose',
      { locale: 'en' },
      'locale-unchosen the content type is internationalised: the mapping needs a locale',
    ],
    ['no value', { value: null }, 'attribute-refused value'],
    ['a value that is no number', { value: 'NaN' }, 'attribute-refused value'],
    ['an empty symbol', { base: '' }, 'attribute-refused base'],
    ['blanks around a symbol', { base: 'BTC ' }, 'attribute-refused base'],
    ['no time', { observedAt: null }, 'attribute-refused observedAt'],
    ['a time that is none', { observedAt: 'soon' }, 'attribute-refused observedAt'],
  ])('%s', (_what, change, outcome) => {
    const reading = readRow(mapping, 7, { ...published, ...change })
    expect(reading.is === 'refused' ? `${reading.reason} ${reading.detail}` : reading.is).toBe(outcome)
  })

  it('takes one locale where one is chosen, and rows without one', () => {
    const english = priceMapping({ locale: 'en' })
    expect(['en', 'de', null].map((locale) => readRow(english, 7, { ...published, locale }).is)).toEqual([
      'row',
      'unserved',
      'row',
    ])
  })

  it('shows the mapping no attribute that it does not name', () => {
    const reading = readRow(priceMapping(), 7, { ...published, secret: 'x' })
    expect(JSON.stringify(reading)).not.toContain('secret')
  })

  it('knows the types of what it names', () => {
    const rates = contentTypeMapping({
      contentType: 'api::asset-rate.asset-rate',
      attributes: { symbol: 'text', rate: 'number', halted: 'boolean', tags: 'json' },
      map: ({ attributes: { symbol, rate, halted, tags } }) =>
        halted ? undefined : { [symbol.toLowerCase()]: rate.toFixed(2), tags },
    })
    const row = { ...published, symbol: 'DAI', rate: 0.9998, halted: false, tags: [1] }
    const reading = readRow(rates, 1, row)
    expect(reading.is === 'row' && rates.map(reading.row as never)).toEqual({ dai: '1.00', tags: [1] })
    expect(readRow(rates, 1, { ...row, halted: 'no' }).is).toBe('refused')
    expect(readRow(rates, 1, { ...row, tags: null }).is).toBe('refused')
  })
})

describe('the allow-list', () => {
  const types = new AllowedTypes(['api::price.price'])

  it.each([
    'admin::user',
    'admin::api-token',
    'price',
    'api::price',
    'api::Price.price',
    'strapi::core-store',
    '',
  ])('takes no %s', (type) => {
    expect(() => new AllowedTypes([type])).toThrow(/no content type that may be read/)
  })

  it('keeps rows of its types alone, and tells of those that are no rows', () => {
    const malformed: string[] = []
    const items = [
      { type: 'admin::user', id: 1, data: { password: 'x' } },
      { type: 'api::price.price', id: 1, data: { a: 1 }, unknown: true },
      { type: 'api::price.price', id: 2 },
      { type: 'api::price.price', id: '3', data: {} },
      { type: 'api::price.price', id: 4, data: [] },
      { type: 'toString', id: 1, data: {} },
      null,
      7,
      'x',
    ]
    expect(types.rowsIn(items, (type) => malformed.push(type))).toEqual([
      { type: 'api::price.price', id: 1, data: { a: 1 } },
    ])
    expect(malformed).toEqual(['api::price.price', 'api::price.price', 'api::price.price'])
  })
})

describe('the schema check', () => {
  const schemas = recordedSchemas()
  const message = (...mappings: Parameters<typeof checkSchemas>[1]) => {
    try {
      checkSchemas(schemas, mappings)
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }

  it('accepts the mapping of the recorded server, with system attributes', () => {
    expect(message(priceMapping())).toBe('')
    expect(message(priceMapping({ observedAt: 'updatedAt', value: 'volume' }))).toBe('')
  })

  it('names everything that does not fit at once', () => {
    const text = message(
      priceMapping({ contentType: 'api::ghost.ghost' }),
      priceMapping({ value: 'venue', observedAt: 'nope', base: 'halted' }),
      priceMapping({ contentType: 'feed.bounds' }),
      priceMapping({ contentType: 'toString' }),
    )
    expect(text).toContain('there is no content type api::ghost.ghost')
    expect(message(priceMapping(), priceMapping({ value: 'volume' }))).toContain(
      'api::price.price is mapped twice',
    )
    expect(text).toContain('"venue" of api::price.price is a relation, which is no number')
    expect(text).toContain('api::price.price has no attribute "nope"')
    expect(text).toContain('"halted" of api::price.price is a boolean, which is no text')
    expect(text).toContain('feed.bounds is no content type')
    expect(text).toContain('there is no content type toString')
  })

  it.each([
    { 'api::price.price': null },
    { 'api::price.price': 7 },
    { 'api::price.price': { modelType: 'contentType', kind: 'x', attributes: [] } },
  ])('refuses schemas that are none', (given) =>
    expect(() => checkSchemas(given, [priceMapping()])).toThrow(/does not fit/),
  )
})
