import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, identifierFor } from '../../src/feeds/delta'
import { FeedIndex } from '../../src/feeds/feed-index'
import {
  calculateCacheKey,
  calculateFeedId,
  calculateHttpRequestKey,
  type KeySettings,
} from '../../src/feeds/keys'
import { getMetricsMeta } from '../../src/feeds/metrics-meta'

type Params = Record<string, unknown>

const settings: KeySettings = {
  MAX_COMMON_KEY_SIZE: 60,
  FEED_ID_JSON: false,
  DEFAULT_CACHE_KEY: 'DEFAULT_CACHE_KEY',
  CACHE_PREFIX: '',
}
const caseSensitive = true
const identityOf = identifierFor(caseSensitive)

/** Everything that names a feed of an endpoint where letter case counts, by what it is for. */
const namesOf = (data: Params, adapterSettings: KeySettings): Record<string, unknown> => {
  const of = { adapterName: 'TEST', endpointName: 'e', transportName: 't' }
  const context = { endpointName: 'e', adapterSettings, caseSensitive }
  return {
    'cache key': calculateCacheKey({ ...of, data, adapterSettings, caseSensitive }),
    'feed id': calculateFeedId({ adapterSettings, caseSensitive }, data),
    'feed id of metrics': getMetricsMeta({ adapterSettings, caseSensitive }, data).feedId,
    'request to a provider': calculateHttpRequestKey({ context, data: [data], transportName: 't' }),
    subscription: identityOf(data),
  }
}

const text = fc.oneof(
  fc.constantFrom('USDe', 'USDE', 'usde', '1', '', 'a-b', '-', 'é', 'e\u0301', 'ı', 'İ', 'ß', 'SS', '\ud800'),
  fc.constantFrom(
    '","b":"',
    '{"a":1}',
    'DEFAULT_CACHE_KEY',
    'N/A',
    'null',
    '[]',
    'x'.repeat(70),
    'X'.repeat(70),
  ),
  fc.string({ unit: 'binary' }),
)
const leaf = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.constantFrom<unknown>(1, 0, -1, 1e21, true, false, null),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const members = fc.constantFrom('a', 'b', 'A', 'hash', '__proto__', '1', 'a-b')
const value = fc.oneof(
  { weight: 4, arbitrary: leaf },
  fc.array(leaf, { maxLength: 2 }),
  fc.dictionary(members, leaf, { maxKeys: 2 }),
)
const params = fc.dictionary(members, value, { maxKeys: 3 })

/** The parameters as nested lists of names and values: equal text for equal parameters, whatever the keys are made of. */
const spelledOut = (of: unknown): unknown => {
  if (Array.isArray(of)) return ['list', ...of.map(spelledOut)]
  if (typeof of !== 'object' || of === null) return of
  const entries = Object.entries(of).sort(([one], [other]) => (one < other ? -1 : 1))
  return ['members', ...entries.map(([name, part]) => [name, spelledOut(part)])]
}
const areEqual = (one: unknown, other: unknown) =>
  JSON.stringify(spelledOut(one)) === JSON.stringify(spelledOut(other))

const reversed = (of: unknown): unknown => {
  if (Array.isArray(of)) return of.map(reversed)
  if (typeof of !== 'object' || of === null) return of
  const copy = Object.create(null) as Params
  for (const name of Object.keys(of).reverse()) copy[name] = reversed((of as Params)[name])
  return copy
}

describe('ID-1: where letter case counts', () => {
  it.each([false, true])(
    'two sets of parameters have the same names exactly when they are equal (FEED_ID_JSON=%s)',
    (FEED_ID_JSON) => {
      const with_ = { ...settings, FEED_ID_JSON }
      fc.assert(
        fc.property(params, params, (one, other) => {
          const [names, others] = [namesOf(one, with_), namesOf(other, with_)]
          for (const what of Object.keys(names))
            expect([what, names[what] === others[what]]).toEqual([what, areEqual(one, other)])
        }),
        { numRuns: 2_000 },
      )
    },
  )

  it('the order of members, and members without a value, change no name', () => {
    fc.assert(
      fc.property(params, (data) => {
        expect(namesOf(reversed(data) as Params, settings)).toEqual(namesOf(data, settings))
        if (Object.keys(data).length > 0)
          expect(namesOf({ ...data, ['not there']: undefined }, settings)).toEqual(namesOf(data, settings))
      }),
    )
  })

  it.each<[Params, Params]>([
    [{ base: 'USDe' }, { base: 'USDE' }],
    [{ base: 'eth' }, { base: 'ETH' }],
    [{ base: '1' }, { base: 1 }],
    [{ base: 'a', quote: 'b' }, { base: 'a","quote":"b' }],
    [{ base: `${'x'.repeat(400)}e` }, { base: `${'x'.repeat(400)}E` }],
    [{ base: [{ symbol: 'USDe' }] }, { base: [{ symbol: 'USDE' }] }],
    [{ base: Infinity }, { base: -Infinity }],
    [{ base: '' }, {}],
  ])('%j and %j are two feeds, in the index and as subscriptions', (one, other) => {
    const of = {
      adapterName: 'TEST',
      endpointName: 'e',
      transportName: 't',
      settings,
      caseSensitive,
      withMeta: true,
    }
    const index = new FeedIndex(of, ['base', 'quote'])
    const [feed, another] = [index.find(one), index.find(other)]
    expect(feed.key).not.toBe(another.key)
    expect(feed.meta).toMatchObject({ metrics: { feedId: feed.feedId } })
    expect(feed.feedId).not.toBe(another.feedId)
    expect(index.find({ ...one })).toBe(feed)
    expect(diff([one, other], [], identityOf).new).toEqual([one, other])
    expect(diff([one], [one, other], identityOf)).toMatchObject({ new: [], stale: [other] })
  })

  it('parameters that look like the hash of others are not taken for them', () => {
    const FEED_ID_JSON = true
    const long = { base: 'x'.repeat(400) }
    const { hash } = JSON.parse(
      calculateFeedId({ adapterSettings: { ...settings, FEED_ID_JSON }, caseSensitive }, long),
    ) as { hash: string }
    const [names, others] = [long, { hash }].map((data) => namesOf(data, { ...settings, FEED_ID_JSON }))
    expect(names!['cache key']).not.toBe(others!['cache key'])
    expect(names!['feed id']).not.toBe(others!['feed id'])
  })
})
