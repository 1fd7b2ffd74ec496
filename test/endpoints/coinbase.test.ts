import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAdapter } from '../../endpoints/coinbase'
import { acknowledgement, type Subscriptions } from '../../endpoints/coinbase/frames'
import { createPriceEndpoint } from '../../endpoints/coinbase/price'
import { type ProviderConnection, serve, type WsProvider, wsProvider } from '../../src/testing'
import { eventually, PATIENT } from '../helpers/eventually'
import { bench, expectedOf, expectPrices, frameOf, pricesIn, titled } from './vectors'

const ticker = (product_id: string, rest: object = {}) => ({
  type: 'ticker',
  sequence: 100,
  product_id,
  price: '1800.50',
  best_bid: '1800.25',
  best_ask: '1800.75',
  time: new Date().toISOString(),
  trade_id: 7,
  ...rest,
})

const refusal = (product: string) => ({
  type: 'error',
  message: 'Failed to subscribe',
  reason: `${product} is not a valid product`,
})

const acknowledged = (...product_ids: string[]) => ({
  type: 'subscriptions',
  channels: ['ticker', 'heartbeat'].map((channel) => ({ name: channel, product_ids, account_ids: null })),
})

type Sent = { type: string; product_ids: string[] }
const subscribes = ({ type }: Sent) => type === 'subscribe'

const start = (provider: WsProvider, env: Record<string, string> = {}) =>
  serve(createAdapter, {
    env: {
      COINBASE_WS_API_ENDPOINT: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      ...PATIENT,
      ...env,
    },
  })

/** Acknowledges and prices every product that is asked for, unless the script says otherwise. */
const market = (provider: WsProvider, script: (product: string, connection: ProviderConnection) => object) =>
  provider.onMessage((text, connection) => {
    const { type, product_ids: products } = JSON.parse(text) as { type: string; product_ids: string[] }
    if (type === 'subscribe') for (const product of products) connection.send(script(product, connection))
  })

const ethUsd = { base: 'ETH', quote: 'USD' }
const btcUsd = { base: 'BTC', quote: 'USD' }

describe('the frames of Coinbase', () => {
  it.each(titled('in', 'coinbase'))('become the price they hold, or none: %s', (_name, vector) => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    const expected = expectedOf(vector)
    subscribe(btcUsd, ...expected)
    expectPrices(receive(vector.frame), expected)
  })

  it.each(titled('in', 'kraken', 'bitfinex'))(
    'ID-3: are told from those of other venues: %s',
    (_name, { frame }) => {
      const { subscribe, receive } = bench(createPriceEndpoint())
      subscribe(btcUsd, ethUsd)
      expect(receive(frame)).toEqual([])
    },
  )

  it('are asked for in one batch, written as Coinbase documents it', () => {
    const recorded = frameOf('coinbase', 'subscribe', 'SKL-USD')
    const pairs = (JSON.parse(recorded) as { product_ids: string[] }).product_ids.map((product) => {
      const [base = '', quote = ''] = product.split('-')
      return { base, quote }
    })
    const { subscribe, receive, unsubscribe } = bench(createPriceEndpoint())
    const channels = '["ticker","heartbeat"]'
    expect(JSON.stringify(subscribe(...pairs)[0])).toBe(recorded.replace('["ticker"]', channels))
    receive(acknowledged('SKL-USD'))
    const end = frameOf('coinbase', 'unsubscribe')
    expect(JSON.stringify(unsubscribe(pairs[0]!)[0])).toBe(
      end.replace('["ticker"]', channels).replace('BTC-USD', 'SKL-USD'),
    )
  })

  it.each([
    [[{ name: 'ticker', product_ids: ['ETH-USD'], account_ids: null }, { name: 'heartbeat' }], true],
    [[], true],
    [undefined, false],
    [{ product_ids: ['ETH-USD'] }, false],
    [[{ product_ids: ['ETH-USD'] }, null], false],
    [[{ product_ids: ['ETH-USD', 7] }], false],
    [[{ product_ids: 'ETH-USD' }], false],
    ['ETH-USD', false],
  ])('that acknowledge %j are read, and are the whole set: %s', (channels, isWhole) => {
    const message = { type: 'subscriptions', channels }
    const { accepted, isWhole: isAll } = acknowledgement(message as Subscriptions)
    expect(isAll).toBe(isWhole)
    expect(accepted.every((product) => product === 'ETH-USD')).toBe(true)
    expect(bench(createPriceEndpoint()).receive(message)).toEqual([])
  })

  it('SB-7: are asked for at most a hundred products at a time', () => {
    const pairs = Array.from({ length: 250 }, (_, index) => ({ base: `A${index}`, quote: 'USD' }))
    const sizes = bench(createPriceEndpoint())
      .subscribe(...pairs)
      .map((frame) => (frame as { product_ids: string[] }).product_ids.length)
    expect(sizes).toEqual([100, 100, 50])
  })

  it('give no price when they are older than the last one of their product', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(ethUsd, btcUsd)
    expect(receive(ticker('ETH-USD', { sequence: 12 }))).toHaveLength(1)
    expect(receive(ticker('ETH-USD', { sequence: 11 }))).toEqual([])
    expect(receive(ticker('ETH-USD', { sequence: 12 }))).toHaveLength(1)
    expect(receive(ticker('BTC-USD', { sequence: 1 }))).toHaveLength(1)
  })

  it('ID-3: give no price for a product that nobody asked for', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(ethUsd)
    expect(receive(ticker('BTC-USD'))).toEqual([])
  })

  it('TM-5: tell a time that cannot be from one that is not there', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(ethUsd)
    const timeOf = (time: unknown) =>
      pricesIn(receive(ticker('ETH-USD', { time })))[0]?.response.timestamps?.providerIndicatedTimeUnixMs
    for (const time of [
      '0001-01-01T00:00:00.000000Z',
      '1970-01-01T00:00:00Z',
      'garbage',
      '2026-10-03T20:58:31.127',
    ])
      expect(timeOf(time)).toBeNaN()
    expect(timeOf(undefined)).toBeUndefined()
    expect(timeOf('2026-10-03T20:58:31.127999Z')).toBe(Date.UTC(2026, 9, 3, 20, 58, 31, 127))
  })
})

