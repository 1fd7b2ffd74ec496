import { providerTime } from '../../src/public/util'
import { type Quote, quoteOf } from '../common/quote'
import { type Heartbeat, type Ticker } from './frames'

const timeOf = providerTime('iso')

/** A product whose sequence has begun anew is believed after this long. */
const RESTART_MS = 10_000

/** What the last ticker of a product said. */
export interface LastTicker {
  readonly sequence: number
  readonly tradeId: number
  readonly quote: Quote
  /** Of the trade, in Unix ms. */
  readonly time: number | undefined
  /** When it came, or was last confirmed, in ms of the caller's clock. */
  confirmedAt: number
  /** Since when sequences below its own have come, growing by themselves. */
  restart?: { sinceMs: number; sequence: number }
}

/** The last ticker of each product on one connection. */
export class LastTickers {
  private readonly byProduct = new Map<string, LastTicker>()

  /** A new connection: sequences and trades of the old one say nothing about it. */
  clear(): void {
    this.byProduct.clear()
  }

  forget(product: string): void {
    this.byProduct.delete(product)
  }

  /** @returns undefined for an old frame (a lower sequence than the last one's) and for one without a price */
  accept(message: Ticker, now: number): LastTicker | undefined {
    const { product_id: product, sequence } = message
    const last = this.byProduct.get(product)
    if (last !== undefined && this.isOld(last, sequence, now)) return undefined
    const quote = quoteOf({ last: message.price, bid: message.best_bid, ask: message.best_ask })
    if (quote === undefined) return undefined
    const time = timeOf(message.time)
    const ticker = { sequence, tradeId: message.trade_id, quote, time, confirmedAt: now }
    this.byProduct.set(product, ticker)
    return ticker
  }

  /** Frames come in any order after a hiccup. But a sequence that began anew is not to be refused for ever (ER-4). */
  private isOld(last: LastTicker, sequence: number, now: number): boolean {
    if (!(sequence < last.sequence)) return false
    if (last.restart === undefined || sequence <= last.restart.sequence)
      last.restart = { sinceMs: now, sequence }
    last.restart.sequence = sequence
    return now - last.restart.sinceMs < RESTART_MS
  }

  /**
   * The ticker that a heartbeat confirms: there was no trade since, so what it said still stands, however old it is.
   *
   * @param everyMs - a ticker is confirmed at most this often
   */
  confirm(heartbeat: Heartbeat, now: number, everyMs: number): LastTicker | undefined {
    const last = this.byProduct.get(heartbeat.product_id)
    if (last === undefined || last.tradeId === undefined || last.tradeId !== heartbeat.last_trade_id)
      return undefined
    if (now - last.confirmedAt < everyMs) return undefined
    last.confirmedAt = now
    return last
  }
}
