import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FeedIndex } from '../../src/feeds/feed-index'
import { calculateCacheKey, calculateFeedId, type KeySettings } from '../../src/feeds/keys'

type Params = Record<string, unknown>

const settingsOf = (more: Partial<KeySettings> = {}): KeySettings => ({
  MAX_COMMON_KEY_SIZE: 300,
  FEED_ID_JSON: false,
  DEFAULT_CACHE_KEY: 'DEFAULT_CACHE_KEY',
  CACHE_PREFIX: '',
  ...more,
})

const indexOf = (names: string[], settings = settingsOf(), withMeta = false) => {
  const of = { adapterName: 'TEST', endpointName: 'e', transportName: 't', settings, withMeta }
  const keyOf = (data: Params) => calculateCacheKey({ ...of, data, adapterSettings: settings })
  return { index: new FeedIndex(of, names), keyOf, settings }
}

const leaf = fc.oneof(
  fc.constantFrom<unknown>('ETH', 'eth', '', '1', 1, 0, -0, NaN, Infinity, true, false, null, undefined),
  fc.string(),
)
const value = fc.oneof(
  { weight: 6, arbitrary: leaf },
  fc.array(leaf, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('x', 'y'), leaf),
)
const names = fc.constantFrom('base', 'quote', 'more', 'constructor', 'toString', 'undeclared', '__proto__')
const params = fc.dictionary(names, value, { noNullPrototype: true })
const declared = fc.constantFrom<string[][]>(
  [],
  ['base'],
  ['base', 'quote'],
  ['constructor', 'base', 'more'],
  ['quote', 'base', 'toString'],
)

describe('the index of feeds', () => {
  it('ID-1: finds the feed that the cache key names, whatever the parameters, before and after settings change', () => {
    const changes = fc.record(
      {
        MAX_COMMON_KEY_SIZE: fc.constantFrom(5, 30, 300),
        FEED_ID_JSON: fc.boolean(),
        CACHE_PREFIX: fc.constantFrom('', 'p'),
        DEFAULT_CACHE_KEY: fc.constantFrom('D', 'E'),
      },
      { requiredKeys: [] },
    )
    const steps = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: params },
        changes.map((change) => ({ change })),
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(declared, steps, (given, list) => {
        const { index, keyOf, settings } = indexOf(given)
        for (const step of list) {
          if ('change' in step) Object.assign(settings, step.change)
          else {
            const feed = index.find(step)
            expect(feed.key).toBe(keyOf(step))
            expect(feed.feedId).toBe(calculateFeedId({ adapterSettings: settings }, step))
            expect(index.find({ ...step })).toBe(feed)
            expect(index.get(feed.key)).toBe(feed)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('has one feed for all spellings of it', () => {
    const { index } = indexOf(['base', 'quote'])
    const feeds = [
      { base: 'ETH', quote: 'USD' },
      { quote: 'usd', base: 'eth' },
      { base: 'Eth', quote: 'UsD', more: undefined },
    ].map((spelling) => index.find(spelling))
    expect(new Set(feeds).size).toBe(1)
    expect(index.size).toBe(1)
  })

  it('tells no parameters from parameters without a value, as the key does', () => {
    const { index } = indexOf(['base'])
    expect(index.find({}).key).toBe('TEST-e-t-DEFAULT_CACHE_KEY')
    expect(index.find({ base: undefined }).key).toBe('TEST-e-t-{}')
  })

  it('gives a feed the meta of its responses, with the name that a request overrides the adapter with', () => {
    const { index } = indexOf(['base', 'adapterNameOverride'], settingsOf(), true)
    expect(index.find({ base: 'ETH' }).meta).toEqual({
      adapterName: 'TEST',
      transportName: 't',
      metrics: { feedId: '{"base":"eth"}' },
    })
    expect(index.find({ base: 'ETH', adapterNameOverride: 'other' }).meta).toMatchObject({
      adapterName: 'OTHER',
    })
    expect(indexOf(['base']).index.find({ base: 'ETH' }).meta).toBeUndefined()
  })

  it('lets go of feeds that are not used, and says so to whoever holds them', () => {
    const { index } = indexOf(['base'])
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const [used, written, idle] = ['a', 'b', 'c'].map((base) => index.find({ base }))
    index.forgetUntouchedFor(100)
    vi.advanceTimersByTime(99)
    used!.gets++
    written!.sets++
    index.forgetUntouchedFor(100)
    vi.advanceTimersByTime(1)
    // TM-6: what the wall clock does meanwhile is nothing to it.
    vi.setSystemTime(Date.now() + 3_600_000)
    index.forgetUntouchedFor(100)
    expect([used, written, idle].map((feed) => feed?.isForgotten)).toEqual([false, false, true])
    expect([...index.all()]).toEqual([used, written])
    expect(index.find({ base: 'a' })).toBe(used)
    expect(index.find({ base: 'c' })).not.toBe(idle)
  })

  it('says so too when settings change', () => {
    const { index, settings } = indexOf(['base'])
    const feed = index.find({ base: 'a' })
    settings.MAX_COMMON_KEY_SIZE = 3
    index.find({ base: 'b' })
    expect(feed.isForgotten).toBe(true)
  })

  it('OB-1: stays bounded, whatever is asked for', () => {
    const { index, keyOf } = indexOf(['base'])
    const first = index.find({ base: 'first' })
    for (let n = 0; n < 100_050; n++) index.find({ base: `made up ${n}` })
    expect(index.size).toBeLessThanOrEqual(100_000)
    expect(first.isForgotten).toBe(true)
    expect(index.find({ base: 'first' }).key).toBe(keyOf({ base: 'first' }))
  }, 30_000)
})
