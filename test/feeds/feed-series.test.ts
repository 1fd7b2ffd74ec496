import { afterEach, describe, expect, it, vi } from 'vitest'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { stillAdapter, stoppable } from '../http/support'

const AT = 1_700_000_000_000

afterEach(() => void vi.useRealTimers())

/** Metrics belong to the process, so every adapter of this file has a name of its own. */
let made = 0
const start = async (maxFeeds: number) => {
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: AT })
  const name = `CAPPED${++made}` as Uppercase<string>
  const still = stillAdapter({ adapter: { name } })
  const env = { METRICS_MAX_FEEDS: String(maxFeeds), CACHE_POLLING_MAX_RETRIES: '0' }
  const service = await serve(still.adapter, { env })
  const put = (base: string, result = 1) => still.transport.put({ base, quote: 'USD' }, result, AT - 5)
  const ask = (base: string) => service.post({ base, quote: 'USD' })
  const samples = async (metric: string) =>
    parseSamples(await renderMetrics()).filter(
      ({ name: of, labels }) => of === metric && labels['app_name'] === name,
    )
  /** The values of a metric by the feed's name. */
  const valuesOf = async (metric: string) =>
    Object.fromEntries(
      (await samples(metric)).map(({ labels, value }) => [
        /"base":"(\w+)"/.exec(labels['feed_id'] ?? '')?.[1] ?? labels['feed_id'],
        value,
      ]),
    ) as Record<string, number>
  return stoppable({ name, still, service, put, ask, samples, valuesOf })
}

describe('without a request', () => {
  it('a feed shows that it is dead, since when, and that it is back', async () => {
    await using started = await start(10)
    const { still, put, samples, valuesOf } = started
    const seen = async () => [await valuesOf('feed_up'), await valuesOf('feed_age_seconds')]
    expect(await seen()).toEqual([{}, {}])
    for (const base of ['a', 'b']) await put(base)
    expect(await seen()).toEqual([
      { a: 1, b: 1 },
      { a: 0, b: 0 },
    ])
    vi.advanceTimersByTime(60_000)
    await put('b')
    // An error in place of a value that lives is remembered beside it.
    await still.transport.putError({ base: 'b', quote: 'USD' }, 502, 'no')
    vi.advanceTimersByTime(60_000)
    expect(await seen()).toEqual([
      { a: 0, b: 1 },
      { a: 120, b: 60 },
    ])
    vi.advanceTimersByTime(40_000)
    await still.transport.putError({ base: 'b', quote: 'USD' }, 502, 'no')
    expect(await seen()).toEqual([
      { a: 0, b: 0 },
      { a: 160, b: 100 },
    ])
    await put('a')
    expect(await seen()).toEqual([
      { a: 1, b: 0 },
      { a: 0, b: 100 },
    ])
    const [up] = await samples('feed_up')
    expect(up?.labels).toMatchObject({
      adapter_endpoint: 'price',
      participant_id: expect.stringContaining('price') as string,
    })
  })

  it('FR-5: the contract’s ages go on growing while errors are written in place of a value that is over, and read', async () => {
    await using started = await start(10)
    const { still, ask, valuesOf } = started
    const pair = { base: 'a', quote: 'USD' }
    await still.transport.put(pair, 1, AT - 100)
    await ask('a')
    for (const passedMs of [100_000, 200_000]) {
      vi.advanceTimersByTime(100_000)
      await still.transport.putError(pair, 502, 'no')
      await ask('a')
      expect(await valuesOf('cache_data_staleness_seconds')).toEqual({ a: passedMs })
      expect(await valuesOf('total_data_staleness_seconds')).toEqual({ a: passedMs + 100 })
    }
  })

  it('its age is of the newest value, whoever wrote that', async () => {
    await using started = await start(10)
    const { still, put, valuesOf } = started
    await put('a')
    vi.advanceTimersByTime(60_000)
    const [key] = [...still.local().cache.keys()]
    const timestamps = { providerDataStreamEstablishedUnixMs: 1, providerDataReceivedUnixMs: Date.now() }
    const value = {
      result: 2,
      data: { result: 2 },
      statusCode: 200,
      timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
    }
    await still.local().set(key!, value, 90_000)
    vi.advanceTimersByTime(5_000)
    expect([await valuesOf('feed_up'), await valuesOf('feed_age_seconds')]).toEqual([{ a: 1 }, { a: 5 }])
  })

  it('its age goes on by the machine’s own clock, wherever the wall clock goes', async () => {
    await using started = await start(10)
    const { put, valuesOf } = started
    await put('a')
    vi.advanceTimersByTime(30_000)
    for (const step of [-3_600_000, 3_600_000]) {
      vi.setSystemTime(Date.now() + step)
      expect((await valuesOf('feed_age_seconds'))['a']).toBeCloseTo(30, 3)
    }
  })

  it('feeds without series of their own share the worst of theirs', async () => {
    await using started = await start(1)
    const { put, valuesOf } = started
    for (const base of ['a', 'b', 'c']) {
      await put(base)
      vi.advanceTimersByTime(10_000)
    }
    expect(await valuesOf('feed_up')).toEqual({ a: 1, other: 1 })
    expect(await valuesOf('feed_age_seconds')).toEqual({ a: 30, other: 20 })
    vi.advanceTimersByTime(75_000)
    expect(await valuesOf('feed_up')).toEqual({ b: 0, other: 0 })
    expect(await valuesOf('feed_age_seconds')).toEqual({ b: 95, other: 105 })
  })
})

