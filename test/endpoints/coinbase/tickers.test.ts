import { describe, expect, it } from 'vitest'
import { type Ticker } from '../../../endpoints/coinbase/frames'
import { LastTickers } from '../../../endpoints/coinbase/tickers'

const ticker = (rest: Partial<Ticker> = {}): Ticker => ({
  type: 'ticker',
  product_id: 'ETH-USD',
  sequence: 10,
  price: '1800',
  best_bid: '1799',
  best_ask: '1801',
  time: '2026-10-03T20:58:31.127510Z',
  trade_id: 7,
  ...rest,
})

const heartbeat = (last_trade_id: number, product_id = 'ETH-USD') =>
  ({ type: 'heartbeat', product_id, last_trade_id }) as const

const NOW = Date.UTC(2026, 9, 4)

describe('the last ticker of a product', () => {
  it('is not replaced by an older one, nor by one without a price', () => {
    const tickers = new LastTickers()
    expect(tickers.accept(ticker(), NOW)?.quote.result).toBe(1800)
    expect(tickers.accept(ticker({ sequence: 9, price: '1' }), NOW)).toBeUndefined()
    expect(
      tickers.accept(ticker({ sequence: 11, price: '0', best_bid: '0', trade_id: 8 }), NOW),
    ).toBeUndefined()
    expect(tickers.confirm(heartbeat(7), NOW, 0)?.quote.result).toBe(1800)
  })

  it('FR-4: is confirmed by a heartbeat of the same trade of the same product only', () => {
    const tickers = new LastTickers()
    tickers.accept(ticker(), NOW)
    expect(tickers.confirm(heartbeat(8), NOW, 0)).toBeUndefined()
    expect(tickers.confirm(heartbeat(7, 'BTC-USD'), NOW, 0)).toBeUndefined()
    expect(tickers.confirm(heartbeat(7), NOW, 0)).toBeDefined()
    tickers.clear()
    expect(tickers.confirm(heartbeat(7), NOW, 0)).toBeUndefined()
  })

  it('is confirmed no more often than it needs to be', () => {
    const tickers = new LastTickers()
    tickers.accept(ticker(), NOW)
    expect(tickers.confirm(heartbeat(7), NOW + 4_999, 5_000)).toBeUndefined()
    expect(tickers.confirm(heartbeat(7), NOW + 5_000, 5_000)).toBeDefined()
    expect(tickers.confirm(heartbeat(7), NOW + 9_999, 5_000)).toBeUndefined()
  })
})
