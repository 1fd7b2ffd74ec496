import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAdapter } from '../../endpoints/bitfinex'
import { type ProviderConnection, serve, type WsProvider, wsProvider } from '../../src/testing'
import { eventually, PATIENT } from '../helpers/eventually'
import { refused, subscribed, ticker } from './bitfinex/messages'

const INFO = { event: 'info', version: 2, serverId: 'a', platform: { status: 1 } }
const CONF = { event: 'conf', flags: 32_768 }

type Sent = { event: string; symbol: string; chanId: number }
const subscribes = ({ event }: Sent) => event === 'subscribe'
const unsubscribes = ({ event }: Sent) => event === 'unsubscribe'

const start = (provider: WsProvider, env: Record<string, string> = {}) =>
  serve(createAdapter, {
    env: {
      BITFINEX_WS_API_ENDPOINT: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      ...PATIENT,
      ...env,
    },
  })

/** Greets, confirms the flags, and answers every subscribe with what the script sends. */
const market = (
  provider: WsProvider,
  script: (symbol: string, connection: ProviderConnection) => object[],
) => {
  provider.onConnection((connection) => connection.send(INFO))
  provider.onMessage((text, connection) => {
    const message = JSON.parse(text) as Sent
    if (message.event === 'conf') connection.send({ ...message, status: 'OK' })
    if (message.event === 'unsubscribe')
      connection.send({ event: 'unsubscribed', status: 'OK', chanId: message.chanId })
    if (subscribes(message)) for (const frame of script(message.symbol, connection)) connection.send(frame)
  })
}

const ids: Record<string, number> = { tBTCUSD: 1, tETHUSD: 2 }
const listed = (symbol: string) => [
  subscribed(symbol, ids[symbol]!),
  ticker(ids[symbol]!, 1000 * ids[symbol]!),
]

const ethUsd = { base: 'ETH', quote: 'USD' }
const btcUsd = { base: 'BTC', quote: 'USD' }