describe('the Coinbase adapter', () => {
  it('TM-1, TM-2, TM-5: refuses prices with times that cannot be, names and counts them, and goes on serving the last good one', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider, { METRICS_ENABLED: 'true' })
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    market(provider, (product) => ticker(product, { time: at(-1_000), price: '3000' }))
    expect((await service.post(ethUsd)).json.result).toBe(3000)
    const connection = await provider.connection()
    const noZone = at(-500).replace('Z', '')
    const bad = {
      future: [at(86_400_000)],
      'impossible-time': ['garbage', noZone, '1970-01-01T00:00:00Z'],
      backwards: [at(-60_000)],
    }
    let sequence = 100
    for (const time of Object.values(bad).flat())
      connection.send(ticker('ETH-USD', { time, price: '9999', sequence: sequence++ }))
    connection.send(ticker('ETH-USD', { time: at(0), price: '3001', sequence }))
    const { json } = await service.until(ethUsd, ({ json: { result } }) => result !== 3000)
    expect(json.result).toBe(3001)
    for (const [reason, times] of Object.entries(bad))
      expect(await service.metric('data_refused_total', { app_name: 'COINBASE', reason })).toBe(times.length)
  })

  it('serves a price with its book and the time of the trade', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const time = Date.now() - 5_000
    market(provider, (product) => ticker(product, { time: new Date(time).toISOString() }))
    const { statusCode, json } = await service.post(ethUsd)
    expect(statusCode).toBe(200)
    expect(json).toMatchObject({
      result: 1800.5,
      data: { result: 1800.5, bid: 1800.25, mid: 1800.5, ask: 1800.75 },
      timestamps: { providerIndicatedTimeUnixMs: time },
    })
  })

  it('ID-2: asks for one upper-case product, however clients spell the pair', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, (product) => ticker(product))
    await service.post({ base: 'eth', quote: 'usd' })
    const { json } = await service.post({ from: 'Eth', to: 'USD' }, { endpoint: 'crypto' })
    expect(json.result).toBe(1800.5)
    const connection = await provider.connection()
    expect(connection.received).toEqual([
      '{"type":"subscribe","product_ids":["ETH-USD"],"channels":["ticker","heartbeat"]}',
    ])
  })

  it('ID-1, ID-2: asks for USDe and USDE each as it is spelled, and refuses what may be either', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const prices: Record<string, string> = { 'USDe-USD': '1', 'USDE-USD': '777' }
    market(provider, (product) => ticker(product, { price: prices[product] }))
    expect((await service.post({ base: 'USDe', quote: 'USD' })).json.result).toBe(1)
    expect((await service.post({ base: 'USDE', quote: 'USD' })).json.result).toBe(777)
    const { statusCode, json } = await service.post({ base: 'usde', quote: 'USD' })
    expect(statusCode).toBe(400)
    expect(json.error.message).toContain('USDe, USDE')
    const connection = await provider.connection()
    expect(
      connection.received.map((text) => (JSON.parse(text) as { product_ids: string[] }).product_ids),
    ).toEqual([['USDe-USD'], ['USDE-USD']])
  })

  it('ID-1: refuses what is no asset code before anything is asked of Coinbase', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    const { statusCode, json } = await service.post({ base: 'ETH-USD', quote: 'X' })
    expect(statusCode).toBe(400)
    expect(json.error.message).toBe('[Param: base] "ETH-USD" is not an asset code')
    expect(provider.handshakes).toBe(0)
  })

  it('SB-3: finds the second bad product of a batch, of which Coinbase names only the first', async () => {
    await using provider = await wsProvider()
    const bad = ['AAA-XYZ', 'BBB-XYZ']
    provider.onMessage((text, connection) => {
      const { product_ids: products } = JSON.parse(text) as { product_ids: string[] }
      const named = products.find((product) => bad.includes(product))
      if (named !== undefined) connection.send(refusal(named))
      connection.send(acknowledged(...products.filter((product) => !bad.includes(product))))
    })
    await using service = await start(provider)
    const answers = await Promise.all(['AAA', 'BBB'].map((base) => service.post({ base, quote: 'XYZ' })))
    expect(
      answers.map(({ statusCode, json }) => ({ statusCode, text: json.errorMessage as unknown })),
    ).toEqual(bad.map((product) => ({ statusCode: 502, text: `${product} is not a valid product` })))
  })

  it('SB-4: unsubscribes a product that nobody asks for any more, and closes when none is left', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' })
    market(provider, (product) => ticker(product))
    await service.post(btcUsd)
    vi.advanceTimersByTime(100_000)
    await service.post(ethUsd)
    vi.advanceTimersByTime(30_000)
    const connection = await provider.connection()
    expect(await connection.nextJson(({ type }) => type === 'unsubscribe')).toEqual({
      type: 'unsubscribe',
      product_ids: ['BTC-USD'],
      channels: ['ticker', 'heartbeat'],
    })
    vi.advanceTimersByTime(100_000)
    expect((await connection.closed).code).toBe(1000)
  })

  it('SB-2: asks again for everything after Coinbase has closed, and drops what it knew of sequences', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider)
    market(provider, (product, { index }) =>
      ticker(product, { sequence: 100 - index, price: String(1800 + index) }),
    )
    await service.post(ethUsd)
    await service.post(btcUsd)
    const first = await provider.connection()
    first.close(1001)
    const second = await provider.connection()
    expect((await second.nextJson(subscribes)).product_ids).toEqual(['ETH-USD', 'BTC-USD'])
    const { json } = await service.until(btcUsd, ({ json: { result } }) => result === 1801)
    expect(json.result).toBe(1801)
  })

  it('ER-4: asks again for a refused product after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' })
    let isListed = false
    market(provider, (product) => (isListed ? ticker(product) : refusal(product)))
    expect((await service.post(ethUsd)).statusCode).toBe(502)
    isListed = true
    vi.advanceTimersByTime(70_000)
    const { json } = await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    expect(json.result).toBe(1800.5)
  })

  it('FR-2: keeps an idle product alive, and as old as it is, by heartbeats of its last trade, and by no others', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, {
      CACHE_POLLING_MAX_RETRIES: '0',
      WS_SUBSCRIPTION_TTL: '3600000',
    })
    const traded = new Date(Date.now() - 1_800_000).toISOString()
    market(provider, (product) => ticker(product, { time: traded }))
    const feeds = [ethUsd, btcUsd, { base: 'SOL', quote: 'USD' }]
    const [first] = await Promise.all(
      feeds.map((feed) => service.until(feed, ({ statusCode }) => statusCode === 200)),
    )
    const connection = await provider.connection()
    const heartbeat = (product_id: string, last_trade_id: number) =>
      connection.send({ type: 'heartbeat', product_id, last_trade_id, sequence: 1, time: traded })
    for (let price = 1; price <= 6; price++) {
      vi.advanceTimersByTime(20_000)
      heartbeat('BTC-USD', 8)
      heartbeat('ETH-USD', 7)
      // What was sent before this price has been handled when it is served.
      connection.send(ticker('SOL-USD', { sequence: 100 + price, price: String(price) }))
      await service.until(feeds[2]!, ({ json }) => json.result === price)
    }
    const { statusCode, json } = await service.post(ethUsd)
    expect(statusCode).toBe(200)
    expect(json.timestamps).toEqual(first!.json.timestamps)
    expect((await service.post(btcUsd)).statusCode).toBe(504)
  })

  it('names a product that was never traded, and asks alone for one whose trades it is not sent', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await start(provider, {
      CACHE_POLLING_MAX_RETRIES: '0',
      WS_SUBSCRIPTION_TTL: '3600000',
    })
    const [quiet, deaf] = [
      { base: 'AAA', quote: 'USD' },
      { base: 'BBB', quote: 'USD' },
    ]
    provider.onMessage((text, connection) => {
      const { type, product_ids: products } = JSON.parse(text) as Sent
      if (type === 'subscribe') connection.send(acknowledged(...products))
    })
    for (const feed of [ethUsd, quiet, deaf]) expect((await service.post(feed)).statusCode).toBe(504)
    const connection = await provider.connection()
    const asked = () =>
      connection.received
        .map((text) => JSON.parse(text) as Sent)
        .filter(subscribes)
        .flatMap(({ product_ids: products }) => products)
    await eventually(() => expect(asked()).toEqual(['ETH-USD', 'AAA-USD', 'BBB-USD']))
    const heartbeat = (product_id: string, last_trade_id: number) =>
      connection.send({ type: 'heartbeat', product_id, last_trade_id, sequence: 1 })
    const beat = () => {
      heartbeat('AAA-USD', 0)
      heartbeat('BBB-USD', 9)
      heartbeat('ETH-USD', 7)
      connection.send(ticker('ETH-USD'))
    }
    beat()
    await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    expect((await service.post(quiet)).json.error.reason).toMatchObject({
      code: 'NO_DATA',
      message: 'Listed and subscribed, but nothing has been traded',
    })
    for (let second = 0; second < 6; second++) {
      vi.advanceTimersByTime(1_000)
      beat()
    }
    await eventually(() => expect(asked().slice(3)).toEqual(['BBB-USD']))
    expect((await service.post(deaf)).json.error.reason.code).toBe('SILENT')
    connection.send(ticker('BBB-USD', { trade_id: 8, price: '1' }))
    connection.send(ticker('BBB-USD', { trade_id: 9 }))
    expect((await service.until(deaf, ({ statusCode }) => statusCode === 200)).json.result).toBe(1800.5)
    expect(asked()).toHaveLength(4)
  })

  it('counts and names prices that are none', async () => {
    await using provider = await wsProvider()
    await using service = await start(provider, { CACHE_POLLING_MAX_RETRIES: '0' })
    const prices = {
      missing: [null, ''],
      'not-positive': ['0', '-1', 0],
      'not-a-number': ['NaN', 'abc', true, [5]],
    }
    market(provider, (product) => ticker(product, { price: null, best_bid: null }))
    const feed = { base: 'ODD', quote: 'USD' }
    await service.post(feed)
    const connection = await provider.connection()
    await connection.nextJson(subscribes)
    const count = (reason: string) =>
      service.metric('data_refused_total', {
        app_name: 'COINBASE',
        transport: 'default_single_transport',
        reason,
      })
    const before = await Promise.all(Object.keys(prices).map(async (reason) => (await count(reason)) ?? 0))
    for (const price of Object.values(prices).flat())
      connection.send(ticker('ODD-USD', { price, best_bid: null }))
    await eventually(async () => {
      const after = await Promise.all(Object.keys(prices).map(count))
      // The one that the subscription brought is counted, too.
      expect(after.map((number, at) => number! - before[at]!)).toEqual([expect.any(Number), 3, 4])
    })
    const { statusCode, json } = await service.post(feed)
    expect(statusCode).toBe(504)
    expect(json.error.reason).toMatchObject({
      code: 'REFUSED_VALUE',
      message: 'The last value was refused: not-a-number',
    })
  })
})
