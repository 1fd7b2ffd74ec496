import { afterEach, describe, expect, it, vi } from 'vitest'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { eventually } from '../helpers/eventually'
import { stillAdapter } from '../http/support'
import { config, ETH, run, subscribe, tick, type Types } from '../transports/websocket/support'

const AT = 1_700_000_000_000

afterEach(() => void vi.useRealTimers())

const samplesOf = async (metric: string, app: string) =>
  parseSamples(await renderMetrics()).filter(
    ({ name, labels }) => name === metric && labels['app_name'] === app,
  )

const downOf = async (app: string): Promise<Record<string, number>> => {
  const samples = await samplesOf('feeds_down', app)
  return Object.fromEntries(samples.map(({ labels, value }) => [String(labels['reason_class']), value]))
}

describe('without a request, the metrics', () => {
  it('count the wanted feeds that are down, by the class of the reason, until nobody wants them', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: AT })
    const still = stillAdapter({ adapter: { name: 'DOWN' } })
    const env = { CACHE_POLLING_MAX_RETRIES: '0', CACHE_MAX_AGE: '5000' }
    await using service = await serve(still.adapter, { env })
    expect(await samplesOf('feeds_wanted', 'DOWN')).toMatchObject([
      { labels: { adapter_endpoint: 'price' }, value: 0 },
    ])
    expect(await downOf('DOWN')).toEqual({})
    for (const base of ['up', 'new', 'old', 'error']) await service.post({ base, quote: 'USD' })
    await still.transport.put({ base: 'old', quote: 'USD' }, 1)
    vi.advanceTimersByTime(6_000)
    await still.transport.put({ base: 'up', quote: 'USD' }, 1)
    await still.transport.putError({ base: 'error', quote: 'USD' }, 401, 'no')
    // One that nobody has asked for.
    await still.transport.putError({ base: 'unasked', quote: 'USD' }, 502, 'no')
    expect(await samplesOf('feeds_wanted', 'DOWN')).toMatchObject([{ value: 4 }])
    expect(await downOf('DOWN')).toEqual({ starting: 1, stale: 1, auth: 1 })
    const [first] = await samplesOf('feeds_down', 'DOWN')
    expect(first?.labels).toMatchObject({ app_name: 'DOWN', adapter_endpoint: 'price' })
    vi.advanceTimersByTime(60_000)
    expect(await samplesOf('feeds_wanted', 'DOWN')).toMatchObject([{ value: 0 }])
    expect(await downOf('DOWN')).toEqual({})
    await service.stop()
    expect(await samplesOf('feeds_wanted', 'DOWN')).toEqual([])
  })

  it('say that the network is to blame where the provider is gone', async () => {
    await using provider = await wsProvider()
    await using service = await run(new WebSocketTransport<Types>(config(provider.url)), {
      CACHE_MAX_AGE: '1000',
    })
    const asked = service.post(ETH)
    const connection = await provider.connection()
    expect(await connection.next()).toBe(subscribe(ETH)[0])
    connection.send(tick(ETH))
    await asked
    expect(await downOf('TEST')).toEqual({})
    await provider.stop()
    await eventually(async () => expect(await downOf('TEST')).toEqual({ network: 1 }))
  })
})
