import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAdapter } from '../../endpoints/kraken'
import { createPriceEndpoint } from '../../endpoints/kraken/price'
import { type ProviderConnection, serve, type WsProvider, wsProvider } from '../../src/testing'
import { PATIENT } from '../helpers/eventually'
import { bench, expectedOf, expectPrices, frameOf, type Pair, titled } from './vectors'

const TIME = '2026-10-03T20:58:33.794283Z'

const ticker = (symbol: string, rest: object = {}) => ({
  channel: 'ticker',
  type: 'snapshot',
  data: [{ symbol, bid: 1800.25, ask: 1800.75, last: 1800.5, timestamp: new Date().toISOString(), ...rest }],
})

const accepted = (symbol: string, req_id: number) => ({
  method: 'subscribe',
  result: { channel: 'ticker', event_trigger: 'bbo', snapshot: true, symbol },
  success: true,
  req_id,
})

const refused = (symbol: string, req_id: number) => ({
  error: `Currency pair not supported ${symbol}`,
  method: 'subscribe',
  success: false,
  symbol,
  req_id,
})

const status = (system: string) => ({ channel: 'status', type: 'update', data: [{ system }] })

type Sent = { method: string; params: { symbol: string[] }; req_id: number }
const subscribes = ({ method }: Sent) => method === 'subscribe'

const start = (provider: WsProvider, env: Record<string, string> = {}) =>
  serve(createAdapter, {
    env: {
      KRAKEN_WS_API_ENDPOINT: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      ...PATIENT,
      ...env,
    },
  })

/** Greets, and answers every symbol that is asked for with the frames of the script. */
const market = (
  provider: WsProvider,
  script: (symbol: string, reqId: number, connection: ProviderConnection) => object[],
) => {
  provider.onConnection((connection) => connection.send(status('online')))
  provider.onMessage((text, connection) => {
    const message = JSON.parse(text) as Sent
    if (!subscribes(message)) return
    for (const symbol of message.params.symbol)
      for (const frame of script(symbol, message.req_id, connection)) connection.send(frame)
  })
}

const listed = (symbol: string, reqId: number) => [accepted(symbol, reqId), ticker(symbol)]

const ethUsd = { base: 'ETH', quote: 'USD' }
const btcUsd = { base: 'BTC', quote: 'USD' }

describe('the frames of Kraken', () => {
  it.each(titled('in', 'kraken'))('become the price they hold, or none: %s', (_title, vector) => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    const expected = expectedOf(vector)
    subscribe(btcUsd, { base: 'ANET.x', quote: 'USD' }, ...expected)
    expectPrices(receive(vector.frame), expected)
  })

  it.each(titled('in', 'coinbase', 'bitfinex'))(
    'ID-3: are told from those of other venues: %s',
    (_title, one) => {
      const { subscribe, receive } = bench(createPriceEndpoint())
      subscribe(btcUsd, ethUsd)
      expect(receive(one.frame)).toEqual([])
    },
  )

  it('are asked for in one batch, written as Kraken documents it', () => {
    const { subscribe, unsubscribe } = bench(createPriceEndpoint())
    const pairs: Pair[] = [ethUsd, { base: 'DOGE', quote: 'USD' }]
    const [first] = subscribe(...pairs)
    expect(JSON.stringify({ ...(first as object), req_id: 7 })).toBe(frameOf('kraken', 'subscribe', 'DOGE'))
    const [last] = unsubscribe(ethUsd)
    expect(JSON.stringify({ ...(last as object), req_id: 8 })).toBe(frameOf('kraken', 'unsubscribe'))
  })

  it('SB-3: carry a refusal without a symbol to the feeds of its request that have no answer', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    const [first] = subscribe(ethUsd, btcUsd) as Sent[]
    const [second] = subscribe({ base: 'SOL', quote: 'USD' }) as Sent[]
    expect(first!.req_id).not.toBe(second!.req_id)
    receive(accepted('ETH/USD', first!.req_id))
    const error = 'Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com'
    const results = receive({ error, method: 'subscribe', success: false, req_id: first!.req_id })
    expect(results).toEqual([{ params: btcUsd, response: { statusCode: 502, errorMessage: error } }])
  })

  it('give no price without a trade and a book, and pass on that 1970 is no time', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(ethUsd)
    expect(receive(ticker('ETH/USD', { bid: 0, ask: 0, last: undefined }))).toEqual([])
    const [result] = receive(ticker('ETH/USD', { bid: 0, timestamp: '1970-01-01T00:00:00.000000Z' }))
    expect(result!.response.data).toEqual({ result: 1800.5, ask: 1800.75 })
    // What is there and cannot be a time is for the guards to refuse.
    expect(result!.response.timestamps).toEqual({ providerIndicatedTimeUnixMs: NaN })
  })
})

describe('a sign of life from Kraken', () => {
  const { subscribe, receive, lastMessageReceivedAt } = bench(createPriceEndpoint())
  subscribe(ethUsd)

  it.each([status('online'), refused('ETH/USD', 1), { method: 'unsubscribe', success: true }])(
    'CN-5: is not %j',
    (frame) => {
      receive(frame)
      expect(lastMessageReceivedAt()).toBe(0)
    },
  )

  it.each([{ channel: 'heartbeat' }, { method: 'pong', req_id: 1 }, accepted('ETH/USD', 1)])(
    'CN-2: is %j',
    (frame) => {
      const before = Date.now()
      receive(frame)
      expect(lastMessageReceivedAt()).toBeGreaterThanOrEqual(before)
    },
  )
})

