import { describe, expect, it } from 'vitest'
import { type ExplainAnswer } from '../../src/http/explain-answer'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { isWaiting } from '../../src/transports/capabilities'
import { eventually, PATIENT } from '../helpers/eventually'
import { JSON_HEADERS } from '../http/support'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, start as startSse } from './sse/support'
import { startBatching, Venue } from './websocket/batch-rig'

const ON = { ...PATIENT, EXPLAIN_ENABLED: 'true' }

const explain = async (service: Pick<Served, 'api'>, data: object): Promise<ExplainAnswer> => {
  const ask = { method: 'POST', url: '/explain', headers: JSON_HEADERS, payload: { data } } as const
  return (await service.api.inject(ask)).json<ExplainAnswer>()
}

describe('a feed is explained', () => {
  it('OB-3: over HTTP, with the last answer from the first question on', async () => {
    await using provider = await httpProvider(() => ({ body: { price: 5 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...ON, RATE_LIMIT_CAPACITY_SECOND: '1000' },
    })
    const data = { base: 'ETH' }
    await service.post(data)
    expect((await explain(service, data)).transports).toMatchObject([
      { isWanted: true, subscription: { state: 'polled' }, connections: [] },
    ])
    await eventually(async () =>
      expect((await explain(service, data)).transports[0]?.record?.text).toBe('{"price":5}'),
    )
  })

  it('OB-3: over server-sent events', async () => {
    await using provider = await SseProvider.start()
    await using service = await startSse(sseConfig(provider.url), ON)
    const data = { base: 'ETH' }
    await explain(service, data)
    const asked = service.post(data)
    const stream = await provider.connection(0)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    expect((await asked).json).toMatchObject({ result: 5 })
    expect(await explain(service, data)).toMatchObject({
      state: 'fresh',
      transports: [{ connections: [{ state: 'open' }], record: { text: '[{"base":"ETH","price":5}]' } }],
    })
  })

  it('OB-3: with what the provider has answered to its subscription, where it does', async () => {
    await using provider = await wsProvider()
    const venue = new Venue(provider, false)
    venue.mannerOf = (symbol) => (symbol === 'S1' ? 'lose' : symbol === 'S2' ? 'refuse' : 'accept')
    await using service = await startBatching(venue, { EXPLAIN_ENABLED: 'true' })
    const symbols = ['S0', 'S1', 'S2']
    await Promise.all(symbols.map((s) => service.post({ s })))
    const states = async () => {
      const answers = await Promise.all(symbols.map((s) => explain(service, { s })))
      return answers.map(({ transports: [part] }) => part?.subscription?.state)
    }
    await eventually(async () => expect(await states()).toEqual(['acknowledged', 'sent', 'refused']))
    venue.tick()
    await eventually(async () => expect(await states()).toEqual(['ticking', 'sent', 'refused']))
    expect(await explain(service, { s: 'S2' })).toMatchObject({
      state: 'error',
      error: { errorMessage: 'S2 is not listed' },
    })
  })
})

describe('a run over HTTP', () => {
  it('LC-7: waits with reason while a request waits for its turn', async () => {
    await using provider = await httpProvider(() => ({ body: { price: 5 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { CACHE_POLLING_MAX_RETRIES: '0', RATE_LIMIT_CAPACITY_MINUTE: '1' },
    })
    const transport = service.adapter.endpoints[0]!.transportRoutes.get('default_single_transport')
    expect(isWaiting(transport)).toBe(false)
    for (const base of ['A', 'B', 'C']) await service.post({ base })
    await eventually(() => expect(isWaiting(transport)).toBe(true))
  })
})
