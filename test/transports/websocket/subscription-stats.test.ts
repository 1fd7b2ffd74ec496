import { beforeEach, expect, it } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { renderMetrics } from '../../../src/metrics/render'
import { parseSamples } from '../../../src/testing/samples'
import { SubscriptionStats } from '../../../src/transports/websocket/subscription-stats'

beforeEach(() => metrics.initialize())

const context = { endpointName: 'price', adapterSettings: { DEFAULT_CACHE_KEY: 'none', FEED_ID_JSON: false } }

const seriesOf = async (
  series: string,
  stats: SubscriptionStats,
): Promise<Record<string, number | undefined>> => {
  const samples = parseSamples(await renderMetrics()).filter(({ name }) => name === series)
  stats.stop()
  return Object.fromEntries(samples.map(({ labels, value }) => [labels['feed_id'] ?? '', value]))
}

it.each([
  ['ws_subscription_active', { '{"id":1}': 0, '{"id":2}': 1 }],
  ['ws_subscription_total', { '{"id":1}': 1, '{"id":2}': 2 }],
  ['ws_message_total', { '{"id":1}': 1, '{"id":2}': 2 }],
])('a feed that a new connection no longer has keeps its %s', async (series, expected) => {
  const stats = new SubscriptionStats()
  stats.publish('TEST', 100_000)
  stats.subscribed(context, [{ id: 1 }, { id: 2 }], true)
  stats.keepOnly(context, [{ id: 2 }])
  stats.subscribed(context, [{ id: 2 }], true)
  expect(await seriesOf(series, stats)).toEqual(expected)
})

it('forgets the first of very many feeds that have ended, and none that is subscribed', async () => {
  const stats = new SubscriptionStats()
  stats.publish('TEST', 100_000)
  stats.subscribed(context, [{ id: 'kept' }], true)
  for (let id = 0; id < 10_001; id++) {
    stats.subscribed(context, [{ id }], true)
    stats.unsubscribed(context, [{ id }], true)
  }
  const active = await seriesOf('ws_subscription_active', stats)
  expect(Object.keys(active)).toHaveLength(10_001)
  expect(['{"id":"kept"}', '{"id":0}', '{"id":1}'].map((id) => active[id])).toEqual([1, undefined, 0])
})

it('OB-1: the first feeds have series of their own, and all others share one, whose counters never fall', async () => {
  const stats = new SubscriptionStats()
  stats.publish('TEST', 2)
  const ids = (...of: number[]) => of.map((id) => ({ id }))
  stats.subscribed(context, ids(1, 2, 3, 4), true)
  stats.unsubscribed(context, ids(4), true)
  stats.subscribed(context, ids(4), false)
  stats.unsubscribed(context, ids(4), false)
  const samples = parseSamples(await renderMetrics())
  const valuesOf = (series: string) =>
    Object.fromEntries(
      samples
        .filter(({ name }) => name === series)
        .map(({ labels, value }) => [labels['subscription_key'], value]),
    ) as Record<string, number>
  expect(valuesOf('ws_subscription_active')).toEqual({
    'price-{"id":1}': 1,
    'price-{"id":2}': 1,
    'price-other': 1,
  })
  expect(valuesOf('ws_subscription_total')).toMatchObject({ 'price-{"id":2}': 1, 'price-other': 3 })
  expect(valuesOf('ws_message_total')).toMatchObject({ 'price-{"id":2}': 1, 'price-other': 3 })
  // One that has ended leaves its series to a new one.
  stats.unsubscribed(context, ids(1), true)
  stats.subscribed(context, ids(5), true)
  const total = await seriesOf('ws_subscription_total', stats)
  expect(total).toEqual({ '{"id":2}': 1, '{"id":5}': 1, other: 3 })
})