describe('the Kraken adapter', () => {
  it('serves a price with its book and the time of the market', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider, { CACHE_MAX_AGE: '60000' })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(TIME) + 1_000 })
    onTestFinished(() => void vi.useRealTimers())
    market(provider, (symbol) => [ticker(symbol, { timestamp: TIME, last: undefined })])
    const { statusCode, json } = await service.post(ethUsd)
    expect(statusCode).toBe(200)
    expect(json).toMatchObject({
      result: 1800.5,
      data: { result: 1800.5, bid: 1800.25, mid: 1800.5, ask: 1800.75 },
      timestamps: { providerIndicatedTimeUnixMs: Date.parse(TIME) },
    })
  })

  it("ID-2: asks by today's names, once, however clients spell and name the pair", async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, listed)
    for (const base of ['xbt', 'BTC', 'btc', 'XBT'])
      expect((await service.post({ base, quote: 'usd' })).json.result).toBe(1800.5)
    const connection = await provider.connection()
    expect(connection.received).toEqual([
      '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":"bbo","snapshot":true},"req_id":1}',
    ])
  })

  it('ID-1: keeps a tokenised stock apart from a coin whose name differs in case alone', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const prices: Record<string, number> = { 'TRx/USD': 30, 'TRX/USD': 0.3 }
    market(provider, (symbol) => [
      ticker(symbol, { last: prices[symbol], bid: prices[symbol], ask: prices[symbol] }),
    ])
    const answers = await Promise.all(
      ['TRx', 'TRX', 'trx'].map((base) => service.post({ base, quote: 'USD' })),
    )
    expect(answers.map(({ json }) => json.result as number)).toEqual([30, 0.3, 0.3])
  })

  it('ID-1, ID-2: asks for USDe and USDE each as it is spelled, and refuses what may be either', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const prices: Record<string, number> = { 'USDe/USD': 1, 'USDE/USD': 777 }
    market(provider, (symbol) => [
      ticker(symbol, { last: prices[symbol], bid: prices[symbol], ask: prices[symbol] }),
    ])
    for (let time = 0; time < 3; time++)
      for (const [base, result] of [
        ['USDe', 1],
        ['USDE', 777],
      ] as const)
        expect((await service.post({ base, quote: 'usd' })).json.result).toBe(result)
    const { statusCode, json } = await service.post({ base: 'usde', quote: 'USD' })
    expect(statusCode).toBe(400)
    expect(json.error.message).toBe(
      '[Param: base] "usde" may be any of USDe, USDE: letter case tells them apart',
    )
    const connection = await provider.connection()
    const symbols = connection.received.flatMap((text) => (JSON.parse(text) as Sent).params.symbol)
    expect(symbols).toEqual(['USDe/USD', 'USDE/USD'])
  })

  it('SB-4: unsubscribes a pair that nobody asks for any more, and closes when none is left', async () => {
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
    const sent = await connection.nextJson<Sent>(({ method }) => method === 'unsubscribe')
    expect(sent.params).toEqual({ channel: 'ticker', symbol: ['BTC/USD'], event_trigger: 'bbo' })
    vi.advanceTimersByTime(100_000)
    expect((await connection.closed).code).toBe(1000)
  })

  it('FR-1: serves no price of a market in maintenance, says so, and begins anew afterwards', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, listed)
    expect((await service.post(ethUsd)).statusCode).toBe(200)
    const connection = await provider.connection()
    connection.send(status('maintenance'))
    const { json } = await service.until(ethUsd, ({ statusCode }) => statusCode === 502)
    expect(json.errorMessage).toBe('Kraken is in maintenance')
    let asked = 0
    const next = service.until(ethUsd, () => ++asked > 1)
    connection.send(ticker('ETH/USD', { last: 1 }))
    expect((await next).statusCode).toBe(502)
    connection.send(status('online'))
    expect((await connection.closed).code).toBe(1000)
    const again = await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    expect(again.json.result).toBe(1800.5)
  })

  it('ER-4: asks again for a refused pair after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' })
    let isListed = false
    market(provider, (symbol, reqId) => (isListed ? listed(symbol, reqId) : [refused(symbol, reqId)]))
    expect((await service.post(ethUsd)).statusCode).toBe(502)
    isListed = true
    vi.advanceTimersByTime(65_000)
    const { json } = await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    expect(json.result).toBe(1800.5)
  })

  it('CN-2: pings every five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, listed)
    await service.post(ethUsd)
    const connection = await provider.connection()
    vi.advanceTimersByTime(5_000)
    expect(await connection.nextJson(({ method }) => method === 'ping')).toEqual({
      method: 'ping',
      req_id: 2,
    })
  })

  it('names why an idle market has no price any more after its snapshot', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { CACHE_POLLING_MAX_RETRIES: '0' })
    const timestamp = new Date().toISOString()
    market(provider, (symbol, reqId) => [accepted(symbol, reqId), ticker(symbol, { timestamp })])
    await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    vi.advanceTimersByTime(29_000)
    expect((await service.post(ethUsd)).statusCode).toBe(200)
    vi.advanceTimersByTime(2_000)
    const { statusCode, json } = await service.post(ethUsd)
    expect(statusCode).toBe(504)
    expect(json.error.reason.code).toBe('STALE_VALUE')
  })
})
