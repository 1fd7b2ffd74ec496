import fc from 'fast-check'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { simulatedExchange, type SimulatedExchange } from '../../src/testing'
import { ProductWalk } from '../../src/testing/simulated-market'

interface Frame {
  type: string
  product_id?: string
  price?: string
  sequence: number
  last_trade_id?: number
  trade_id?: number
  time?: string
  channels?: object[]
  reason?: string
}

/** A client that reads one frame after the other. */
const dial = async ({ url }: SimulatedExchange) => {
  const socket = new WebSocket(url)
  const frames: Frame[] = []
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame))
  await once(socket, 'open')
  return {
    send: (message: object) => socket.send(JSON.stringify(message)),
    closed,
    async next(count = 1): Promise<Frame[]> {
      while (frames.length < count) await once(socket, 'message')
      return frames.splice(0, count)
    },
  }
}

const subscribe = (products: string[], channels: unknown[] = ['ticker']) => ({
  type: 'subscribe',
  product_ids: products,
  channels,
})

const acknowledged = (...products: string[]) => ({
  type: 'subscriptions',
  channels: [{ name: 'ticker', product_ids: products, account_ids: null }],
})

const quiet = (options: object = {}) => simulatedExchange({ tradeIntervalMs: 0, ...options })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('subscribing at the simulated exchange', () => {
  it('is acknowledged with the whole set, and answered with one ticker per product', async () => {
    await using exchange = await quiet()
    const client = await dial(exchange)
    client.send(subscribe(['ETH-USD']))
    const [ack, ticker] = await client.next(2)
    expect(ack).toEqual(acknowledged('ETH-USD'))
    expect(ticker).toMatchObject({ type: 'ticker', product_id: 'ETH-USD', price: exchange.price('ETH-USD') })
    expect(ticker?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    client.send(subscribe(['BTC-USD']))
    expect((await client.next(2))[0]).toEqual(acknowledged('ETH-USD', 'BTC-USD'))
    client.send({ type: 'unsubscribe', product_ids: ['ETH-USD'], channels: ['ticker'] })
    expect(await client.next()).toEqual([acknowledged('BTC-USD')])
  })

  it('succeeds in part: each bad product is refused by name, the rest is subscribed', async () => {
    await using exchange = await quiet({ delisted: ['LINK-USD'] })
    const client = await dial(exchange)
    client.send(subscribe(['ETH-XYZ', 'ETH-USD', 'LINK-USD']))
    const [first, second, ack, ticker] = await client.next(4)
    expect(first).toEqual({
      type: 'error',
      message: 'Failed to subscribe',
      reason: 'ETH-XYZ is not a valid product',
    })
    expect(second?.reason).toBe('LINK-USD is delisted')
    expect(ack).toEqual(acknowledged('ETH-USD'))
    expect(ticker?.product_id).toBe('ETH-USD')
  })

  it('takes channels with products of their own, and acknowledges the batch channel by its inner name', async () => {
    await using exchange = await quiet()
    const client = await dial(exchange)
    const batch = { name: 'ticker_batch', product_ids: ['BTC-USD'] }
    client.send(subscribe(['ETH-USD'], ['ticker', batch]))
    const [ack] = await client.next(3)
    expect(ack?.channels).toEqual([
      { name: 'ticker', product_ids: ['ETH-USD'], account_ids: null },
      { name: 'ticker_1000', product_ids: ['BTC-USD'], account_ids: null },
    ])
    exchange.trade('BTC-USD')
    exchange.trade('ETH-USD')
    expect((await client.next())[0]?.product_id).toBe('ETH-USD')
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await client.next())[0]).toMatchObject({ type: 'ticker', product_id: 'BTC-USD' })
  })

  it.each([
    ['level2', ['ETH-USD'], 'level2, level3, and full channels now require authentication.'],
    ['heartbeat', [], 'You need to specify at least one product ID for channel heartbeat'],
    ['gossip', ['ETH-USD'], 'gossip is not a valid channel'],
  ])('refuses channel %s for %j', async (channel, products, reason) => {
    await using exchange = await quiet()
    const client = await dial(exchange)
    client.send(subscribe(products, [channel]))
    expect(await client.next()).toEqual([{ type: 'error', message: 'Failed to subscribe', reason }])
  })

  it('must happen within five seconds', async () => {
    await using exchange = await quiet()
    const [silent, active] = [await dial(exchange), await dial(exchange)]
    active.send(subscribe(['ETH-USD']))
    await active.next(2)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await silent.closed).toEqual({ code: 1008, reason: 'nothing was subscribed' })
    expect(exchange.provider.openCount).toBe(1)
  })
})

