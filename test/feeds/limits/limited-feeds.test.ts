import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Feed } from '../../../src/feeds/feed'
import { Inspector } from '../../../src/feeds/inspector'
import { type FeedLimits } from '../../../src/feeds/limits/feed-limits'
import { LimitedFeeds } from '../../../src/feeds/limits/limited-feeds'
import { type Limits } from '../../../src/feeds/limits/schema'
import { LOCAL_LAYER, LocalCache } from '../../../src/feeds/local-cache'
import { type AdapterResponse } from '../../../src/feeds/responses'
import { instant } from '../../../src/util/clock'
import { Witness } from '../../../src/util/our-time'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { deferredPromise } from '../../../src/util/sleep'
import { collectLogs, loggerFactory } from '../../redis/redis-support'
import { holdClock, pass, SAYS, WITHDRAWN } from '../../service/feed-limits-support'

const TTL = 90_000
const NOTICE_MS = 15_000

beforeEach(() => {
  LoggerFactoryProvider.set(loggerFactory)
  holdClock()
})
afterEach(() => void vi.useRealTimers())

/** A cache that is the local one itself, with a log of what changes it. */
class PlainCache extends LocalCache<AdapterResponse> {
  readonly calls: unknown[][] = []

  override set(key: string, value: AdapterResponse, ttl: number) {
    this.calls.push(['set', key, ttl])
    return super.set(key, value, ttl)
  }
  override delete(key: string) {
    this.calls.push(['delete', key])
    return super.delete(key)
  }
  override setTTL(key: string, ttl: number) {
    this.calls.push(['setTTL', key, ttl])
    return super.setTTL(key, ttl)
  }
}

/** One that has nothing in this process's memory: it takes its time for every answer. */
class RemoteCache extends PlainCache {
  answers = Promise.resolve()

  override async get(key: string) {
    await this.answers
    return super.get(key)
  }
}

/** The same with a layer of it in this process's memory. */
class LayeredCache extends RemoteCache {
  readonly [LOCAL_LAYER] = new PlainCache(100)
}

const valueOf = (result: number): AdapterResponse => {
  const now = Date.now()
  const timestamps = {
    providerDataStreamEstablishedUnixMs: now,
    providerDataReceivedUnixMs: now,
    providerIndicatedTimeUnixMs: undefined,
  }
  return { result, data: { result }, statusCode: 200, timestamps }
}
const ERROR = { ...valueOf(0), result: undefined, data: undefined, errorMessage: 'down' } as never

const limited = <C extends PlainCache>(cache: C, { isGoverning = true } = {}) => {
  let limits: Limits | undefined
  const inspector = new Inspector({
    guards: { onlyWanted: false },
    freshness: undefined,
    fields: undefined,
    settings: {},
    limitsFor: (name) => (name === 'ETH/USD' ? limits : undefined),
  })
  const of = { isGoverning, withdraws: true, mark: 1 }
  const feedOf = (key: string, name: string) => new Feed(key, 'id', 'price', undefined, new Witness(), name)
  const [feed, other] = [feedOf('eth', 'ETH/USD'), feedOf('btc', 'BTC/USD')]
  const moved: string[] = []
  const feeds = new LimitedFeeds({
    limits: of as unknown as FeedLimits,
    inspector,
    cache: cache,
    feeds: () => [feed, other],
    onMoved: (key) => void moved.push(key),
    reasons: { areGiven: false },
  })
  const put = async (value: AdapterResponse, to: PlainCache = cache, ttl = TTL) => {
    feed.noteWrite(value, ttl, instant())
    await to.set('eth', value, ttl)
    to.calls.length = 0
  }
  const change = async (to: Limits | undefined) => {
    limits = to
    of.mark++
    const names = feeds.apply()
    await pass(0)
    return names
  }
  return { cache, inspector, of, feed, feeds, moved, put, change, noted: vi.spyOn(inspector, 'adjust') }
}

const noticed = (cache: PlainCache, key = 'eth') => cache.read(key)?.value
const DELETED = ['delete', 'eth']
const NOTICE = ['set', 'eth', NOTICE_MS]

