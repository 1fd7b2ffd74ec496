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
    expect(tickers.compare(heartbeat(7))).toBe('confirmed')
  })

  it('FR-4: is confirmed by a heartbeat of the same trade of the same product only', () => {
    const tickers = new LastTickers()
    tickers.accept(ticker(), NOW)
    expect(tickers.compare(heartbeat(8))).not.toBe('confirmed')
    expect(tickers.compare(heartbeat(7, 'BTC-USD'))).not.toBe('confirmed')
    expect(tickers.compare(heartbeat(7))).toBe('confirmed')
    expect(new LastTickers().compare(heartbeat(7))).not.toBe('confirmed')
  })

  it('is missed where a heartbeat knows of a later trade, and then not taken as news', () => {
    const tickers = new LastTickers()
    expect(tickers.compare(heartbeat(8))).toBe('missed')
    expect(tickers.accept(ticker(), NOW)).toBeUndefined()
    expect(tickers.accept(ticker({ trade_id: 8 }), NOW)?.quote.result).toBe(1800)
    expect(tickers.compare(heartbeat(8))).toBe('confirmed')
    expect(tickers.compare(heartbeat(7))).toBeUndefined()
  })

  it('is known not to exist where nothing was ever traded', () => {
    expect(new LastTickers().compare(heartbeat(0))).toBe('confirmed')
  })

  it('RS-1: is remembered of ten thousand products, those that were met last', () => {
    const tickers = new LastTickers()
    for (let n = 0; n < 10_000; n++) tickers.accept(ticker({ product_id: `P${n}` }), NOW)
    const old = (product_id: string) => tickers.accept(ticker({ product_id, sequence: 9 }), NOW)
    expect([old('P0'), old('P9999')]).toEqual([undefined, undefined])
    tickers.accept(ticker({ product_id: 'P10000' }), NOW)
    expect(old('P1')).toBeUndefined()
    expect(old('P0')?.quote.result).toBe(1800)
  })

  it('ER-4: is replaced when trades are numbered anew', () => {
    const tickers = new LastTickers()
    tickers.accept(ticker({ trade_id: 1_000 }), NOW)
    tickers.compare(heartbeat(1_000))
    tickers.compare(heartbeat(3))
    expect(tickers.accept(ticker({ trade_id: 3, price: '1700' }), NOW)?.quote.result).toBe(1700)
    expect(tickers.compare(heartbeat(3))).toBe('confirmed')
  })
})
