import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEntity } from '../entity'
import { readEnvelope } from '../envelope'
import { parseStrictJson } from '../json-rules'
import { isCustomType, readPrice } from '../price'
import { unixMsOf } from '../rfc3339'
import { isUnixSeconds } from '../signature'
import { isAuthorOf, isSignedBy } from '../signed-by'
import { priceMessage, priceText } from './support'
import { PRICE_TYPE } from './vectors'

describe('strict JSON', () => {
  it('is the same value as JSON, where no key stands twice', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(parseStrictJson(text, 'duplicates')).toEqual(JSON.parse(text))
      }),
    )
  })

  it('finds a key that stands twice at any depth, however it is written', () => {
    const wrap = fc.array(
      fc.constantFrom('[%]', '{"k":%}', '[1,%,"x"]', '{"a":{},"k":[%]}', ' { "k" : % } '),
      {
        maxLength: 10,
      },
    )
    fc.assert(
      fc.property(wrap, fc.string({ unit: 'binary', maxLength: 5 }), (wraps, key) => {
        const plain = JSON.stringify(key)
        const escaped = `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        const text = wraps.reduce(
          (inside, around) => around.replace('%', () => inside),
          `{${plain}:1,"z z":2,${escaped}:1}`,
        )
        expect(() => parseStrictJson(text, 'duplicates')).toThrow('a key stands twice')
      }),
    )
  })

  it.each([
    '{"a":{"b":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":"\\"a\\":1,\\"a\\":2"}',
    '{"a":"x\\\\","b":1}',
  ])('takes %s', (text) => expect(parseStrictJson(text, 'all')).toEqual(JSON.parse(text)))

  it.each([
    '{"a":"\\u000d"}',
    '{"a":\r\n1}',
    '{"a":9007199254740992.5}',
    '{"a":-9007199254740993}',
    '{"a":1E2}',
    '{"a":-0.0}',
  ])('refuses %j by the rules of 0.6, and takes it by those before', (text) => {
    expect(() => parseStrictJson(text, 'all')).toThrow(SyntaxError)
    expect(parseStrictJson(text, 'duplicates')).toEqual(JSON.parse(text))
  })

  it('RS-5: is linear: the largest frame of brackets, quotes, digits or keys takes no longer than its size', () => {
    const size = 262_000
    expect(() => parseStrictJson('['.repeat(size), 'all')).toThrow(SyntaxError)
    expect(() => parseStrictJson(`${'['.repeat(65)}${']'.repeat(65)}`, 'all')).toThrow('nested deeper')
    expect(() => parseStrictJson(`[${'9'.repeat(size)}]`, 'all')).toThrow('beyond 2^53')
    expect(parseStrictJson(JSON.stringify('\\"'.repeat(size / 4)), 'all')).toHaveLength(size / 2)
  })

  it('IS-3: lets no key reach a prototype', () => {
    const value = parseStrictJson('{"__proto__":{"polluted":1}}', 'duplicates') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect({}).not.toHaveProperty('polluted')
  })
})

describe('RFC 3339', () => {
  it('is read to the ms, in every zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: -1439, max: 1439 }),
        (unixMs, minutes) => {
          const local = new Date(unixMs + minutes * 60_000).toISOString().slice(0, -1)
          const offset = `${minutes < 0 ? '-' : '+'}${[
            Math.trunc(Math.abs(minutes) / 60),
            Math.abs(minutes) % 60,
          ]
            .map((part) => String(part).padStart(2, '0'))
            .join(':')}`
          expect(unixMsOf(`${local}${offset}`)).toBe(unixMs)
        },
      ),
    )
  })

  it.each([
    ['2026-11-22T05:20:00Z', 1_795_324_800_000],
    ['2026-11-22t05:20:00.9999999z', 1_795_324_800_999],
    ['0100-01-01T00:00:00Z', -59_011_459_200_000],
    ['0099-12-31T23:59:59Z', undefined],
    ['2026-11-22T05:20:00', undefined],
    ['2026-11-22T05:20Z', undefined],
    ['2026-11-22T05:20:00.1234567890Z', undefined],
    ['2026-11-22 05:20:00Z', undefined],
    ['2026-02-30T05:20:00Z', undefined],
    ['2026-13-01T05:20:00Z', undefined],
    ['2026-11-22T24:00:00Z', undefined],
    ['2026-11-22T05:20:60Z', undefined],
    ['2026-11-22T05:20:00+24:00', undefined],
    [1_795_324_800_000, undefined],
    [null, undefined],
  ])('%s is %s', (text, unixMs) => expect(unixMsOf(text)).toBe(unixMs))
})

describe('names', () => {
  it.each([
    ['feeds.example', '0.6', true],
    ['xn--bcher-kva.example', '0.6', true],
    ['Feeds.example', '0.6', false],
    ['feeds.example.', '0.6', false],
    ['-feeds.example', '0.6', false],
    ['feeds_.example', '0.6', false],
    ['feeds.example:443', '0.6', false],
    [`${'a.'.repeat(126)}ab`, '0.6', false],
    ['', '0.6', false],
    ['instance feeds.example', '0.5', true],
    ['instance feeds.example:8443', '0.5', true],
    ['instance  feeds.example', '0.5', false],
    ['instance feeds.example/x', '0.5', false],
    ['feeds.example', '0.5', false],
    ['https://feeds.example/users/1', '0.5', true],
    ['http://feeds.example/users/1', '0.5', false],
    ['https://FEEDS.example/users/1', '0.5', false],
    ['https://feeds.example/a/../b', '0.4', false],
    ['/users/1', '0.4', false],
  ] as const)('%s signs in version %s: %s', (name, version, is) => expect(isSignedBy(name, version)).toBe(is))

  it.each([
    ['id', 'feeds.example', '0.6', true],
    ['feeds.example:id', 'feeds.example', '0.6', true],
    ['evil.example:feeds.example:id', 'feeds.example', '0.6', false],
    ['feeds.example:', 'feeds.example', '0.6', false],
    ['', 'feeds.example', '0.6', false],
    [null, 'feeds.example', '0.6', false],
    [undefined, 'feeds.example', '0.6', false],
    [null, 'instance feeds.example', '0.5', true],
    [undefined, 'instance feeds.example', '0.5', false],
    ['https://a.example/1', 'https://a.example/1', '0.5', true],
    ['https://a.example/2', 'https://a.example/1', '0.5', false],
  ] as const)('%s may be the author where %s signs in %s: %s', (author, signedBy, version, may) =>
    expect(isAuthorOf(author, signedBy, version)).toBe(may),
  )

  it.each([
    ['org.example:price_feeds/Price', true],
    ['example:price_feeds/Price', false],
    ['pub.versia:price_feeds/Price', false],
    ['org.example:PriceFeeds/Price', false],
    ['org.example:price_feeds/price', false],
    ['org.example:price_feeds', false],
  ])('%s is a custom type: %s', (type, is) => expect(isCustomType(type)).toBe(is))
})

describe('Unix seconds', () => {
  it.each([
    ['0', true],
    ['1795324800', true],
    ['9'.repeat(15), true],
    ['9'.repeat(16), false],
    ['01', false],
    ['-1', false],
    ['+1', false],
    ['1.0', false],
    ['1e9', false],
    ['', false],
  ])('%s is a time of signing: %s', (text, is) => expect(isUnixSeconds(text)).toBe(is))
})

describe('an envelope', () => {
  const read = (text: string) => readEnvelope(Buffer.from(text), false, '0.6')

  it('may have fields of its own, which nobody looks at', () => {
    const text = priceMessage().replace('{', '{"extra":{"a":1},')
    expect(read(text)).toEqual(read(text.replace('"extra":{"a":1},', '')))
  })

  it('is malformed with a field twice, or with half a character that UTF-8 does not have', () => {
    const text = priceMessage()
    expect(read(text.replace('{', '{"signed_by":"feeds.example",'))).toBe('malformed')
    expect(read(text.replace('ETH/USD', '\\ud800'))).toBe('malformed')
    expect(read(text.replace('ETH/USD', '\\ud83c\\udf38'))).toHaveProperty('entity')
  })
})

describe('an entity', () => {
  const read = (fields: Record<string, unknown>) => readEntity(priceText(fields), 'feeds.example', '0.6')

  it.each([
    [{ type: 7 }],
    [{ type: '' }],
    [{ created_at: 'yesterday' }],
    [{ id: 'with blanks' }],
    [{ id: '' }],
    [{ id: 'x'.repeat(513) }],
    [{ extensions: [] }],
    [{ extensions: 'x' }],
  ])('is malformed with %j', (fields) => expect(read(fields)).toBe('malformed_entity'))

  it('may carry extensions that nobody knows', () => {
    expect(read({ extensions: { 'org.other:things': { a: [1, 2] } } })).toMatchObject({ type: PRICE_TYPE })
  })
})

describe('a price', () => {
  const read = (fields: Record<string, unknown>) =>
    readPrice(JSON.parse(priceText(fields)) as never, 'feeds.example', PRICE_TYPE)

  it.each([
    '0',
    '-1.5',
    '3150.25',
    '0.00000000000000000000000000000000000000000000000000000000001',
    '9'.repeat(60),
    '9'.repeat(62),
  ])('NU-3: keeps %s as it is', (value) => expect(read({ value })).toMatchObject({ value }))

  it.each([
    [{ value: 3150.25 }],
    [{ value: '1e3' }],
    [{ value: '.5' }],
    [{ value: '5.' }],
    [{ value: '01' }],
    [{ value: '+1' }],
    [{ value: '1,5' }],
    [{ value: '' }],
    [{ value: ' 1' }],
    [{ value: 'NaN' }],
    [{ value: '9'.repeat(63) }],
    [{ value: undefined }],
    [{ feed: '' }],
    [{ feed: 'x'.repeat(257) }],
    [{ base: 7 }],
    [{ decimals: 1.5 }],
    [{ decimals: -1 }],
    [{ decimals: '8' }],
    [{ id: undefined }],
    [{ id: null }],
    [{ observed_at: undefined }],
    [{ observed_at: '1970-01-01T00:00:00Z' }],
    [{ observed_at: '2100-01-01T00:00:00Z' }],
    [{ observed_at: 1_795_324_800 }],
  ])('cannot be read with %j', (fields) => expect(read(fields)).toBe('malformed_entity'))

  it('is in a Note’s extension of the same name, and in no other', () => {
    const { feed, value, observed_at } = JSON.parse(priceText()) as Record<string, string>
    const price = { feed, value, observed_at }
    const note = (extensions: unknown) => read({ type: 'Note', value: undefined, extensions })
    expect(note({ 'org.example:price_feeds': price })).toMatchObject({ feed, value, base: undefined })
    expect(note({ 'org.other:price_feeds': price })).toBeUndefined()
    expect(note({ 'org.example:price_feeds': null })).toBe('malformed_entity')
    expect(note(null)).toBeUndefined()
    expect(read({ type: 'org.other:things/Thing' })).toBeUndefined()
  })
})
