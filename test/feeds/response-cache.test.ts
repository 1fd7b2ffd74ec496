import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { instant } from '../../src/util/clock'
import { CensorList, secretEntry } from '../../src/util/redaction'
import { LoggerFactoryProvider, type LoggerFactory } from '../../src/util/logging'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type PriceTypes } from '../http/support'
import { CACHES, errorOf, ObservedCache, responseCacheOf, type Results, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const START = 1_700_000_000_000
const KEY = `TEST-price-${T}-{"base":"eth","quote":"usd"}`

/** Loggers keep the first factory they meet: it is one for the whole file. */
const warnings: unknown[][] = []
const silent = () => {}
const loggerFactory = {
  child: () => ({
    fatal: silent,
    error: silent,
    info: silent,
    debug: silent,
    trace: silent,
    warn: (...args: unknown[]) => void warnings.push(args),
  }),
} as unknown as LoggerFactory
const texts = () => warnings.map((args) => args.filter((arg) => typeof arg === 'string').join(' '))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START })
  vi.spyOn(LoggerFactoryProvider, 'set').mockImplementation(() => {})
  vi.spyOn(LoggerFactoryProvider, 'get').mockReturnValue(loggerFactory)
  warnings.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  CensorList.set([], 'test')
})

const later = (ms: number) => void vi.setSystemTime(Date.now() + ms)

describe.each(CACHES)('writing responses $way', ({ makeCache }) => {
  const make = (of: Parameters<typeof responseCacheOf>[0] = {}) =>
    responseCacheOf({ ...of, cache: makeCache() })

  it('stores each under the key of its parameters for CACHE_MAX_AGE, with a status and the meta of its feed', async () => {
    const { responseCache, cache } = make({ settings: { CACHE_MAX_AGE: 1_000 } })
    await responseCache.write(T, [valueOf(ETH, 5), errorOf(BTC, 'no', 503)])
    const timestamps = { providerDataStreamEstablishedUnixMs: 1, providerDataReceivedUnixMs: START }
    const meta = { adapterName: 'TEST', transportName: T }
    expect(await responseCache.get(KEY)).toEqual({
      result: 5,
      data: { result: 5 },
      timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
      statusCode: 200,
      meta: { ...meta, metrics: { feedId: '{"base":"eth","quote":"usd"}' } },
    })
    expect(await responseCache.get(responseCache.getCacheKey(T, BTC))).toMatchObject({
      errorMessage: 'no',
      statusCode: 503,
    })
    later(1_000)
    expect(await cache.get(KEY)).toBeUndefined()
  })

  it('leaves meta out without metrics', async () => {
    for (const off of ['METRICS_ENABLED', 'EXPERIMENTAL_METRICS_ENABLED']) {
      const { responseCache } = make({ settings: { [off]: false } })
      await responseCache.write(T, [valueOf(ETH, 5)])
      expect(await responseCache.get(KEY)).not.toHaveProperty('meta')
    }
  })

  it.each([true, false])(
    'ID-5: stores a new object: what the handler holds does not get our members, nor do we get its (metrics: %s)',
    async (hasMetrics) => {
      const { responseCache } = make({ settings: { METRICS_ENABLED: hasMetrics } })
      const result = valueOf(ETH, 5)
      await responseCache.write(T, [result])
      expect(Object.keys(result.response)).toEqual(['result', 'data', 'timestamps'])
      Object.assign(result.response, { result: 666, statusCode: 203, more: true })
      const stored = await responseCache.get(KEY)
      expect(stored).toMatchObject({ result: 5, statusCode: 200 })
      expect(stored).not.toHaveProperty('more')
    },
  )

  it('keeps transports apart', async () => {
    const { responseCache, cache } = make()
    await responseCache.write('ws', [valueOf(ETH, 1)])
    await responseCache.write('rest', [valueOf(ETH, 2)])
    expect([...cache.cache.keys()]).toEqual(['ws', 'rest'].map((name) => KEY.replace(T, name)))
  })

  it('writeTTL gives live responses another life, under any spelling of their parameters', async () => {
    const { responseCache, cache } = make({ settings: { CACHE_MAX_AGE: 1_000 } })
    await responseCache.write(T, [valueOf(ETH, 5), valueOf(BTC, 6)])
    later(900)
    await responseCache.writeTTL(
      T,
      [
        { quote: 'usd', base: 'eth' },
        { base: 'never', quote: 'seen' },
      ],
      1_000,
    )
    later(999)
    expect(await cache.get(KEY)).toMatchObject({ result: 5 })
    expect(cache.read(responseCache.getCacheKey(T, BTC))).toBeUndefined()
  })

  it('SC-1: redacts secrets inside strings, and leaves numbers alone', async () => {
    CensorList.set([secretEntry('API_KEY', 'hush-hush'), secretEntry('PIN', '23')], 'test')
    const { responseCache } = make()
    const response = {
      ...valueOf(ETH, 1234.5).response,
      data: {
        result: 1234.5,
        note: 'see ?key=HUSH-HUSH',
        list: ['23', 23, { deep: 'x23y' }],
        gone: undefined,
      },
    }
    await responseCache.write(T, [
      { params: ETH, response: response as never },
      errorOf(BTC, 'bad key hush-hush'),
    ])
    expect(await responseCache.get(KEY)).toMatchObject({
      result: 1234.5,
      data: {
        result: 1234.5,
        note: 'see ?key=[API_KEY REDACTED]',
        list: ['[PIN REDACTED]', 23, { deep: 'x[PIN REDACTED]y' }],
      },
    })
    expect(await responseCache.get(responseCache.getCacheKey(T, BTC))).toMatchObject({
      errorMessage: 'bad key [API_KEY REDACTED]',
    })
  })

  it('warns of a response without data, else of one without a result', async () => {
    const { responseCache } = make()
    const { timestamps } = valueOf(ETH, 1).response
    await responseCache.write(T, [{ params: ETH, response: { timestamps } as never }])
    await responseCache.write(T, [{ params: ETH, response: { data: { result: 1 }, timestamps } as never }])
    await responseCache.write(T, [errorOf(BTC, 'no')])
    expect(texts()).toEqual(['The response has no "data"', 'The response has no "result"'])
  })

  it.each([START + 51, 1_514_764_860_999, 1_700_000_000, START - 0.5, NaN])(
    'warns of the time %d that a provider gives, and stores the value all the same',
    async (indicated) => {
      const { responseCache } = make()
      await responseCache.write(T, [valueOf(ETH, 5, indicated)])
      expect(texts()).toEqual([expect.stringMatching(/^Provider indicated time is invalid: /)])
      expect(await responseCache.get(KEY)).toMatchObject({ result: 5 })
      await responseCache.write(T, [valueOf(ETH, 6, indicated), valueOf(BTC, 6, indicated)])
      // OB-4: once a minute for each endpoint
      expect(texts()).toHaveLength(1)
    },
  )

  it.each([START + 50, START, 1_514_764_861_000])('takes the time %d without a word', async (indicated) => {
    const { responseCache } = make()
    await responseCache.write(T, [valueOf(ETH, 5, indicated)])
    expect(texts()).toEqual([])
  })

  it('counts on the feed what was written, when, and for how long', async () => {
    const { responseCache } = make({ settings: { CACHE_MAX_AGE: 1_000 } })
    await responseCache.write(T, [valueOf(ETH, 5, START - 30)])
    expect(responseCache.feed(T, ETH)).toMatchObject({
      sets: 1,
      lastSetAt: START,
      ttlMs: 1_000,
      providerDeltaMs: 30,
    })
    await responseCache.write(T, [valueOf(ETH, 5)])
    expect(responseCache.feed(T, ETH)).toMatchObject({ sets: 2, providerDeltaMs: 0 })
  })
})