describe('feeds whose limits change', () => {
  it('are named, and told to those who remember them, only where their own have changed', async () => {
    const { change, moved, feed } = limited(new PlainCache(100))
    expect([await change({ max: 5 }), moved]).toEqual([['price:ETH/USD'], ['eth']])
    expect(feed.rule?.limits).toEqual({ max: 5 })
    expect([await change({ max: 5 }), moved]).toEqual([[], ['eth']])
    expect([await change(undefined), moved]).toEqual([['price:ETH/USD'], ['eth', 'eth']])
  })

  it.each([
    { limits: { max: 4 }, code: 'REFUSED_VALUE', says: 'out-of-range' },
    { limits: { maxAgeMs: 1_000 }, code: 'STALE_VALUE', says: 'too-old' },
  ])('lose a value that is not within them, and say why: $says', async ({ limits, code, says }) => {
    const { cache, put, change, feed } = limited(new PlainCache(100))
    await put(valueOf(5))
    await pass(1_000)
    await change(limits)
    expect(feed.refusal).toMatchObject({ code, sinceUnixMs: Date.now() })
    expect(feed.refusal!.message).toContain(says)
    expect(cache.calls).toEqual([DELETED])
  })

  it('keep since when they have none', async () => {
    const { put, change, feed } = limited(new PlainCache(100))
    feed.refusal = { code: 'REFUSED_VALUE', message: 'before', sinceUnixMs: 7 }
    await put(valueOf(5))
    await change({ max: 4 })
    expect(feed.refusal).toMatchObject({ sinceUnixMs: 7 })
    expect(feed.refusal.message).toContain('out-of-range')
  })

  it('have a value for as long as the new age allows, if that is less than is left', async () => {
    const { cache, put, change } = limited(new PlainCache(100))
    await put(valueOf(5))
    await pass(1_000)
    await change({ maxAgeMs: 30_000.5 })
    expect(cache.calls).toEqual([['setTTL', 'eth', 29_001]])
    cache.calls.length = 0
    for (const limits of [{ maxAgeMs: 30_001 }, { maxAgeMs: 3_600_000 }, { max: 9 }, undefined])
      await change(limits)
    expect(cache.calls).toEqual([])
  })

  it('have it for what is left by the clock that is ahead', async () => {
    const { cache, put, change } = limited(new PlainCache(100))
    await put(valueOf(5), cache, 20_000)
    vi.setSystemTime(Date.now() - 3_600_000)
    await pass(12_000)
    // By the wall clock there would be an hour left.
    await change({ maxAgeMs: 25_000 })
    expect(cache.calls).toEqual([])
    const forward = limited(new PlainCache(100))
    await forward.put(valueOf(5), forward.cache, 20_000)
    vi.setSystemTime(Date.now() + 12_000)
    await forward.change({ maxAgeMs: 25_000 })
    expect(forward.cache.calls).toEqual([])
  })

  it('NU-8: have the value that is served compared with the next, and not an error', async () => {
    const { put, change, feed, noted, cache } = limited(new PlainCache(100))
    await change({ maxJump: 0.1 })
    expect(noted).toHaveBeenLastCalledWith(feed, undefined)
    await put(ERROR)
    await change({ maxJump: 0.2 })
    expect(noted).toHaveBeenLastCalledWith(feed, undefined)
    const value = valueOf(5)
    await put(value)
    await change({ maxJump: 0.3 })
    expect(noted).toHaveBeenLastCalledWith(feed, value)
    expect([cache.calls, feed.refusal]).toEqual([[], undefined])
  })

  it('are looked at in the same turn where their values are in this process', () => {
    const plain = limited(new PlainCache(100))
    void plain.change({ max: 5 })
    expect(plain.noted).toHaveBeenCalledOnce()
    const layered = limited(new LayeredCache(100))
    void layered.put(valueOf(5), layered.cache[LOCAL_LAYER])
    void layered.change({ max: 6 })
    expect(layered.noted).toHaveBeenCalledOnce()
  })

  it.each([
    { what: 'elsewhere', cache: new RemoteCache(100) },
    { what: 'elsewhere, and not in this process', cache: new LayeredCache(100) },
  ])('are asked for where they are $what', async ({ cache }) => {
    const { put, change, feed } = limited(cache)
    await put(valueOf(5))
    await change({ max: 6 })
    await change({ maxAgeMs: 10_000 })
    expect(cache.calls).toEqual([['setTTL', 'eth', 10_000]])
    cache.calls.length = 0
    await change({ max: 4 })
    expect([cache.calls, feed.refusal?.code]).toEqual([[DELETED], 'REFUSED_VALUE'])
  })

  it('are not judged by limits that have changed meanwhile', async () => {
    const { cache, put, change, feed, noted } = limited(new RemoteCache(100))
    await put(valueOf(5))
    const [answered, answer] = deferredPromise<void>()
    cache.answers = answered
    await change({ max: 4 })
    await change({ max: 6 })
    answer()
    await pass(0)
    expect(noted).toHaveBeenCalledOnce()
    expect([cache.calls, feed.refusal]).toEqual([[], undefined])
  })

  it('say so in the log, once, where a cache does not take it, however it fails', async () => {
    const failures: (() => Promise<void>)[] = [
      () => Promise.reject(new Error('gone')),
      () => {
        throw new Error('gone')
      },
    ]
    for (const fail of failures) {
      const logs = collectLogs()
      const { cache, put, change } = limited(new PlainCache(100))
      await put(valueOf(5))
      vi.spyOn(cache, 'delete').mockImplementation(fail)
      await change({ max: 4 })
      await change({ max: 3 })
      const fields = { err: new Error('gone'), repeated: 0 }
      const message = 'A cache did not take what feed limits ask for'
      expect(logs).toEqual([{ level: 'error', message, fields }])
    }
  })
})

