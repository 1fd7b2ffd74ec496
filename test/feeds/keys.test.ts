import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  calculateAdapterName,
  calculateCacheKey,
  calculateFeedId,
  calculateHttpRequestKey,
  generatedCacheKey,
  type KeySettings,
} from '../../src/feeds/keys'
import { LoggerFactoryProvider } from '../../src/util/logging'

const plain: KeySettings = {
  MAX_COMMON_KEY_SIZE: 300,
  FEED_ID_JSON: false,
  DEFAULT_CACHE_KEY: 'DEFAULT_CACHE_KEY',
  CACHE_PREFIX: '',
}

const keyOf = (data: unknown, settings: Partial<KeySettings> = {}) =>
  calculateCacheKey({
    data: data as Record<string, unknown>,
    adapterName: 'TEST',
    endpointName: 'test',
    adapterSettings: { ...plain, ...settings },
    transportName: 'default_single_transport',
  })

const HEAD = 'TEST-test-default_single_transport-'

/** What the reference framework (2.18.1) gives for the same data. */
const known: [unknown, string][] = [
  [{ base: 'ETH', factor: 123 }, '{"base":"eth","factor":123}'],
  [{ factor: 123, base: 'eth' }, '{"base":"eth","factor":123}'],
  [{}, 'DEFAULT_CACHE_KEY'],
  [{ a: undefined }, '{}'],
  [{ arr: [], base: 'ETH' }, '{"arr":[],"base":"eth"}'],
  [
    { z: 'Q', a: { Y: 'B', x: [{ b: 'C', a: null }, 'D', undefined, []] } },
    '{"a":{"Y":"b","x":[{"a":null,"b":"c"},"d",null,[]]},"z":"q"}',
  ],
  [{ base: 'USDe' }, '{"base":"usde"}'],
  [{ base: '1' }, '{"base":"1"}'],
  [{ base: 1 }, '{"base":1}'],
  [{ base: true }, '{"base":true}'],
  [{ base: null }, '{"base":null}'],
  [{ base: -0 }, '{"base":0}'],
  [{ base: 1e21 }, '{"base":1e+21}'],
  [{ base: NaN }, '{"base":null}'],
  [{ Ünï: 'ÀÉ' }, '{"Ünï":"àé"}'],
  [{ base: 'İ' }, '{"base":"i̇"}'],
  [{ base: 'a"b\\c' }, '{"base":"a\\"b\\\\c"}'],
  [{ base: 'x'.repeat(400) }, 'huu8fkz9xm655KPUkZteyVINmEc='],
  [{ adapterNameOverride: 'Other', base: 'ETH' }, '{"adapterNameOverride":"other","base":"eth"}'],
  [{ 10: 'a', 9: 'b', b: 1 }, '{"9":"b","10":"a","b":1}'],
]

describe('the cache key', () => {
  it.each(known)('of %j ends in %s', (data, params) => {
    expect(keyOf(data)).toBe(`${HEAD}${params}`)
    expect(keyOf(data, { CACHE_PREFIX: 'prefix' })).toBe(`prefix-${HEAD}${params}`)
  })

  it('hashes long parameters, as JSON where feed ids are', () => {
    const data = { base: 'Σ' }
    expect(keyOf(data, { MAX_COMMON_KEY_SIZE: 12 })).toBe(`${HEAD}{"base":"σ"}`)
    expect(keyOf(data, { MAX_COMMON_KEY_SIZE: 11 })).toBe(`${HEAD}VInBDNyWKI1SflMHd08qJP8+o4U=`)
    expect(keyOf(data, { MAX_COMMON_KEY_SIZE: 11, FEED_ID_JSON: true })).toBe(
      `${HEAD}{"hash":"VInBDNyWKI1SflMHd08qJP8+o4U="}`,
    )
  })

  it('is never too long without a limit, as settings in unit tests are, contract 18.5', () => {
    const data = { base: 'X'.repeat(1_000) }
    const partial: KeySettings = { FEED_ID_JSON: false, DEFAULT_CACHE_KEY: 'none' }
    const params = JSON.stringify({ base: 'x'.repeat(1_000) })
    const context = { endpointName: 'e', adapterSettings: partial }
    expect(keyOf(data, { MAX_COMMON_KEY_SIZE: undefined })).toBe(`${HEAD}${params}`)
    expect(calculateHttpRequestKey({ context, data, transportName: 't' })).toBe(`e-t-${params}`)
    expect(calculateFeedId({ adapterSettings: partial }, data)).toBe(params)
    expect(generatedCacheKey(params, partial)).toBe(params)
  })

  it.each(['x', 5, null, undefined])('is not for %j', (data) => {
    expect(() => keyOf(data)).toThrow(new Error('Data to calculate cache key should be an object'))
  })

  it('of a request to a provider may be of several sets of parameters, and has no prefix', () => {
    const context = { endpointName: 'e', adapterSettings: { ...plain, CACHE_PREFIX: 'p' } }
    const of = (data: Record<string, unknown> | Record<string, unknown>[]) =>
      calculateHttpRequestKey({ context, data, transportName: 't' })
    expect(of([{ b: 'X', a: 1 }, { a: 2 }])).toBe('e-t-[{"a":1,"b":"x"},{"a":2}]')
    expect(of([])).toBe('e-t-DEFAULT_CACHE_KEY')
    expect(of({})).toBe('e-t-DEFAULT_CACHE_KEY')
    expect(of({ B: 'X' })).toBe('e-t-{"B":"x"}')
  })

  it('of a request to a provider is named in one line at trace, once logging is set up, contract 18.5', () => {
    const context = { endpointName: 'e', adapterSettings: plain, inputParameters: undefined }
    const keyOfRequest = (data: object) => calculateHttpRequestKey({ context, data, transportName: 't' })
    expect(keyOfRequest({ base: 'X' })).toBe('e-t-{"base":"x"}')
    const lines: unknown[][] = []
    const log = (level: string) => vi.fn((...line: unknown[]) => void lines.push([level, ...line]))
    const logger = Object.fromEntries(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [level, log(level)]),
    )
    LoggerFactoryProvider.set({ child: () => logger as never })
    keyOfRequest({ base: 'X' })
    expect(lines).toEqual([['trace', 'Generated HTTP request queue key: "e-t-{"base":"x"}"']])
  })

  it('that an endpoint generates keeps its letters, gets the prefix, and is hashed when long', () => {
    expect(generatedCacheKey('My Key', plain)).toBe('My Key')
    expect(generatedCacheKey('My Key', { ...plain, CACHE_PREFIX: 'p' })).toBe('p-My Key')
    const short = { ...plain, MAX_COMMON_KEY_SIZE: 5, FEED_ID_JSON: true }
    expect(generatedCacheKey('My Key', short)).toMatch(/^[A-Za-z0-9+/]{27}=$/)
  })
})

