import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getMetricsMeta } from '../../../src/public/metrics/util'
import { metrics } from '../../../src/metrics/registry'
import {
  connectionErrorLabels,
  messageSubsLabels,
  recordWsMessageSentMetrics,
  recordWsMessageSubMetrics,
} from '../../../src/public/transports/metrics'

const adapterSettings = {
  MAX_COMMON_KEY_SIZE: 300,
  FEED_ID_JSON: false,
  DEFAULT_CACHE_KEY: 'DEFAULT_CACHE_KEY',
} as never
const context = { endpointName: 'price', adapterSettings, inputParameters: {} as never }

const samples = async (key: 'wsMessageTotal' | 'wsSubscriptionTotal' | 'wsSubscriptionActive') => {
  const { values } = await metrics.get(key).get()
  return Object.fromEntries(
    values.map(({ labels, value }) => [
      `${String(labels.subscription_key)} ${String((labels as { direction?: string }).direction ?? '')}`.trim(),
      value,
    ]),
  )
}

beforeAll(() => metrics.initialize())

describe('labels of WebSocket metrics', () => {
  it('are those of the contract', () => {
    expect(connectionErrorLabels('refused')).toEqual({ message: 'refused' })
    expect(messageSubsLabels(context, { base: 'ETH', n: 1 })).toEqual({
      feed_id: '{"base":"eth","n":1}',
      subscription_key: 'price-{"base":"eth","n":1}',
    })
    expect(messageSubsLabels(context, {})).toEqual({ feed_id: 'N/A', subscription_key: 'price-N/A' })
  })
})

describe('the metrics meta of a request', () => {
  it('is its feed id', () => {
    expect(getMetricsMeta(context, { b: 'X', a: 'Y' })).toEqual({ feedId: '{"a":"y","b":"x"}' })
    expect(getMetricsMeta(context, {})).toEqual({ feedId: 'N/A' })
    const json = { adapterSettings: { ...(adapterSettings as object), FEED_ID_JSON: true } as never }
    expect(getMetricsMeta({ ...json, inputParameters: {} }, {})).toEqual({ feedId: '{}' })
  })
})

describe('what authors record of their sockets', () => {
  const stops: (() => void)[] = []
  afterAll(() => stops.forEach((stop) => stop()))

  it('is counted by feed, and stays beside what transports publish', async () => {
    const A = { base: 'A' }
    const key = (base: string) => `price-{"base":"${base}"}`
    recordWsMessageSentMetrics(context, [A, { base: 'B' }], [{ base: 'C' }])
    recordWsMessageSubMetrics(context, [A, { base: 'B' }], [{ base: 'C' }])
    recordWsMessageSubMetrics(context, [], [A])
    stops.push(
      metrics.publish('wsMessageTotal', (counter) => counter.inc({ direction: 'received' }, 7)),
      metrics.publish('wsSubscriptionActive', (gauge) =>
        gauge.set({ feed_id: 'f', subscription_key: 'other' }, 1),
      ),
    )
    for (let scrape = 0; scrape < 2; scrape++) {
      expect(await samples('wsMessageTotal')).toEqual({
        [`${key('a')} sent`]: 1,
        [`${key('b')} sent`]: 1,
        [`${key('c')} sent`]: 1,
        'undefined received': 7,
      })
      expect(await samples('wsSubscriptionTotal')).toEqual({ [key('a')]: 1, [key('b')]: 1 })
      expect(await samples('wsSubscriptionActive')).toEqual({
        [key('a')]: 0,
        [key('b')]: 1,
        [key('c')]: -1,
        other: 1,
      })
    }
  })

  it('OB-1: is bounded', async () => {
    for (let n = 0; n < 10_010; n++) recordWsMessageSentMetrics(context, [{ base: `many${n}` }], [])
    const { values } = await metrics.get('wsMessageTotal').get()
    expect(values.length).toBeLessThanOrEqual(10_001)
    expect(values.some(({ labels }) => labels.feed_id === '{"base":"many10009"}')).toBe(true)
  })
})
