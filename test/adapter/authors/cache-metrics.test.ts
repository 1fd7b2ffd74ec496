import { expect, it } from 'vitest'
import { cacheGet, cacheMetricsLabel, cacheSet, CacheTypes } from '../../../src/public/cache/metrics'
import { metrics } from '../../../src/metrics/registry'
import { renderMetrics } from '../../../src/metrics/render'
import { parseSamples, sampleValue } from '../../../src/testing/samples'
import { responseCacheOf, T, valueOf } from '../../feeds/support'

const valueIn = async (name: string, participant_id: string) =>
  sampleValue(parseSamples(await renderMetrics()), name, { participant_id })

it('14: counts what authors read from the cache, and keeps the last value and its age', async () => {
  metrics.initialize()
  const label = cacheMetricsLabel('a-key', 'a-feed', CacheTypes.Redis)
  expect(label).toEqual({ participant_id: 'a-key', feed_id: 'a-feed', cache_type: 'redis' })
  cacheGet(label, '12.5', { cache: 5, total: 7 })
  cacheGet(label, undefined, { cache: 6, total: null })
  const names = ['get_count', 'get_values', 'staleness_seconds', 'set_count', 'max_age']
  const values = await Promise.all(names.map((name) => valueIn(`cache_data_${name}`, 'a-key')))
  expect(values).toEqual([2, 12.5, 6, undefined, undefined])
  expect(await valueIn('total_data_staleness_seconds', 'a-key')).toBe(7)
})

it('14: counts what authors write, with its TTL, and how late it was', async () => {
  metrics.initialize()
  const label = cacheMetricsLabel('written', 'w-feed', CacheTypes.Local)
  cacheGet(label, 1, { cache: 5, total: null })
  cacheSet(label, 90_000, 12)
  cacheSet(label, 80_000, undefined)
  expect(await valueIn('cache_data_set_count', 'written')).toBe(2)
  expect(await valueIn('cache_data_max_age', 'written')).toBe(80_000)
  expect(await valueIn('cache_data_staleness_seconds', 'written')).toBe(0)
  const samples = parseSamples(await renderMetrics())
  expect(sampleValue(samples, 'provider_time_delta', { feed_id: 'w-feed' })).toBe(12)
})

it('14: stays beside what the framework publishes of its feeds, scrape after scrape', async () => {
  const { responseCache } = responseCacheOf()
  await responseCache.write(T, [valueOf({ base: 'ETH', quote: 'USD' }, 1)])
  const key = responseCache.getCacheKey(T, { base: 'ETH', quote: 'USD' })
  cacheSet(cacheMetricsLabel('beside', 'b-feed', 'local'), 1_000, undefined)
  for (let scrape = 0; scrape < 2; scrape++) {
    expect(await valueIn('cache_data_set_count', 'beside')).toBe(1)
    expect(await valueIn('cache_data_set_count', key)).toBe(1)
  }
  responseCache.stop()
  expect(await valueIn('cache_data_set_count', 'beside')).toBe(1)
  expect(await valueIn('cache_data_set_count', key)).toBeUndefined()
})

it('RS-1: remembers ten thousand keys, and those the last that were heard of', async () => {
  metrics.initialize()
  const label = (n: number) => cacheMetricsLabel(`many-${n}`, 'm', 'local')
  cacheSet(label(0), 1, undefined)
  cacheSet(label(1), 1, undefined)
  for (let n = 2; n < 10_001; n++) {
    cacheSet(label(n), 1, undefined)
    cacheSet(label(0), 1, undefined)
  }
  expect(await valueIn('cache_data_set_count', 'many-0')).toBe(10_000)
  expect(await valueIn('cache_data_set_count', 'many-1')).toBeUndefined()
})