describe('the feed id', () => {
  it('is the parameters, or says that there are none', () => {
    expect(calculateFeedId({ adapterSettings: plain }, { base: 'ETH' })).toBe('{"base":"eth"}')
    expect(calculateFeedId({ adapterSettings: plain }, {})).toBe('N/A')
    expect(calculateFeedId({ adapterSettings: { ...plain, FEED_ID_JSON: true } }, {})).toBe('{}')
    expect(calculateFeedId({ adapterSettings: plain }, { a: undefined })).toBe('{}')
  })

  it('goes with the name of the adapter, or the one that a request gives', () => {
    expect(calculateAdapterName('A', { adapterNameOverride: 'other' })).toBe('OTHER')
    expect(calculateAdapterName('A', { adapterNameOverride: 5 })).toBe('A')
    expect(calculateAdapterName('A', {})).toBe('A')
  })
})

describe('ID-1: for any parameters, the key', () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  const params = fc.dictionary(
    fc.string(),
    fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(fc.string(), leaf, { maxKeys: 3 })),
    { minKeys: 1, maxKeys: 5 },
  )
  type Params = Record<string, unknown>

  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    const copy = Object.create(null) as Params
    for (const name of Object.keys(value).reverse()) copy[name] = reversed((value as Params)[name])
    return copy
  }
  const lower = (value: unknown): unknown =>
    typeof value === 'string' ? value.toLowerCase() : Array.isArray(value) ? value.map(lower) : mapped(value)
  const mapped = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, lower(part)]))
      : value
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted)
    if (typeof value !== 'object' || value === null) return value
    const names = Object.keys(value).sort()
    // Not the list alone: an object without members is no empty list.
    return { members: names.map((name) => [name, sorted((value as Params)[name])]) }
  }
  const settings = { MAX_COMMON_KEY_SIZE: 10_000 }

  it('does not depend on the order of members, at any level', () => {
    fc.assert(
      fc.property(params, (data) => {
        expect(keyOf(reversed(data), settings)).toBe(keyOf(data, settings))
      }),
    )
  })

  it('does not depend on letter case, nor on members without a value', () => {
    fc.assert(
      fc.property(params, (data) => {
        expect(keyOf(lower(data), settings)).toBe(keyOf(data, settings))
        expect(keyOf({ ...data, ['not there']: undefined }, settings)).toBe(keyOf(data, settings))
      }),
    )
  })

  it('is the same for two sets exactly when they are, but for that', () => {
    const near = fc.oneof(
      params,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('', 'a', 'A', '1', 1, null, '","b":"'), {
        minKeys: 1,
      }),
    )
    fc.assert(
      fc.property(near, near, (one, other) => {
        const isSame = JSON.stringify(sorted(lower(one))) === JSON.stringify(sorted(lower(other)))
        expect(keyOf(one, settings) === keyOf(other, settings)).toBe(isSame)
      }),
      { numRuns: 1_000 },
    )
  })
})
