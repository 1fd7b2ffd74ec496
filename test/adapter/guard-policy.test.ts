import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type GuardOptions } from '../../src/feeds/guards'
import { serve, wsProvider, type WsProvider } from '../../src/testing'
import { type Transport } from '../../src/transports/transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { PATIENT } from '../helpers/eventually'
import { stillAdapter } from '../http/support'
import { holdClock, pass } from '../service/feed-limits-support'
import {
  config,
  ETH,
  inputParameters,
  linesAt,
  logged,
  loggerFactory,
  tick,
  type Types,
} from '../transports/websocket/support'

const endpointOf = (url: string, guards: GuardOptions) =>
  new AdapterEndpoint<Types>({
    name: 'price',
    transport: new WebSocketTransport<Types>(config(url)) as unknown as Transport<Types>,
    inputParameters,
    guards,
  })

const served = (provider: WsProvider, guards: GuardOptions) => {
  const endpoint = endpointOf(provider.url, guards)
  return serve(() => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }), {
    env: { ...PATIENT, METRICS_ENABLED: 'true' },
    dependencies: { loggerFactory },
  })
}

/** An adapter whose values and clock come from the test. */
const heldStill = async (guards: GuardOptions) => {
  holdClock()
  onTestFinished(() => void vi.useRealTimers())
  const { adapter, transport } = stillAdapter({ endpoint: { guards: { onlyWanted: false, ...guards } } })
  const service = await serve(adapter, {
    env: { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'true' },
    dependencies: { loggerFactory },
  })
  return {
    put: (price: number) => transport.put(ETH, price),
    answer: async () => {
      const { statusCode, json } = await service.post(ETH)
      return [statusCode, json.result ?? json.error?.reason?.message] as unknown
    },
    metric: service.metric.bind(service),
    [Symbol.asyncDispose]: () => service.stop(),
  }
}

describe('a value that a guard is against', () => {
  it('is served and counted with the policy flag', async () => {
    await using provider = await wsProvider()
    await using service = await served(provider, { max: 1_000, policy: { 'out-of-range': 'flag' } })
    provider.onMessage((_text, connection) => connection.send(tick(ETH, 5_000)))
    const { json } = await service.until(ETH, ({ json: { result } }) => result === 5_000)
    expect(json).toMatchObject({ statusCode: 200, result: 5_000 })
    expect(await service.metric('data_reported_total', { reason: 'out-of-range' })).toBe(1)
    expect(await service.metric('data_refused_total', { reason: 'out-of-range' })).toBeUndefined()
  })

  it('ends the last good one after its time with the policy hold, and clients are told why', async () => {
    await using still = await heldStill({ max: 1_000, policy: { 'out-of-range': 'hold' }, maxHoldMs: 5_000 })
    await still.put(100)
    await still.put(5_000)
    await pass(4_999)
    expect(await still.answer()).toEqual([200, 100])
    await pass(1)
    expect(await still.answer()).toEqual([504, 'The last value was refused: out-of-range'])
    expect(await still.metric('data_refused_total', { reason: 'out-of-range' })).toBe(1)
    expect(await still.metric('data_reported_total', { reason: 'out-of-range' })).toBeUndefined()
  })

  it('is named with its flag after it has ended', async () => {
    await using still = await heldStill({ max: 1_000, policy: { 'out-of-range': 'flag' }, maxAgeMs: 5_000 })
    logged.length = 0
    await still.put(5_000)
    expect(await still.answer()).toEqual([200, 5_000])
    expect(linesAt('debug')).toContain('Served what a guard is against')
    expect(linesAt('debug')).not.toContain('Refused what the provider sent')
    await pass(5_000)
    expect(await still.answer()).toEqual([
      504,
      'The last value is stale: it came 5 s ago and was good for 5 s; it was flagged: out-of-range',
    ])
  })

  it('cannot be flagged by an endpoint that is made where it is no number, or of no possible time', () => {
    for (const name of ['not-finite', 'missing', 'not-a-number', 'impossible-time', 'future'] as const)
      expect(() => endpointOf('ws://127.0.0.1', { policy: { [name]: 'flag' } })).toThrow(
        `Endpoint "price": guards.policy: "${name}" may not be flagged`,
      )
    expect(() => endpointOf('ws://127.0.0.1', { policy: { 'to-old': 'hold' } as never })).toThrow(
      '"to-old" is no guard',
    )
  })
})
