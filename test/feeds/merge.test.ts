import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalCache } from '../../src/feeds/local-cache'
import { Merge } from '../../src/feeds/merge'
import { mergedResponseCache } from '../../src/feeds/merged-source'
import { type AdapterResponse } from '../../src/feeds/responses'
import { type PriceTypes } from '../http/support'
import { RemoteCache } from '../redis/remote-cache'
import { ObservedCache, responseCacheOf, T } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000
const TTL = 90_000
const NAMES = ['ws', 'rest', 'backup']

const started: { stop(): void }[] = []
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => {
  vi.useRealTimers()
  for (const one of started.splice(0)) one.stop()
})

const later = (ms: number) => void vi.setSystemTime(Date.now() + ms)

/** A response of one source. Times are relative to the start. */
interface Said {
  source: number
  price?: number
  error?: string
  t?: number
  received?: number
  statusCode?: number
}

const CACHES = [
  { way: 'the local cache', makeCache: () => new LocalCache<AdapterResponse>(100) },
  { way: "somebody's own cache", makeCache: () => new ObservedCache(100) },
  { way: 'a remote cache', makeCache: () => new RemoteCache() },
]

const build = (cache: LocalCache<AdapterResponse> | RemoteCache = new LocalCache(100), guards?: object) => {
  const made = responseCacheOf({
    cache: cache as LocalCache<AdapterResponse>,
    guards,
    settings: { CACHE_MAX_AGE: TTL },
  })
  started.push(made.responseCache)
  const merge = new Merge(NAMES)
  const sources = NAMES.map((_, rank) => mergedResponseCache<PriceTypes>(T, made.responseCache, merge, rank))
  const key = made.responseCache.getCacheKey(T, ETH)
  const say = async ({ source, price, error, t, received, statusCode = 502 }: Said) => {
    const timestamps = {
      providerDataStreamEstablishedUnixMs: 1,
      providerDataReceivedUnixMs: received === undefined ? Date.now() : START + received,
      providerIndicatedTimeUnixMs: t === undefined ? undefined : START + t,
    }
    const response =
      error === undefined
        ? { result: price as number, data: { result: price as number }, timestamps }
        : { statusCode, errorMessage: error, timestamps }
    await sources[source]!.write(NAMES[source]!, [{ params: ETH, response }])
  }
  const served = () => made.cache.get(key)
  return { ...made, merge, sources, key, say, served, price: async () => (await served())?.result }
}

