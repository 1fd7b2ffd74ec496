import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Cache } from '../../../src/feeds/cache'
import { CompareResponseCache } from '../../../src/feeds/compare-response-cache'
import { FeedLimits } from '../../../src/feeds/limits/feed-limits'
import { type AdapterResponse } from '../../../src/feeds/responses'
import { SimpleResponseCache } from '../../../src/feeds/simple-response-cache'
import { deferredPromise } from '../../../src/util/sleep'
import { eventually } from '../../helpers/eventually'
import { priceParameters, type PriceTypes } from '../../http/support'
import { holdClock, LimitsFile, pass, SAYS, WITHDRAWN } from '../../service/feed-limits-support'
import { ObservedCache, responseCacheOf, T, valueOf } from '../support'

const ETH = { base: 'ETH', quote: 'USD' }

beforeEach(holdClock)
afterEach(() => void vi.useRealTimers())

/** A cache that takes as long to look something up as the test wants. */
class SlowCache extends ObservedCache {
  readonly held: (() => void)[] = []

  override async get(key: string): Promise<Readonly<AdapterResponse> | undefined> {
    const [released, release] = deferredPromise<void>()
    this.held.push(release)
    await released
    return super.get(key)
  }
}

it.each([
  ['withdrawn', WITHDRAWN],
  ['limited', { max: 4 }],
])('a value that waits to be written is not, when its feed is %s meanwhile', async (_what, limits) => {
  using file = new LimitsFile()
  const feedLimits = await FeedLimits.open(file.path, 'TEST')
  const { adapterSettings } = responseCacheOf()
  const cache = new SlowCache(100)
  const inner = new SimpleResponseCache<PriceTypes>({
    dependencies: { cache: cache as unknown as Cache },
    adapterSettings,
    adapterName: 'TEST',
    endpointName: 'price',
    inputParameters: priceParameters(),
    limits: feedLimits,
  })
  const outer = new CompareResponseCache<PriceTypes>(T, inner, () => true)
  feedLimits.start()
  feedLimits.govern()
  const written = outer.write('child', [valueOf(ETH, 5)])
  await eventually(() => expect(cache.held).toHaveLength(1))
  const { mark } = feedLimits
  file.write({ 'ETH/USD': limits })
  await pass(1_000)
  await eventually(() => expect(feedLimits.mark).toBe(mark + 1))
  for (const release of cache.held) release()
  await written
  const said = cache.read(inner.getCacheKey(T, ETH))?.value.errorMessage
  expect(said).toBe('withdrawn' in limits ? SAYS : undefined)
  expect(cache.sets.filter(({ value }) => value.errorMessage === undefined)).toEqual([])
  inner.stop()
  feedLimits.stop()
  expect(vi.getTimerCount()).toBe(0)
})
