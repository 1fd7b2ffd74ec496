import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CompareResponseCache, type ShouldUpdate } from '../../src/feeds/compare-response-cache'
import { LocalCache } from '../../src/feeds/local-cache'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import * as response from '../../src/public/cache/response'
import * as base from '../../src/public/cache/response-cache/base'
import * as compare from '../../src/public/cache/response-cache/compare'
import * as simple from '../../src/public/cache/response-cache/simple'
import { metrics } from '../../src/metrics/registry'
import { type PriceTypes } from '../http/support'
import { RemoteCache } from '../redis/remote-cache'
import { ObservedCache, responseCacheOf, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
const started: { stop(): void }[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const one of started.splice(0)) one.stop()
})

/** Lets higher results through. */
const higher: ShouldUpdate<PriceTypes> = (next, current) =>
  current === undefined || Number(next.result) > Number(current.result)

const CACHES = [
  { way: 'the local cache', makeCache: () => new LocalCache<AdapterResponse>(100) },
  { way: "somebody's own cache", makeCache: () => new ObservedCache(100) },
  { way: 'a remote cache', makeCache: () => new RemoteCache() },
]

const build = (cache: LocalCache<AdapterResponse> | RemoteCache, rule = higher, guards?: object) => {
  const made = responseCacheOf({
    cache: cache as LocalCache<AdapterResponse>,
    guards,
    settings: { CACHE_MAX_AGE: 90_000 },
  })
  const compare = new CompareResponseCache<PriceTypes>('both', made.responseCache, rule)
  started.push(made.responseCache)
  const served = (params = ETH) => made.cache.get(compare.getCacheKey('any', params))
  return { ...made, compare, served }
}

describe.each(CACHES)('a comparing response cache in front of $way', ({ makeCache }) => {
  it('gives the one key that responses to these params are under, whatever transport is named', () => {
    const { compare } = build(makeCache())
    const keys = ['ws', 'rest', 'both'].map((name) => compare.getCacheKey(name, ETH))
    expect(new Set(keys)).toEqual(new Set(['TEST-price-both-{"base":"eth","quote":"usd"}']))
  })

  it('stores under its own transport name, and says whose the response is', async () => {
    const { compare, served, cache } = build(makeCache())
    await compare.write('ws', [valueOf(ETH, 2)])
    expect(await cache.get('TEST-price-both-{"base":"eth","quote":"usd"}')).toMatchObject({
      result: 2,
      statusCode: 200,
      meta: { adapterName: 'TEST', transportName: 'ws', metrics: { feedId: '{"base":"eth","quote":"usd"}' } },
    })
    await compare.write('rest', [valueOf(ETH, 3)])
    expect(await served()).toMatchObject({ result: 3, meta: { transportName: 'rest' } })
  })

  it('asks for each response, with what is cached at that moment', async () => {
    const asked: unknown[][] = []
    const { compare, served } = build(makeCache(), (next, current) => {
      asked.push([next.result, current?.result])
      return higher(next, current)
    })
    await compare.write('ws', [valueOf(ETH, 2), valueOf(ETH, 1), valueOf(BTC, 1), valueOf(ETH, 4)])
    await compare.write('ws', [valueOf(ETH, 3)])
    expect(asked).toEqual([
      [2, undefined],
      [1, 2],
      [1, undefined],
      [4, 2],
      [3, 4],
    ])
    expect([(await served())?.result, (await served(BTC))?.result]).toEqual([4, 1])
  })

  it('does not let one comparison work on what another is about to change', async () => {
    const { compare, served } = build(makeCache())
    await Promise.all([5, 9, 3, 8].map((price) => compare.write('ws', [valueOf(ETH, price)])))
    expect((await served())?.result).toBe(9)
  })

  it('asks again when what was cached has expired', async () => {
    const { compare, served } = build(makeCache())
    await compare.write('ws', [valueOf(ETH, 5)])
    vi.setSystemTime(START + 90_000)
    await compare.write('ws', [valueOf(ETH, 1)])
    expect((await served())?.result).toBe(1)
  })

  it('compares entries too, and gives them no other key', async () => {
    const { compare, cache, responseCache } = build(makeCache())
    const value = { ...valueOf(ETH, 5).response, statusCode: 200 } as AdapterResponse
    const entry = (result: number) => ({ key: 'mine', value: { ...value, result } as never })
    await compare.writeEntries([entry(5), entry(4)])
    expect((await cache.get('mine'))?.result).toBe(5)
    await compare.writeEntries([entry(3)])
    await compare.writeEntries([])
    expect((await responseCache.get('mine'))?.result).toBe(5)
    expect((await compare.get('mine'))?.result).toBe(5)
  })

  it('gives the one entry there is another TTL, under whatever name that is asked', async () => {
    const { compare, served } = build(makeCache())
    await compare.write('ws', [valueOf(ETH, 5)])
    await compare.writeTTL('nobody', [ETH, BTC], 500)
    vi.setSystemTime(START + 499)
    expect((await served())?.result).toBe(5)
    vi.setSystemTime(START + 500)
    expect(await served()).toBeUndefined()
  })

  it('IS-4: loses the response that its rule throws at, and no other', async () => {
    const { compare, served, responseCache } = build(makeCache(), (next) => {
      if (next.result === 1) throw new Error('oops')
      return true
    })
    await compare.write('ws', [valueOf(ETH, 1), valueOf(BTC, 2)])
    expect(await served()).toBeUndefined()
    expect((await served(BTC))?.result).toBe(2)
    expect(responseCache.refusalsOf('ws').count('handler-failed')).toBe(1)
  })

  it('guards values before it compares them, for as long as they may live', async () => {
    const { compare, served, responseCache } = build(makeCache(), () => true, { max: 10, maxAgeMs: 1_000 })
    await compare.write('ws', [valueOf(ETH, 11), valueOf(BTC, 2, START - 400)])
    expect(await served()).toBeUndefined()
    expect(responseCache.refusalsOf('ws').count('out-of-range')).toBe(1)
    vi.setSystemTime(START + 599)
    expect((await served(BTC))?.result).toBe(2)
    vi.setSystemTime(START + 600)
    expect(await served(BTC)).toBeUndefined()
  })

  it('goes through the cache behind it where somebody replaced that', async () => {
    const { compare, responseCache, cache } = build(makeCache())
    const entries = vi.spyOn(responseCache, 'writeEntries')
    const get = vi.spyOn(responseCache, 'get')
    await compare.write('ws', [valueOf(ETH, 5)])
    const key = compare.getCacheKey('ws', ETH)
    expect(get).toHaveBeenCalledWith(key)
    expect(entries).toHaveBeenCalledTimes(1)
    expect(entries.mock.calls[0]).toEqual([[{ key, value: await cache.get(key) }]])
  })
})