describe.each(CACHES)('several sources of one feed, merged into $way', ({ makeCache }) => {
  it('the value of the later provider time is served, and its source named', async () => {
    const { say, served } = build(makeCache())
    await say({ source: 1, price: 5, t: -10 })
    await say({ source: 0, price: 6, t: -5 })
    expect(await served()).toMatchObject({ result: 6, meta: { transportName: 'ws' } })
    await say({ source: 1, price: 7, t: -4 })
    expect(await served()).toMatchObject({ result: 7, meta: { transportName: 'rest' } })
  })

  it('TM-1: an older one is not', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 0, price: 6, t: -5 })
    await say({ source: 1, price: 5, t: -6 })
    await say({ source: 0, price: 4, t: -7 })
    expect(await price()).toBe(6)
  })

  it('an equal time with another value never makes the served value go to and fro', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 0, price: 6, t: -5 })
    for (let n = 0; n < 3; n++) {
      await say({ source: 1, price: 7, t: -5 })
      await say({ source: 0, price: 8, t: -5 })
      expect(await price()).toBe(6)
    }
  })

  it('TM-4: of equal times the one of the preferred source is served, whichever came first', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 2, price: 8, t: -5 })
    await say({ source: 1, price: 7, t: -5 })
    expect(await price()).toBe(7)
    await say({ source: 2, price: 8, t: -5 })
    expect(await price()).toBe(7)
    await say({ source: 0, price: 6, t: -5 })
    await say({ source: 1, price: 7, t: -5 })
    expect(await price()).toBe(6)
  })

  it('FO-5: sources without provider time take part, and the preferred one is stayed with', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 1, price: 5 })
    expect(await price()).toBe(5)
    later(10)
    await say({ source: 1, price: 6 })
    expect(await price()).toBe(6)
    later(10)
    await say({ source: 2, price: 7 })
    expect(await price()).toBe(6)
    await say({ source: 0, price: 8 })
    expect(await price()).toBe(8)
    for (let n = 0; n < 3; n++) {
      later(10)
      await say({ source: 1, price: 1 })
      await say({ source: 2, price: 2 })
      expect(await price()).toBe(8)
    }
    later(10)
    await say({ source: 0, price: 9 })
    expect(await price()).toBe(9)
  })

  it('FO-5: a source with provider time is preferred, and followed by that', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 0, price: 5 })
    later(10)
    await say({ source: 2, price: 6, t: 5 })
    expect(await price()).toBe(6)
    later(10)
    await say({ source: 0, price: 7 })
    expect(await price()).toBe(6)
    await say({ source: 1, price: 8, t: 6 })
    expect(await price()).toBe(8)
  })

  it('FO-5: a value without provider time is marked as ranked by its receipt, one with it is not', async () => {
    const { say, served } = build(makeCache())
    await say({ source: 0, price: 5 })
    expect((await served())?.meta).toMatchObject({ transportName: 'ws', rankedBy: 'receivedAt' })
    later(10)
    await say({ source: 0, price: 6 })
    expect((await served())?.meta).toMatchObject({ transportName: 'ws', rankedBy: 'receivedAt' })
    later(10)
    await say({ source: 1, price: 7, t: 15 })
    const timed = await served()
    expect(timed).toMatchObject({ result: 7, meta: { transportName: 'rest' } })
    expect(timed?.meta).not.toHaveProperty('rankedBy')
    // An hour ahead of our clock, so it does not count.
    later(10)
    await say({ source: 0, price: 8, t: 3_600_000 })
    later(TTL)
    await say({ source: 0, price: 9, t: 7_200_000 })
    expect(await served()).toMatchObject({ result: 9, meta: { rankedBy: 'receivedAt' } })
  })

  it('FO-5: at equal times the provider’s own is preferred', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 0, price: 5 })
    await say({ source: 2, price: 6, t: 0 })
    expect(await price()).toBe(6)
    await say({ source: 0, price: 7 })
    expect(await price()).toBe(6)
  })

  it('under a clock that stands still a source without provider time is followed all the same', async () => {
    const { say, price } = build(makeCache())
    for (const value of [5, 6, 7]) {
      await say({ source: 0, price: value })
      expect(await price()).toBe(value)
    }
  })

  it('TM-2: a time far in the future freezes nothing', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 1, price: 1, t: 86_400_000 })
    later(10)
    await say({ source: 0, price: 5, t: 8 })
    later(10)
    await say({ source: 0, price: 6, t: 18 })
    expect(await price()).toBe(6)
  })

  it('a time before our own clock makes sense is taken at its word', async () => {
    vi.setSystemTime(0)
    const { say, price } = build(makeCache())
    await say({ source: 1, price: 6, t: 2_000, received: -START })
    vi.setSystemTime(5)
    await say({ source: 0, price: 5, t: 1_000, received: 5 - START })
    expect(await price()).toBe(6)
  })

  it('FR-2: the same again is confirmed by its own source alone, and becomes no newer', async () => {
    const { say, price, served, sources } = build(makeCache())
    await say({ source: 0, price: 6, t: -5 })
    const first = await served()
    later(60_000)
    await say({ source: 0, price: 6, t: -5 })
    expect(await served()).toEqual(first)
    later(60_000)
    expect(await price()).toBe(6)
    await say({ source: 1, price: 6, t: -5 })
    await say({ source: 1, price: 5, t: -7 })
    await say({ source: 0, price: 9, t: -5 })
    await sources[1]!.writeTTL('rest', [ETH], TTL)
    later(29_999)
    expect(await price()).toBe(6)
    later(1)
    expect(await price()).toBeUndefined()
  })

  it('FR-3: only the source whose value is stored gives it another TTL', async () => {
    const { say, price, sources } = build(makeCache())
    await say({ source: 0, price: 6, t: -5 })
    await say({ source: 1, price: 5, t: -6 })
    await sources[1]!.writeTTL('rest', [ETH], 500)
    later(500)
    expect(await price()).toBe(6)
    await sources[0]!.writeTTL('whatever', [ETH], 700)
    later(699)
    expect(await price()).toBe(6)
    later(1)
    expect(await price()).toBeUndefined()
  })

  it('the next best is served when the best has expired', async () => {
    const { say, price } = build(makeCache())
    await say({ source: 0, price: 6, t: -5 })
    later(60_000)
    await say({ source: 1, price: 5, t: -6 })
    later(30_000)
    expect(await price()).toBeUndefined()
    await say({ source: 2, price: 4, t: -20 })
    expect(await price()).toBe(5)
    later(60_000)
    expect(await price()).toBeUndefined()
  })

  it('FO-7: errors are served while no source has a value, and none replaces one', async () => {
    const { say, served } = build(makeCache())
    await say({ source: 1, error: 'down', statusCode: 502 })
    expect(await served()).toMatchObject({ errorMessage: 'down', statusCode: 502 })
    await say({ source: 1, error: 'down', statusCode: 502 })
    expect(await served()).toMatchObject({ errorMessage: 'down', statusCode: 502 })
    await say({ source: 0, error: 'quota', statusCode: 429 })
    const at = new Date(START).toISOString()
    expect(await served()).toMatchObject({
      errorMessage: `ws: quota (429, ${at}); rest: down (502, ${at})`,
      statusCode: 429,
    })
    await say({ source: 2, price: 5 })
    expect(await served()).toMatchObject({ result: 5, statusCode: 200 })
    await say({ source: 2, error: 'down' })
    expect(await served()).toMatchObject({ result: 5 })
    later(TTL)
    expect(await served()).toBeUndefined()
    await say({ source: 2, error: 'still down' })
    expect(await served()).toMatchObject({ errorMessage: 'still down', statusCode: 502 })
  })

  it('an error that is over is not told any more', async () => {
    const { say, served } = build(makeCache())
    await say({ source: 0, error: 'quota' })
    await say({ source: 0, price: 5 })
    later(TTL)
    await say({ source: 1, error: 'down' })
    expect(await served()).toMatchObject({ errorMessage: 'down' })
  })

  it('TM-1: what somebody else stored is replaced by later values alone', async () => {
    const { say, price, cache, key } = build(makeCache())
    const timestamps = { providerDataReceivedUnixMs: START, providerIndicatedTimeUnixMs: START - 5 }
    await cache.set(key, { result: 1, data: { result: 1 }, statusCode: 200, timestamps } as never, TTL)
    await say({ source: 0, price: 2, t: -6 })
    await say({ source: 0, price: 3, t: -5 })
    expect(await price()).toBe(1)
    await say({ source: 1, price: 4, t: -4 })
    expect(await price()).toBe(4)
  })

  it('all at once come to the same as one after the other', async () => {
    const { say, price } = build(makeCache())
    const all = [3, 9, 1, 7, 5].map((t, at) => say({ source: at % 3, price: t, t: -t }))
    await Promise.all(all)
    expect(await price()).toBe(1)
  })

  it('guards hold each source against itself, and what is served never goes back', async () => {
    const { say, price, responseCache } = build(makeCache(), { onlyWanted: false })
    await say({ source: 0, price: 6, t: -5 })
    await say({ source: 1, price: 5, t: -6 })
    expect(responseCache.refusalsOf('rest').count('backwards')).toBe(0)
    await say({ source: 1, price: 5, t: -7 })
    expect(responseCache.refusalsOf('rest').count('backwards')).toBe(1)
    await say({ source: 1, price: 0, t: -1 })
    await say({ source: 1, price: 5, t: 60_000 })
    expect(await price()).toBe(6)
    later(TTL)
    await say({ source: 2, price: 4, t: -6 })
    expect(await price()).toBeUndefined()
    await say({ source: 2, price: 4, t: -5 })
    expect(await price()).toBe(4)
  })

  const said = fc.record({
    price: fc.integer({ min: 1, max: 3 }),
    t: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
    received: fc.integer({ min: -3, max: 3 }),
  })
  const stories = fc.tuple(...NAMES.map(() => fc.array(said, { maxLength: 4 })))
  /** Which source speaks next; who has nothing left to say is passed over. */
  const interleave = (story: Omit<Said, 'source'>[][], order: number[]): Said[] => {
    const left = story.map((lines) => [...lines])
    const told: Said[] = []
    const tell = (source: number) => {
      const line = left[source]!.shift()
      if (line !== undefined) told.push({ source, ...line })
    }
    for (const source of order) tell(source)
    for (let source = 0; source < left.length; source++) while (left[source]!.length > 0) tell(source)
    return told
  }
  const orders = fc.array(fc.nat({ max: NAMES.length - 1 }), { maxLength: 12 })

  it('FO-4: what is served does not depend on the order in which the sources spoke', async () => {
    await fc.assert(
      fc.asyncProperty(stories, orders, orders, async (story, one, other) => {
        const outcomes = []
        for (const order of [one, other]) {
          const { say, served } = build(makeCache())
          for (const line of interleave(story, order)) await say(line)
          outcomes.push(await served())
        }
        expect(outcomes[0]).toEqual(outcomes[1])
      }),
      { numRuns: 300 },
    )
  })

  it('TM-1: the provider’s time of what is served never decreases', async () => {
    await fc.assert(
      fc.asyncProperty(stories, orders, async (story, order) => {
        const { say, served } = build(makeCache())
        let last = -Infinity
        for (const line of interleave(story, order)) {
          await say(line)
          const time = (await served())?.timestamps.providerIndicatedTimeUnixMs ?? last
          expect(time).toBeGreaterThanOrEqual(last)
          last = time
        }
      }),
      { numRuns: 300 },
    )
  })

  it('TM-1: of sources with provider times the greatest is served', async () => {
    const timed = said.map((line) => ({ ...line, t: line.t ?? 0 }))
    const all = fc.tuple(...NAMES.map(() => fc.array(timed, { maxLength: 4 })))
    await fc.assert(
      fc.asyncProperty(all, orders, async (story, order) => {
        const { say, served } = build(makeCache())
        const timeOf = (response: AdapterResponse | undefined) =>
          response === undefined ? -Infinity : (response.timestamps.providerIndicatedTimeUnixMs ?? NaN)
        let last = -Infinity
        const told = interleave(story, order)
        for (const line of told) {
          await say(line)
          const time = timeOf(await served())
          expect(time).toBeGreaterThanOrEqual(last)
          last = time
        }
        const greatest = Math.max(-Infinity, ...told.map(({ t }) => START + (t ?? 0)))
        expect(last).toBe(greatest)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a merge', () => {
  it('forgets what the local cache was made to forget', async () => {
    const cache = new LocalCache<AdapterResponse>(100)
    const { say, price } = build(cache)
    await say({ source: 0, price: 6, t: -5 })
    cache.cache.clear()
    await say({ source: 1, price: 5, t: -9 })
    expect(await price()).toBe(5)
    cache.cache.clear()
    await say({ source: 1, error: 'down' })
    expect(await price()).toBeUndefined()
  })

  it('wakes whoever waits, even for values that may not be stored for any time', async () => {
    const cache = new LocalCache<AdapterResponse>(100)
    const { say, adapterSettings, key } = build(cache)
    Object.assign(adapterSettings, { CACHE_MAX_AGE: 0 })
    const value = cache.waiters.wait(key, 1_000)
    await say({ source: 0, price: 6, t: -5 })
    expect(await value).toMatchObject({ result: 6 })
  })

  it('RS-1: keeps nothing of feeds that have expired, and not of too many others', async () => {
    const merge = new Merge(['a'])
    const offer = (key: string, now: number) => {
      const timestamps = { providerDataReceivedUnixMs: now, providerIndicatedTimeUnixMs: undefined }
      const response = { result: 1, data: {}, statusCode: 200, timestamps } as unknown as AdapterResponse
      return merge.offer({ key, rank: 0, response, ttlMs: 100 }, undefined, { unixMs: now, monotonicMs: now })
    }
    for (let n = 0; n < 50_010; n++) offer(`feed ${n}`, START)
    expect(merge.size).toBe(50_000)
    offer('new', START + 100)
    expect(merge.size).toBe(1)
    expect(merge.valueOf('new', 0, { unixMs: START + 199, monotonicMs: START + 199 })).toBeDefined()
    expect(merge.valueOf('new', 0, { unixMs: START + 200, monotonicMs: START + 200 })).toBeUndefined()
    await Promise.resolve()
  })

  it.each([NaN, 'text', null, Infinity, {}])('takes %s for no time', async (t) => {
    const { sources, price } = build()
    const response = (result: number, indicated: unknown) => ({
      result,
      data: { result },
      timestamps: { providerDataReceivedUnixMs: START, providerIndicatedTimeUnixMs: indicated } as never,
    })
    await sources[0]!.write('ws', [{ params: ETH, response: response(1, t) }])
    expect(await price()).toBe(1)
    await sources[1]!.write('rest', [{ params: ETH, response: response(2, START) }])
    expect(await price()).toBe(2)
  })
})
