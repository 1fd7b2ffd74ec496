import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { serve } from '../../../src/testing/serve'
import { CompositeTransport } from '../../../src/transports/composite-transport'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { wsProvider } from '../../../src/testing/ws-provider'
import { type Reason } from '../../../src/validation/reason'
import { eventually } from '../../helpers/eventually'
import { inTime } from './in-time'
import {
  BTC,
  type Config,
  config,
  ETH,
  FAKED,
  inputParameters,
  loggerFactory,
  type Params,
  type Running,
  start,
  subscribe,
  tick,
  type Types,
} from './support'

const AT = Date.parse('2026-03-01T12:00:00.000Z')
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_POLLING_MAX_RETRIES: '0' }

beforeEach(() => void vi.useFakeTimers({ ...FAKED, now: AT }))
afterEach(() => void vi.useRealTimers())

const reasonOf = async (service: Running, params: Params) =>
  (await service.post(params)).json.error?.reason as Reason | undefined

const SOL = { base: 'SOL', quote: 'USD' }
const isoOf = (unixMs: number) => new Date(unixMs).toISOString()

/** When each feed was subscribed last. */
const subscribedAt = new Map<string, number>()
const noting = (url: string, changes: Partial<Config> = {}): Config => {
  const of = config(url, changes)
  const subscribeMessage = (params: Params) => {
    subscribedAt.set(params.base, Date.now())
    return subscribe(params)[0]
  }
  return { ...of, builders: { ...of.builders, subscribeMessage } }
}

describe('a client that waits for a feed for which nothing came', () => {
  it('is told since when it is connected and subscribed, and how much has come', async () => {
    await using provider = await wsProvider()
    await using service = await start(noting(provider.url), ENV)
    await service.post(BTC)
    await inTime(() => provider.connections[0]?.received.length === 1)
    const openedAt = service.transport.connectionOpenedAt
    await vi.advanceTimersByTimeAsync(5_000)
    await service.post(ETH)
    await inTime(() => provider.connections[0]!.received.length === 2)
    const at = subscribedAt.get('ETH')!
    expect(at).toBeGreaterThan(openedAt)
    provider.connections[0]!.send(tick(BTC))
    provider.connections[0]!.send({})
    await eventually(() => expect(service.transport.lastMessageReceivedAt).toBe(Date.now()))
    await eventually(async () =>
      expect(await reasonOf(service, ETH)).toEqual({
        code: 'NO_DATA',
        class: 'provider',
        message:
          `Connected since ${isoOf(openedAt)}, this feed subscribed since ${isoOf(at)}; ` +
          'received on this connection so far: 2 messages, for this feed 0 values',
        sinceUnixMs: at,
      }),
    )
  })

  it('is told so of the present connection alone', async () => {
    await using provider = await wsProvider()
    await using service = await start(noting(provider.url), ENV)
    await service.post(ETH)
    const first = await provider.connection(0)
    await inTime(() => first.received.length === 1)
    for (let n = 0; n < 3; n++) first.send({})
    await eventually(async () => expect((await reasonOf(service, ETH))?.message).toContain('3 messages'))
    first.close(1001)
    await inTime(() => provider.connections[1]?.received.length === 1)
    const at = subscribedAt.get('ETH')
    provider.connections[1]!.send({})
    await eventually(async () => {
      const reason = await reasonOf(service, ETH)
      expect(reason).toMatchObject({ code: 'NO_DATA', sinceUnixMs: at })
      expect(reason?.message).toContain(': 1 message, for this feed 0 values')
    })
  })

  it('is told that it is early, while the feed is not subscribed yet', async () => {
    await using provider = await wsProvider()
    await using service = await start(
      config(provider.url, { limits: { messages: { count: 1, perMs: 60_000 } } }),
      ENV,
    )
    await service.post(BTC)
    await inTime(() => provider.connections[0]?.received.length === 1)
    await service.post(ETH)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await reasonOf(service, BTC)).toMatchObject({ code: 'NO_DATA' })
    expect(await reasonOf(service, ETH)).toMatchObject({
      code: 'NO_DATA_YET',
      message: expect.stringContaining('this feed not yet subscribed') as string,
      sinceUnixMs: service.transport.connectionOpenedAt,
    })
    expect(provider.connections[0]!.received).toEqual(subscribe(BTC))
  })

  it('is told so of the further connection that its feed is on', async () => {
    await using provider = await wsProvider()
    const limits = { subscriptionsPerConnection: 1 }
    await using service = await start(noting(provider.url, { limits }), ENV)
    await service.post(BTC)
    await inTime(() => provider.connections[0]?.received.length === 1)
    await service.post(ETH)
    await inTime(() => provider.connections[1]?.received.length === 1)
    const at = subscribedAt.get('ETH')!
    provider.connections[0]!.send({})
    for (let n = 0; n < 2; n++) provider.connections[1]!.send({})
    const said = `, this feed subscribed since ${isoOf(at)}; received on this connection so far: 2 messages, `
    await eventually(async () =>
      expect(await reasonOf(service, ETH)).toMatchObject({
        code: 'NO_DATA',
        message: expect.stringContaining(said) as string,
        sinceUnixMs: at,
      }),
    )
  })

  it('is told so where several transports act as one', async () => {
    await using silent = await wsProvider()
    await using other = await wsProvider()
    const [a, b] = [silent, other].map(({ url }) => new WebSocketTransport<Types>(config(url)))
    const transport = new CompositeTransport({ a: a!, b: b! })
    const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
    const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
    await using service = await serve(make, { env: ENV, dependencies: { loggerFactory } })
    await service.post(ETH)
    await inTime(() => [silent, other].every(({ connections: [one] }) => one?.received.length === 1))
    const { code, message } = (await service.post(ETH)).json.error.reason as Reason
    expect(code).toBe('NO_DATA')
    expect(message).toMatch(/^a: Connected since .* 0 values; b: Connected since .* 0 values$/)
  })

  it('is told of a refused value, a stale one and a lost connection before that', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), { ...ENV, CACHE_MAX_AGE: '10000' })
    const codeOf = async (params: Params) => (await reasonOf(service, params))?.code
    for (const feed of [ETH, BTC, SOL]) await service.post(feed)
    const connection = await provider.connection(0)
    await inTime(() => connection.received.length === 3)
    expect(await codeOf(ETH)).toBe('NO_DATA')
    connection.send('{"ticks":[{"base":"ETH","quote":"USD","price":1e999}]}')
    connection.send(tick(BTC, 3))
    await eventually(async () => expect((await service.post(BTC)).json).toMatchObject({ result: 3 }))
    await vi.advanceTimersByTimeAsync(10_500)
    const codes = await Promise.all([ETH, BTC, SOL].map(codeOf))
    expect(codes).toEqual(['REFUSED_VALUE', 'STALE_VALUE', 'NO_DATA'])
    provider.refuse()
    connection.close(1001)
    await inTime(() => provider.handshakes > 1)
    await eventually(async () => expect(await codeOf(SOL)).toBe('HANDSHAKE_REFUSED'))
  })

  it('is told of the silence before that, when it has been asked for again while others tick', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), ENV)
    for (const feed of [ETH, BTC]) await service.post(feed)
    const connection = await provider.connection(0)
    await inTime(() => connection.received.length === 2)
    const ticking = setInterval(() => connection.send(tick(BTC)), 500)
    await inTime(() => connection.received.length > 2)
    clearInterval(ticking)
    expect(connection.received.slice(2)).toContain(subscribe(ETH)[0])
    expect((await reasonOf(service, ETH))?.code).toBe('SILENT')
  })
})