describe('the data of the simulated exchange', () => {
  it('is a heartbeat per second that names the last trade', async () => {
    await using exchange = await quiet()
    const client = await dial(exchange)
    client.send(subscribe(['ETH-USD'], ['ticker', 'heartbeat']))
    await client.next(2)
    const { trade_id } = exchange.trade('ETH-USD')
    await vi.advanceTimersByTimeAsync(2_000)
    const [, one, two] = await client.next(3)
    expect(one).toMatchObject({ type: 'heartbeat', product_id: 'ETH-USD', last_trade_id: trade_id })
    expect(Date.parse(two!.time!) - Date.parse(one!.time!)).toBe(1_000)
  })

  it('is tickers at the chosen rate, with growing sequences and the prices of the seed', async () => {
    const run = async (seed: number) => {
      await using exchange = await simulatedExchange({ seed, tradeIntervalMs: 100 })
      await vi.advanceTimersByTimeAsync(1_000)
      const client = await dial(exchange)
      client.send(subscribe(['ETH-USD', 'BTC-USD']))
      await client.next(3)
      await vi.advanceTimersByTimeAsync(1_000)
      const frames = (await client.next(20)).filter(({ product_id }) => product_id === 'ETH-USD')
      const sequences = frames.map(({ sequence }) => sequence)
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
      return frames.map(({ price }) => price)
    }
    const prices = await run(1)
    expect(new Set(prices).size).toBeGreaterThan(5)
    expect(await run(1)).toEqual(prices)
    expect(await run(2)).not.toEqual(prices)
  })

  it('stays near where it began, and is always a positive decimal', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.integer({ min: 1, max: 2_000 }),
        (seed, start, trades) => {
          const walk = new ProductWalk('ETH-USD', start, seed)
          for (let i = 0; i < trades; i++) walk.trade()
          const { price, bestBid, bestAsk } = walk.quote
          expect(price).toMatch(/^\d+\.\d+$/)
          expect(Number(price) / start).toBeGreaterThan(0.5)
          expect(Number(price) / start).toBeLessThan(2)
          expect(Number(bestBid)).toBeLessThanOrEqual(Number(price))
          expect(Number(bestAsk)).toBeGreaterThanOrEqual(Number(price))
        },
      ),
    )
  })
})

describe('faults of the simulated exchange', () => {
  it('are tickers that must not be believed, and the next ticker is good again', async () => {
    await using exchange = await quiet()
    const client = await dial(exchange)
    client.send(subscribe(['ETH-USD']))
    const [, first] = await client.next(2)
    exchange.fault('old-sequence', 'ETH-USD')
    exchange.fault('year-1-time', 'ETH-USD')
    exchange.fault('zero-price', 'ETH-USD')
    exchange.trade('ETH-USD')
    const [old, yearOne, zero, good] = await client.next(4)
    expect(old!.sequence).toBeLessThan(first!.sequence)
    expect(yearOne?.time).toBe('0001-01-01T00:00:00.000000Z')
    expect(zero?.price).toBe('0')
    expect(good!.sequence).toBeGreaterThan(first!.sequence)
    expect(good?.price).toBe(exchange.price('ETH-USD'))
  })

  it('close connections without a reason, and happen by themselves where asked for', async () => {
    await using exchange = await simulatedExchange({
      tradeIntervalMs: 10,
      faults: { 'zero-price': 3, close: 5 },
    })
    const client = await dial(exchange)
    client.send(subscribe(['ETH-USD']))
    await client.next(2)
    await vi.advanceTimersByTimeAsync(50)
    const prices = (await client.next(4)).map(({ price }) => Number(price))
    expect(prices.map((price) => price > 0)).toEqual([true, true, false, true])
    expect(await client.closed).toEqual({ code: 1005, reason: '' })
  })

  it('leave no timer behind when the exchange stops', async () => {
    const exchange = await simulatedExchange()
    const client = await dial(exchange)
    await dial(exchange)
    client.send(subscribe(['ETH-USD']))
    await client.next(2)
    await exchange.stop()
    expect(vi.getTimerCount()).toBe(0)
    expect(() => exchange.price('ETH-XYZ')).toThrow('ETH-XYZ is not a product of the simulated exchange')
  })
})
