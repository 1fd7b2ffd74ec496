import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CacheTypes } from '../../src/feeds/cache'
import { type Freshness } from '../../src/feeds/freshness'
import { type LoadJudge, ON_LOAD } from '../../src/feeds/load-judge'
import { LOCAL_LAYER, LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type PriceTypes } from '../http/support'
import { errorOf, ObservedCache, responseCacheOf, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => void vi.useRealTimers())

/** A store that other processes write to, too, without the way there. */
class SharedStore extends ObservedCache {
  override type = CacheTypes.Redis as never
  readonly [ON_LOAD] = new Set<LoadJudge<AdapterResponse>>()
  readonly extended: number[] = []

  override setTTL(key: string, ttl: number): Promise<void> {
    this.extended.push(ttl)
    return super.setTTL(key, ttl)
  }
}

const make = (freshness?: Freshness) => {
  const cache = new SharedStore(100)
  const { adapterSettings, inputParameters } = responseCacheOf({
    settings: { CACHE_MAX_AGE: 90_000 },
  }).responseCache
  const responseCache = new SimpleResponseCache<PriceTypes>({
    dependencies: { cache: cache as never },
    adapterSettings,
    adapterName: 'TEST',
    endpointName: 'price',
    inputParameters,
    freshness,
  })
  const feed = responseCache.feed(T, ETH)
  const [judge] = cache[ON_LOAD]
  /** As another process wrote it, so many ms ago. */
  const allowed = (ms: number, byProvider?: number) => {
    const indicated = byProvider === undefined ? undefined : Date.now() - byProvider
    const { response } = valueOf(ETH, 5, indicated)
    response.timestamps.providerDataReceivedUnixMs -= ms
    return judge!(feed.key, { ...response, statusCode: 200 })
  }
  return { cache, responseCache, feed, judge: judge!, allowed }
}

const tick = { mode: 'tick', maxAgeMs: 30_000 } as const

describe('a value that another process wrote', () => {
  it('FR-6: may be served as long as its own times allow', () => {
    const { allowed } = make(tick)
    expect(allowed(10_000)).toBe(20_000)
    expect(allowed(1_000, 12_000)).toBe(18_000)
    expect(allowed(29_999)).toBe(1)
    // Another machine's clock may be a little ahead of ours.
    expect(allowed(-500)).toBe(30_000)
  })

  it('FR-6: is too old by its own times, and clients are told so until one that is not', () => {
    const { feed, allowed } = make(tick)
    expect(allowed(30_000)).toBe(0)
    expect(feed.absence).toEqual({
      code: 'STALE_VALUE',
      message: 'The last value was refused: too-old (30 s by its receipt, 30 s allowed)',
      sinceUnixMs: START,
    })
    vi.advanceTimersByTime(1_000)
    expect(allowed(0, 40_000)).toBe(0)
    expect(feed.absence).toMatchObject({
      message: "The last value was refused: too-old (40 s by the provider's time, 30 s allowed)",
      sinceUnixMs: START,
    })
    allowed(1_000)
    expect(feed.absence).toBeUndefined()
  })

  it('takes nothing back that is said of a value of our own', async () => {
    const { responseCache, feed, allowed } = make(tick)
    await responseCache.write(T, [valueOf(ETH, -1)])
    const { absence } = feed
    expect(absence).toMatchObject({ code: 'REFUSED_VALUE' })
    allowed(1_000)
    expect(feed.absence).toEqual(absence)
  })

  it('is not judged where nothing limits its age, where it is an error, has no times, or is of others', () => {
    const { feed, judge } = make(tick)
    const old = { ...valueOf(ETH, 5, 1).response, statusCode: 200 } as AdapterResponse
    expect(judge(feed.key, old)).toBe(0)
    expect(judge('OTHER-price', old)).toBeUndefined()
    const error = {
      ...errorOf(ETH, 'no').response,
      statusCode: 502,
      timestamps: old.timestamps,
    } as AdapterResponse
    expect(judge(feed.key, error)).toBe(Infinity)
    expect(judge(feed.key, { result: 5, statusCode: 200 } as AdapterResponse)).toBe(Infinity)
    expect(make().allowed(1_000_000_000)).toBe(Infinity)
  })

  it('FR-2: gets no new life from a confirmation when it is too old, and what else is there does', async () => {
    const { cache, responseCache, allowed } = make(tick)
    allowed(5_000)
    await responseCache.writeTTL(T, [ETH], 20_000)
    allowed(40_000)
    await responseCache.writeTTL(T, [ETH], 20_000)
    expect(cache.extended).toEqual([20_000, 0])
  })

  it('FR-2: is as old as it says when it is confirmed', async () => {
    const { cache, responseCache, feed } = make({ mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: 60_000 })
    const { response } = valueOf(ETH, 5)
    response.timestamps.providerDataReceivedUnixMs -= 50_000
    await cache.set(feed.key, response as AdapterResponse, 30_000)
    await responseCache.writeTTL(T, [ETH], 30_000)
    expect(cache.extended).toEqual([10_000])
    vi.advanceTimersByTime(9_999)
    expect(cache.read(feed.key)?.value.result).toBe(5)
    await responseCache.writeTTL(T, [ETH], 30_000)
    vi.advanceTimersByTime(1)
    expect(cache.read(feed.key)).toBeUndefined()
  })

  it('is judged by nobody after the stop', () => {
    const { cache, responseCache } = make(tick)
    expect(cache[ON_LOAD].size).toBe(1)
    responseCache.stop()
    expect(cache[ON_LOAD].size).toBe(0)
  })
})

describe('a value that is held because of a later one', () => {
  const holding = async (cache: LocalCache<AdapterResponse>) => {
    const layer = (cache as { [LOCAL_LAYER]?: LocalCache<AdapterResponse> })[LOCAL_LAYER] ?? cache
    const guards = { maxJump: 0.1, maxHoldMs: 4_000 }
    const { responseCache } = responseCacheOf({ guards, cache, settings: { CACHE_MAX_AGE: 90_000 } })
    const told = vi.spyOn(cache, 'setTTL')
    await responseCache.write(T, [valueOf(ETH, 100)])
    for (const result of [500, 5]) {
      await responseCache.write(T, [valueOf(ETH, result)])
      vi.advanceTimersByTime(1_000)
    }
    const { key } = responseCache.feed(T, ETH)
    return { calls: told.mock.calls, endsInMs: layer.read(key)!.expirationTimestamp - Date.now(), key }
  }

  it('ends earlier in the memory of this process alone, where there is nothing else', async () => {
    const { calls, endsInMs } = await holding(new LocalCache<AdapterResponse>(10))
    expect([calls, endsInMs]).toEqual([[], 2_000])
  })

  it('ends earlier in the store behind it, too, which is told once', async () => {
    class Layered extends LocalCache<AdapterResponse> {
      readonly [LOCAL_LAYER] = new LocalCache<AdapterResponse>(10)

      override get = (key: string) => this[LOCAL_LAYER].get(key)

      override async setMany(...args: Parameters<LocalCache<AdapterResponse>['setMany']>) {
        await this[LOCAL_LAYER].setMany(...args)
      }

      override set(...args: Parameters<LocalCache<AdapterResponse>['set']>) {
        return this[LOCAL_LAYER].set(...args)
      }
    }
    const { calls, endsInMs, key } = await holding(new Layered(10))
    expect([calls, endsInMs]).toEqual([[[key, 4_000]], 2_000])
  })
})
