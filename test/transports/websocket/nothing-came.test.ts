import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { type Reason } from '../../../src/validation/reason'
import { eventually } from '../../helpers/eventually'
import { inTime } from './in-time'
import { BTC, config, ETH, FAKED, type Params, type Running, start, subscribe, tick } from './support'

const AT = Date.parse('2026-03-01T12:00:00.000Z')
const ENV = { WS_SUBSCRIPTION_TTL: '3600000', CACHE_POLLING_MAX_RETRIES: '0' }

beforeEach(() => void vi.useFakeTimers({ ...FAKED, now: AT }))
afterEach(() => void vi.useRealTimers())

const reasonOf = async (service: Running, params: Params) =>
  (await service.post(params)).json.error?.reason as Reason | undefined

const SOL = { base: 'SOL', quote: 'USD' }
const isoOf = (unixMs: number) => new Date(unixMs).toISOString()

describe('a client that waits for a feed for which nothing came', () => {
  it('is told since when it is connected and subscribed, and how much has come', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), ENV)
    await service.post(BTC)
    await inTime(() => provider.connections[0]?.received.length === 1)
    const openedAt = service.transport.connectionOpenedAt
    await vi.advanceTimersByTimeAsync(5_000)
    await service.post(ETH)
    await inTime(() => provider.connections[0]!.received.length === 2)
    const subscribedAt = Date.now()
    expect(subscribedAt).toBeGreaterThan(openedAt)
    provider.connections[0]!.send(tick(BTC))
    provider.connections[0]!.send({})
    await eventually(() => expect(service.transport.lastMessageReceivedAt).toBe(Date.now()))
    await eventually(async () =>
      expect(await reasonOf(service, ETH)).toEqual({
        code: 'NO_DATA',
        class: 'provider',
        message:
          `Connected since ${isoOf(openedAt)}, this feed subscribed since ${isoOf(subscribedAt)}; ` +
          'received on this connection so far: 2 messages, for this feed 0 values',
        sinceUnixMs: subscribedAt,
      }),
    )
  })

  it('is told so of the present connection alone', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), ENV)
    await service.post(ETH)
    const first = await provider.connection(0)
    await inTime(() => first.received.length === 1)
    for (let n = 0; n < 3; n++) first.send({})
    await eventually(async () => expect((await reasonOf(service, ETH))?.message).toContain('3 messages'))
    first.close(1001)
    await inTime(() => provider.connections[1]?.received.length === 1)
    const at = Date.now()
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
