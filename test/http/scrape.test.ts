import { afterEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { stillAdapter, WAYS } from './support'

afterEach(() => void vi.restoreAllMocks())

const METRICS_OF_FEEDS = [
  'httpRequestsTotal',
  'cacheDataGetCount',
  'cacheDataGetValues',
  'cacheDataSetCount',
  'cacheDataMaxAge',
  'cacheDataStalenessSeconds',
  'totalDataStalenessSeconds',
  'feedAgeSeconds',
  'feedUp',
  'providerTimeDelta',
] as const

/** Counts what is done to the metrics of feeds. */
const counting = () => {
  let count = 0
  for (const name of METRICS_OF_FEEDS) {
    const metric = metrics.get(name) as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const method of ['inc', 'set', 'labels', 'add', 'put']) {
      if (typeof metric[method] !== 'function') continue
      const original = metric[method]
      vi.spyOn(metric, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
        count++
        return Reflect.apply(original, this, args)
      })
    }
  }
  return {
    since: <T>(work: () => Promise<T>) => {
      count = 0
      return work().then(() => count)
    },
  }
}

describe.each(WAYS)('OB-5: metrics, where requests are $way', ({ requestTransforms }) => {
  it('are not touched for an answer from the cache, and a scrape does a few things for each of as many feeds as have series, also with ten thousand of them', async () => {
    const still = stillAdapter({ endpoint: { requestTransforms }, adapter: { name: 'SCRAPED' } })
    await using service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    const fill = async (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        await still.transport.put({ base: `S${n}`, quote: 'USD' }, n + 1, Date.now() - 5)
        await service.post({ base: `S${n}`, quote: 'USD' })
      }
    }
    await fill(0, 100)
    const counts = counting()
    const few = await counts.since(renderMetrics)
    expect(await counts.since(() => fill(0, 100))).toBe(0)
    expect(await counts.since(async () => void (await service.post({ base: 'S1', quote: 'USD' })))).toBe(0)
    expect(few).toBeLessThanOrEqual(100 * METRICS_OF_FEEDS.length + 50)
    await fill(100, 10_000)
    const many = await counts.since(renderMetrics)
    expect(many).toBeLessThanOrEqual(1_000 * METRICS_OF_FEEDS.length + 50)
    expect(many / 1_000).toBeLessThanOrEqual((few / 100) * 1.1)
    const samples = parseSamples(await renderMetrics()).filter(
      ({ labels }) => labels['app_name'] === 'SCRAPED',
    )
    expect(samples.filter(({ name }) => name === 'cache_data_set_count')).toHaveLength(1_001)
    // Whoever comes meanwhile does not wait for the end of it.
    let isOver = false
    const scraping = renderMetrics().finally(() => (isOver = true))
    for (let n = 0; n < 10; n++) {
      expect((await service.post({ base: `S${n}`, quote: 'USD' })).statusCode).toBe(200)
      expect(isOver).toBe(false)
    }
    await scraping
  }, 120_000)
})
