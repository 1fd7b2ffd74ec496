import { providerTime } from '../../src/public/util'
import { type Quote, quoteOf } from '../common/quote'
import { type Heartbeat, type Ticker } from './frames'

const timeOf = providerTime('iso')

/** A product whose sequence has begun anew is believed after this long. */
const RESTART_MS = 10_000

interface Product {
  sequence: number
  tradeId: number | undefined
  /** Its last trade, as the last heartbeat has it. */
  newest?: number
  /** Since when sequences below its own have come, growing by themselves. */
  restart?: { sinceMs: number; sequence: number }
}

/** More than Coinbase lists. The one that was met first is forgotten: nothing of it counts as old then. */
const MAX_PRODUCTS = 10_000

/** The last ticker of each product on one connection; also of those that were left, for what they may still send. */
export class LastTickers {
  private readonly products = new Map<string, Product>()

  /** @returns undefined for an old frame (a lower sequence than the last one's, an earlier trade) and for one without a price */
  accept(message: Ticker, now: number): { quote: Quote; time: number | undefined } | undefined {
    const product = this.productOf(message.product_id)
    const { sequence, trade_id: tradeId } = message
    if (isOld(product, sequence, now) || tradeId < (product.newest ?? 0)) return undefined
    const quote = quoteOf({ last: message.price, bid: message.best_bid, ask: message.best_ask })
    if (quote === undefined) return undefined
    product.sequence = sequence
    product.tradeId = tradeId
    product.restart = undefined
    return { quote, time: timeOf(message.time) }
  }

  /**
   * What a heartbeat says of the last ticker: there was no trade since, so that it still stands, however old it is (`confirmed`); or there
   * was one (`missed`). Undefined: neither.
   */
  compare({ product_id: name, last_trade_id: newest }: Heartbeat): 'confirmed' | 'missed' | undefined {
    const product = this.productOf(name)
    product.newest = newest
    const { tradeId = 0 } = product
    if (newest === tradeId) return 'confirmed'
    return newest > tradeId ? 'missed' : undefined
  }

  private productOf(name: string): Product {
    let product = this.products.get(name)
    if (product === undefined) {
      this.products.set(name, (product = { sequence: -Infinity, tradeId: undefined }))
      if (this.products.size > MAX_PRODUCTS) this.products.delete(this.products.keys().next().value!)
    }
    return product
  }
}

/** Frames come in any order after a hiccup. But a sequence that began anew is not to be refused for ever (ER-4). */
const isOld = (last: Product, sequence: number, now: number): boolean => {
  if (!(sequence < last.sequence)) return false
  if (last.restart === undefined || sequence <= last.restart.sequence)
    last.restart = { sinceMs: now, sequence }
  last.restart.sequence = sequence
  return now - last.restart.sinceMs < RESTART_MS
}