describe('a feed that is withdrawn', () => {
  it('has its error in place of its value at once, and nothing to compare the next one with', async () => {
    const { cache, put, change, feed } = limited(new PlainCache(100))
    await put(valueOf(5))
    feed.refusal = { code: 'STALE_VALUE', message: 'before', sinceUnixMs: 7 }
    Object.assign(feed.memory, { jump: { value: 5, atMs: 0 }, frozen: { value: 5, sinceMs: 0 } })
    await change(WITHDRAWN)
    expect(cache.calls).toEqual([DELETED, NOTICE])
    expect(noticed(cache)).toEqual({
      errorMessage: SAYS,
      statusCode: 502,
      timestamps: { providerDataStreamEstablishedUnixMs: 0, providerDataReceivedUnixMs: 0 },
    })
    expect(feed.refusal).toEqual({ code: 'REFUSED_VALUE', message: SAYS, sinceUnixMs: Date.now() })
    expect(feed.memory).toMatchObject({ jump: undefined, frozen: undefined })
  })

  it('has it from the first request on, where it is withdrawn before that', async () => {
    const { feeds, feed, change, cache } = limited(new PlainCache(100))
    await change(WITHDRAWN)
    cache.calls.length = 0
    feeds.created(feed)
    expect([cache.calls, feed.refusal?.message]).toEqual([[DELETED, NOTICE], SAYS])
  })

  it('is given back without its error', async () => {
    const { cache, change, feed, noted } = limited(new PlainCache(100))
    await change(WITHDRAWN)
    cache.calls.length = 0
    await change({ maxJump: 0.1 })
    expect([cache.calls, feed.refusal]).toEqual([[DELETED], undefined])
    expect(noted).toHaveBeenLastCalledWith(feed, undefined)
  })

  it('has it renewed when half of its time is over, by either clock, and where it was lost or replaced', async () => {
    const { cache, change, feeds } = limited(new PlainCache(100))
    await change(WITHDRAWN)
    const renewed = () => {
      cache.calls.length = 0
      feeds.renew()
      return cache.calls.length > 0
    }
    await pass(7_499)
    expect(renewed()).toBe(false)
    await pass(1)
    expect(renewed()).toBe(true)
    vi.setSystemTime(Date.now() - 3_600_000)
    await pass(7_500)
    expect(renewed()).toBe(true)
    vi.setSystemTime(Date.now() + 7_500)
    expect(renewed()).toBe(true)
    await cache.delete('eth')
    expect(renewed()).toBe(true)
    await cache.delete('eth')
    await cache.set('eth', valueOf(5), TTL)
    expect(renewed()).toBe(true)
    expect(noticed(cache)).toMatchObject({ errorMessage: SAYS })
    // Others are left alone.
    expect(noticed(cache, 'btc')).toBeUndefined()
  })

  it('has it renewed each time where it is not in this process', async () => {
    const { cache, change, feeds } = limited(new RemoteCache(100))
    await change(WITHDRAWN)
    cache.calls.length = 0
    feeds.renew()
    expect(cache.calls).toEqual([DELETED, NOTICE])
  })
})

describe('in a process that does not write the feeds', () => {
  const reader = async (value: AdapterResponse) => {
    const made = limited(new LayeredCache(100), { isGoverning: false })
    const layer = made.cache[LOCAL_LAYER]
    await made.put(value, layer)
    return { ...made, layer }
  }

  it.each([WITHDRAWN, { max: 4 }])('a value leaves this process alone, under %j', async (limits) => {
    const { cache, change, layer, feed, feeds } = await reader(valueOf(5))
    await change(limits)
    expect([cache.calls, layer.calls]).toEqual([[], [DELETED]])
    expect(feed.refusal?.code).toBe('REFUSED_VALUE')
    feeds.renew()
    await change(undefined)
    expect(cache.calls).toEqual([])
  })

  it('an error stays, and a life is not shortened', async () => {
    const { cache, change, layer, put } = await reader(ERROR)
    await change(WITHDRAWN)
    await change(undefined)
    await put(valueOf(5), layer)
    await change({ maxAgeMs: 10_000 })
    expect([cache.calls, layer.calls]).toEqual([[], []])
  })

  it('nothing happens where there is nothing', async () => {
    for (const cache of [new RemoteCache(100), new LayeredCache(100), new PlainCache(100)]) {
      const logs = collectLogs()
      const { change } = limited(cache, { isGoverning: false })
      await change(WITHDRAWN)
      await change(undefined)
      await change({ max: 4 })
      expect([cache.calls, logs]).toEqual([[], []])
    }
  })
})