describe('a comparing response cache', () => {
  it('writes into the local cache before it returns', () => {
    const { compare, cache } = build(new LocalCache<AdapterResponse>(10))
    void compare.write('ws', [valueOf(ETH, 5)])
    expect(cache.read(compare.getCacheKey('', ETH))?.value.result).toBe(5)
  })

  it('meets requests in the feeds of the cache behind it, which counts for both', async () => {
    const { compare, responseCache } = build(new LocalCache<AdapterResponse>(10))
    await compare.write('ws', [valueOf(ETH, 5), valueOf(ETH, 6), valueOf(ETH, 1)])
    const feed = responseCache.feed('both', ETH)
    expect(feed).toBe(compare.feed('any', ETH))
    expect(feed.sets).toBe(2)
    const sets = await metrics.get('cacheDataSetCount').get()
    const mine = sets.values.filter(({ labels }) => labels['participant_id'] === feed.key)
    expect(mine.map(({ value }) => value)).toEqual([2])
    compare.stop()
    responseCache.stop()
    expect((await metrics.get('cacheDataSetCount').get()).values).toEqual([])
  })

  it('goes on after a cache that failed', async () => {
    const cache = new RemoteCache()
    const { compare, served } = build(cache)
    const get = cache.get
    cache.get = () => Promise.reject(new Error('no connection'))
    await expect(compare.write('ws', [valueOf(ETH, 5)])).rejects.toThrow('no connection')
    cache.get = get
    await compare.write('ws', [valueOf(ETH, 6)])
    expect((await served())?.result).toBe(6)
  })

  it('may stand in front of another of its kind', async () => {
    const { compare } = build(new LocalCache<AdapterResponse>(10))
    const outer = new CompareResponseCache<PriceTypes>('outer', compare, (next) => next.result !== 7)
    expect(outer.isImmediate).toBe(false)
    await outer.write('ws', [valueOf(ETH, 5)])
    await outer.write('ws', [valueOf(ETH, 7)])
    await outer.write('ws', [valueOf(ETH, 4)])
    expect((await outer.get(outer.getCacheKey('', ETH)))?.result).toBe(5)
  })

  it('is one of the public response caches', () => {
    expect({ ...base, ...simple, ...compare }).toEqual({ ...response })
    expect(Object.keys(response).sort()).toEqual([
      'CompareResponseCache',
      'ResponseCache',
      'SimpleResponseCache',
    ])
    const { compare: made } = build(new LocalCache<AdapterResponse>(10))
    expect(made).toBeInstanceOf(response.ResponseCache)
    expect(made).not.toBeInstanceOf(SimpleResponseCache)
    made.stop()
  })
})