describe('the Bitfinex adapter', () => {
  it('waits for the greeting, asks for times, and serves a price with its book and time', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const asked = service.post(btcUsd)
    const connection = await provider.connection()
    expect(connection.received).toEqual([])
    connection.send(INFO)
    expect(await connection.nextJson()).toEqual(CONF)
    connection.send({ ...CONF, status: 'OK' })
    expect(await connection.nextJson()).toEqual({ event: 'subscribe', channel: 'ticker', symbol: 'tBTCUSD' })
    connection.send(subscribed('tBTCUSD', 71_182))
    const time = Date.now()
    connection.send(ticker(71_182, 36_699, time))
    const { statusCode, json } = await asked
    expect(statusCode).toBe(200)
    expect(json).toMatchObject({
      result: 36_699,
      data: { result: 36_699, bid: 36_698.75, mid: 36_699, ask: 36_699.25 },
      timestamps: { providerIndicatedTimeUnixMs: time },
    })
  })

  it('CN-10: subscribes without a greeting when none has come for five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider)
    void service.post(btcUsd)
    const connection = await provider.connection()
    const conf = connection.nextJson()
    let seconds = 0
    for (; connection.received.length === 0; seconds++) await vi.advanceTimersByTimeAsync(1_000)
    expect(await conf).toEqual(CONF)
    expect(seconds).toBeGreaterThanOrEqual(5)
  })

  it("ID-2: asks by the venue's codes, once, however clients spell the pair", async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, (symbol) => [subscribed(symbol, 7), ticker(7, 1000)])
    for (const base of ['eth', 'ETH', 'Eth'])
      expect((await service.post({ base, quote: 'usdt' })).json.result).toBe(1000)
    const connection = await provider.connection()
    const sent = connection.received.map((text) => JSON.parse(text) as Sent).filter(subscribes)
    expect(sent.map(({ symbol }) => symbol)).toEqual(['tETHUST'])
  })

  it('ID-1, ID-2: asks for USDe and USDE each as it is spelled, and refuses what may be either', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const listed: Record<string, [channel: number, price: number]> = {
      'tUSDe:USD': [7, 1],
      'tUSDE:USD': [8, 777],
    }
    market(provider, (symbol) => {
      const [channel, price] = listed[symbol]!
      return [subscribed(symbol, channel), ticker(channel, price)]
    })
    expect((await service.post({ base: 'USDe', quote: 'USD' })).json.result).toBe(1)
    expect((await service.post({ base: 'USDE', quote: 'USD' })).json.result).toBe(777)
    const { statusCode, json } = await service.post({ base: 'usde', quote: 'USD' })
    expect(statusCode).toBe(400)
    expect(json.error.message).toContain('USDe, USDE')
  })

  it("ID-1: refuses a venue's code that is another asset's name", async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const { statusCode, json } = await service.post({ base: 'amp', quote: 'USD' })
    expect(statusCode).toBe(400)
    expect(json.error.message).toBe(`[Param: base] "AMP" is Bitfinex's code for AMPL: ask for AMPL`)
    expect(provider.handshakes).toBe(0)
  })

  it('ID-3: never mixes pairs when the next connection gives their channel numbers to others', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const solUsd = { base: 'SOL', quote: 'USD' }
    const numbers: Record<string, number> = { tBTCUSD: 1, tETHUSD: 2, tSOLUSD: 3 }
    market(provider, (symbol, { index }) => {
      if (index === 0)
        return [subscribed(symbol, numbers[symbol]!), ticker(numbers[symbol]!, 1000 * numbers[symbol]!)]
      // Here the numbers of the others come without a word about whose they are now.
      return symbol === 'tSOLUSD'
        ? [ticker(1, 666), ticker(2, 666), subscribed(symbol, 1), ticker(1, 3001)]
        : []
    })
    for (const feed of [btcUsd, ethUsd, solUsd]) expect((await service.post(feed)).statusCode).toBe(200)
    const first = await provider.connection()
    first.close(1001)
    await service.until(solUsd, ({ json }) => json.result === 3001)
    expect((await service.post(btcUsd)).json.result).toBe(1000)
    expect((await service.post(ethUsd)).json.result).toBe(2000)
    expect(await service.metric('data_refused_total', { app_name: 'BITFINEX', reason: 'unknown-feed' })).toBe(
      2,
    )
  })

  it('SB-2: asks again for every pair after Bitfinex says that it stops', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, listed)
    await service.post(btcUsd)
    await service.post(ethUsd)
    const first = await provider.connection()
    first.send({ event: 'info', code: 20051, msg: 'Stopping. Please try to reconnect' })
    const second = await provider.connection()
    expect((await second.nextJson(subscribes)).symbol).toBe('tBTCUSD')
    expect((await second.nextJson(subscribes)).symbol).toBe('tETHUSD')
    expect((await first.closed).code).toBe(1000)
  })

  it('FR-1: serves no price of a venue in maintenance, says so, and begins anew afterwards', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, listed)
    expect((await service.post(btcUsd)).statusCode).toBe(200)
    const connection = await provider.connection()
    connection.send({ event: 'info', code: 20060, msg: 'Entering in Maintenance mode.' })
    const { json } = await service.until(btcUsd, ({ statusCode }) => statusCode === 502)
    expect(json.errorMessage).toBe('Bitfinex is in maintenance')
    let asked = 0
    const next = service.until(btcUsd, () => ++asked > 1)
    connection.send(ticker(1, 1))
    expect((await next).statusCode).toBe(502)
    expect(connection.isOpen).toBe(true)
    connection.send({ event: 'info', code: 20061, msg: 'Maintenance is over' })
    const again = await service.until(btcUsd, ({ statusCode }) => statusCode === 200)
    expect(again.json.result).toBe(1000)
    expect(provider.connections).toHaveLength(2)
  })

  it('FR-1: does not begin in maintenance, and says so', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider, { CACHE_POLLING_MAX_RETRIES: '0' })
    provider.onConnection((connection) => connection.send({ ...INFO, platform: { status: 0 } }))
    await eventually(async () => {
      const { statusCode, json } = await service.post(btcUsd)
      expect(statusCode).toBe(504)
      expect(json.error.reason.message).toBe('The open handler failed: Bitfinex is in maintenance')
    })
    expect((await provider.connection()).received).toEqual([])
  })

  it('ER-4: asks again for a refused pair after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' })
    let isFull = true
    market(provider, (symbol) => (isFull ? [refused(symbol, 10305, 'subscribe: limit')] : listed(symbol)))
    expect((await service.post(btcUsd)).json.errorMessage).toBe('subscribe: limit')
    isFull = false
    vi.advanceTimersByTime(70_000)
    const { json } = await service.until(btcUsd, ({ statusCode }) => statusCode === 200)
    expect(json.result).toBe(1000)
  })

  it('SB-4: unsubscribes by channel, and closes when nobody asks for anything', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' })
    market(provider, listed)
    await service.post(btcUsd)
    vi.advanceTimersByTime(100_000)
    await service.post(ethUsd)
    vi.advanceTimersByTime(30_000)
    const connection = await provider.connection()
    expect(await connection.nextJson(unsubscribes)).toEqual({ event: 'unsubscribe', chanId: 1 })
    vi.advanceTimersByTime(100_000)
    expect((await connection.closed).code).toBe(1000)
  })

  it('SB-4: unsubscribes a pair that is not wanted any more as soon as its channel is known', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, {
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
      CACHE_POLLING_MAX_RETRIES: '0',
    })
    market(provider, (symbol) => (symbol === 'tBTCUSD' ? [] : listed(symbol)))
    expect((await service.post(btcUsd)).statusCode).toBe(504)
    const connection = await provider.connection()
    await connection.nextJson(subscribes)
    vi.advanceTimersByTime(100_000)
    await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    vi.advanceTimersByTime(30_000)
    // Asked for after the expiry of the other: when it is subscribed, the pass that dropped the other is over.
    await service.post({ base: 'SOL', quote: 'USD' })
    await connection.nextJson<Sent>(({ symbol }) => symbol === 'tSOLUSD')
    connection.send(subscribed('tBTCUSD', 1))
    expect(await connection.nextJson(unsubscribes)).toEqual({ event: 'unsubscribe', chanId: 1 })
  })

  it('SB-1: adopts a channel that is subscribed already, although Bitfinex does not say its number', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, (symbol) =>
      symbol === 'tBTCUSD'
        ? [refused(symbol, 10301, 'subscribe: dup'), ticker(71_182, 1000)]
        : listed(symbol),
    )
    expect((await service.post(ethUsd)).json.result).toBe(2000)
    expect((await service.post(btcUsd)).json.result).toBe(1000)
    expect((await service.post(ethUsd)).json.result).toBe(2000)
  })

  it('SB-1, ID-3: asks anew for channels without a number where they could be of several pairs', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const ended = new Set<number>()
    const elder: Record<string, number> = { tBTCUSD: 71, tETHUSD: 72 }
    provider.onMessage((text) => {
      const { event, chanId } = JSON.parse(text) as Sent
      if (event === 'unsubscribe') ended.add(chanId)
    })
    market(provider, (symbol) =>
      ended.has(elder[symbol]!) ? listed(symbol) : [refused(symbol, 10301, 'subscribe: dup')],
    )
    const answers = Promise.all([service.post(btcUsd), service.post(ethUsd)])
    const connection = await provider.connection()
    for (const symbol of ['tBTCUSD', 'tETHUSD'])
      await connection.nextJson<Sent>((sent) => sent.symbol === symbol)
    for (const chanId of [71, 72]) connection.send(ticker(chanId, 666))
    for (const chanId of [71, 72])
      await connection.nextJson<Sent>((sent) => unsubscribes(sent) && sent.chanId === chanId)
    expect((await answers).map(({ json }) => json.result as number)).toEqual([1000, 2000])
  })

  it('FR-3: keeps a quiet pair alive by the heartbeats of its channel, and only that, also where the mid is served', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, {
      CACHE_POLLING_MAX_RETRIES: '0',
      WS_SUBSCRIPTION_TTL: '3600000',
    })
    let isOpen = true
    market(provider, (symbol) => {
      const [opened, price] = listed(symbol)
      // The last trade lies outside of the book.
      ;(price as [number, number[]])[1][6] = 5
      return isOpen ? [opened!, price!] : []
    })
    for (const feed of [btcUsd, ethUsd]) await service.until(feed, ({ statusCode }) => statusCode === 200)
    isOpen = false
    const connection = await provider.connection()
    for (let at = 0; at < 8; at++) {
      vi.advanceTimersByTime(15_000)
      connection.send([1, 'hb'])
      connection.send([2, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Date.now()])
      await eventually(async () =>
        expect(
          await service.metric('data_refused_total', { app_name: 'BITFINEX', reason: 'not-positive' }),
        ).toBe(at + 1),
      )
      expect((await service.post(btcUsd)).json.result).toBe(1000)
    }
    const { statusCode, json } = await service.post(ethUsd)
    expect(statusCode).toBe(504)
    expect(json.error.reason).toMatchObject({
      code: 'REFUSED_VALUE',
      message: 'The last value was refused: not-positive',
    })
  })
})