describe('a cache of somebody else', () => {
  it('sees every write through its own methods', async () => {
    const cache = new ObservedCache(100)
    const { responseCache } = responseCacheOf({ cache, settings: { CACHE_MAX_AGE: 1_000 } })
    await responseCache.write(T, [valueOf(ETH, 5), valueOf(BTC, 6)])
    await responseCache.writeEntries([{ key: 'own', value: { result: 1 } as never }])
    expect(cache.sets.map(({ key, ttl, value }) => [key, ttl, value.result])).toEqual([
      [KEY, 1_000, 5],
      [KEY.replace('eth', 'btc'), 1_000, 6],
      ['own', 1_000, 1],
    ])
  })

  it('is written to by nobody else when a method of the response cache was replaced', async () => {
    for (const method of ['write', 'writeEntries'] as const) {
      const { responseCache, cache } = responseCacheOf()
      expect(responseCache.isImmediate).toBe(true)
      const spy = vi.spyOn(responseCache, method).mockResolvedValue()
      expect(responseCache.isImmediate).toBe(false)
      await responseCache.write(T, [valueOf(ETH, 5)])
      expect(spy).toHaveBeenCalledTimes(1)
      expect(cache.cache.size).toBe(0)
    }
  })

  it.each(CACHES)('gets the entries that an author makes, written $way', async ({ makeCache }) => {
    class Own extends SimpleResponseCache<PriceTypes> {
      protected override generateCacheEntry(meta: string, cached: string, result: Results[number]) {
        const { key, value } = super.generateCacheEntry(meta, cached, result)
        return { key: `own-${key}`, value }
      }
    }
    const { responseCache: made, cache } = responseCacheOf({ cache: makeCache() })
    const responseCache = new Own(made)
    expect(responseCache.isImmediate).toBe(false)
    await responseCache.write(T, [valueOf(ETH, 5)])
    expect([...cache.cache.keys()]).toEqual([`own-${KEY}`])
    responseCache.stop()
  })

  it('cannot be written to at once', () => {
    const { responseCache } = responseCacheOf({ cache: new ObservedCache(100) })
    expect(() => responseCache.writeNow(T, [valueOf(ETH, 5)], instant(START))).toThrow(/local cache/)
  })

  it('that fails to write fails the write', async () => {
    const cache = new ObservedCache(100)
    cache.setMany = () => Promise.reject(new Error('disk full'))
    const { responseCache } = responseCacheOf({ cache })
    await expect(responseCache.write(T, [valueOf(ETH, 5)])).rejects.toThrow('disk full')
  })
})