describe('OB-1: with more feeds than may have series of their own', () => {
  it('counters are of those that came first, and of all others together', async () => {
    await using started = await start(2)
    const { put, ask, valuesOf, samples } = started
    for (const base of ['a', 'b', 'c', 'd']) await put(base)
    for (const base of ['a', 'b', 'c', 'c', 'd']) await ask(base)
    expect(await valuesOf('cache_data_get_count')).toEqual({ a: 1, b: 1, other: 3 })
    expect(await valuesOf('cache_data_set_count')).toEqual({ a: 1, b: 1, other: 2 })
    expect(await valuesOf('http_requests_total')).toEqual({ a: 1, b: 1, other: 3 })
    const [other] = (await samples('cache_data_get_count')).filter(
      ({ labels }) => labels['feed_id'] === 'other',
    )
    expect(other?.labels).toMatchObject({ participant_id: 'other', cache_type: 'local' })
  })

  it('gauges are first of feeds that are down, and the rest shows its largest', async () => {
    await using started = await start(2)
    const { still, put, ask, valuesOf } = started
    for (const base of ['a', 'b', 'c']) await put(base)
    vi.advanceTimersByTime(89_000)
    for (const base of ['a', 'b', 'd']) await put(base)
    expect(Object.keys(await valuesOf('cache_data_max_age'))).toEqual(['a', 'b', 'other'])
    // The value of one is over, and another has an error in place of one.
    vi.advanceTimersByTime(1_000)
    for (const base of ['a', 'b']) await ask(base)
    expect(await valuesOf('cache_data_staleness_seconds')).toEqual({ c: 90_000, a: 1_000, other: 1_000 })
    vi.advanceTimersByTime(89_000)
    for (const base of ['a', 'b']) await put(base)
    await still.transport.putError({ base: 'd', quote: 'USD' }, 502, 'no')
    expect(Object.keys(await valuesOf('cache_data_staleness_seconds'))).toEqual(['c', 'd', 'other'])
    // There is no one price of many feeds.
    for (const base of ['a', 'b']) await ask(base)
    expect(await valuesOf('cache_data_get_values')).toEqual({})
    await put('c', 7)
    await put('d', 8)
    for (const base of ['c', 'd']) await ask(base)
    expect(await valuesOf('cache_data_get_values')).toEqual({ a: 1, b: 1 })
  })

  it('shows of too many that are down those that went down last', async () => {
    await using started = await start(2)
    const { put, valuesOf } = started
    for (const base of ['a', 'b', 'c', 'd']) {
      await put(base)
      vi.advanceTimersByTime(10)
    }
    vi.advanceTimersByTime(90_000)
    expect(Object.keys(await valuesOf('cache_data_staleness_seconds')).sort()).toEqual(['c', 'd', 'other'])
  })

  it('OB-2: no counter falls, whatever goes down, comes back or is forgotten, and all add up', async () => {
    await using started = await start(2)
    const { put, ask, valuesOf } = started
    const bases = ['a', 'b', 'c', 'd']
    let before: Record<string, number> = {}
    let asked = 0
    for (let round = 0; round < 4; round++) {
      for (const base of round === 2 ? ['a', 'b', 'c'] : bases) {
        await put(base)
        await ask(base)
        asked++
      }
      const now = await valuesOf('cache_data_get_count')
      for (const [feed, count] of Object.entries(before))
        expect(now[feed], feed).toBeGreaterThanOrEqual(count)
      expect(Object.values(now).reduce((sum, count) => sum + count, 0)).toBe(asked)
      before = now
      // In the third round one feed is not used, and is forgotten after it.
      vi.advanceTimersByTime(round === 2 ? 1_000 : 3_000_000)
    }
    expect(before).toEqual({ a: 4, b: 4, other: asked - 8 })
  })

  it('another feed gets the counters of one that is forgotten', async () => {
    await using started = await start(1)
    const { put, valuesOf } = started
    await put('a')
    await put('c')
    expect(await valuesOf('cache_data_set_count')).toEqual({ a: 1, other: 1 })
    vi.advanceTimersByTime(3_600_000)
    await put('b')
    expect(await valuesOf('cache_data_set_count')).toEqual({ b: 1, other: 1 })
  })
})
