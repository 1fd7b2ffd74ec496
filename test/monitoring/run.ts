import { afterEach, beforeEach, vi } from 'vitest'
import { type Adapter } from '../../src/adapter/adapter'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { serve } from '../../src/testing/serve'
import { holdClock } from '../service/feed-limits-support'
import { SCRAPE_MS, Watch } from './watch'

export const ETH = { base: 'ETH', quote: 'USD' }
export const BTC = { base: 'BTC', quote: 'USD' }

/** For a file whose runs have a clock that is held, and metrics that begin at nothing. */
export const runsOnHeldClock = (): void => {
  beforeEach(holdClock)
  afterEach(() => {
    vi.useRealTimers()
    metrics.clear()
  })
}

/** Ends what waits for timers while the clock is held. */
export const ended = async (ending: Promise<unknown>): Promise<void> => {
  await vi.advanceTimersByTimeAsync(SCRAPE_MS)
  await ending
}

/** An adapter that runs in this process, and is watched. Requests are answered at once. */
export const watched = async (make: () => Adapter, env: Record<string, string> = {}) => {
  const service = await serve(make, { env: { CACHE_POLLING_MAX_RETRIES: '0', ...env } })
  const ask = async (...feeds: object[]) => {
    for (const feed of feeds) await service.post(feed)
  }
  const watch = new Watch(renderMetrics)
  return { service, watch, ask, [Symbol.asyncDispose]: () => ended(service.stop()) }
}
