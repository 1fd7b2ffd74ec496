/** The state of a product of the simulated exchange at its last trade. */
export interface Quote {
  price: string
  bestBid: string
  bestAsk: string
  side: 'buy' | 'sell'
  /** Grows with every trade of the product, not by one. */
  sequence: number
  tradeId: number
}

/** One trade moves a price by at most this part of it. */
const LARGEST_STEP = 0.0008
/** How strongly a price is drawn back to its first value, so that it stays near that even after days. */
const PULL = 0.002
const HALF_SPREAD = 0.0001

/** The first prices of the simulated products. They are round, so that nobody takes them for real ones. */
export const DEFAULT_PRODUCTS: Readonly<Record<string, number>> = {
  'BTC-USD': 100_000,
  'ETH-USD': 4_000,
  'LINK-USD': 20,
  'SOL-USD': 200,
  'ETH-BTC': 0.04,
  'BTC-EUR': 90_000,
  'BTC-USDT': 100_000,
  'USDC-EUR': 0.9,
}

/** A small generator of numbers in [0, 1) from a seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A different number for each product, so that their prices move differently (FNV-1a). */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

/** Two decimals for prices from one up, else as many as show six significant digits. */
const decimalsFor = (price: number): number => (price >= 1 ? 2 : 6 - Math.floor(Math.log10(price)) - 1)

/** One product's trades: a random walk that depends only on the seed, the product, its first price and the number of trades. */
export class ProductWalk {
  private readonly random: () => number
  private readonly decimals: number
  private price: number
  private sequence: number
  private tradeId: number
  private side: 'buy' | 'sell' = 'buy'

  constructor(
    product: string,
    private readonly startPrice: number,
    seed: number,
  ) {
    this.random = seededRandom(seed ^ hash(product))
    this.decimals = decimalsFor(startPrice)
    this.price = startPrice
    this.sequence = 1_000_000 + Math.floor(this.random() * 1_000_000)
    this.tradeId = 1_000 + Math.floor(this.random() * 1_000)
  }

  /** The last trade. */
  get quote(): Quote {
    const text = (price: number) => price.toFixed(this.decimals)
    return {
      price: text(this.price),
      bestBid: text(this.price * (1 - HALF_SPREAD)),
      bestAsk: text(this.price * (1 + HALF_SPREAD)),
      side: this.side,
      sequence: this.sequence,
      tradeId: this.tradeId,
    }
  }

  trade(): Quote {
    const step = (this.random() * 2 - 1) * LARGEST_STEP
    const pull = PULL * Math.log(this.startPrice / this.price)
    this.price *= Math.exp(step + pull)
    this.side = step < 0 ? 'sell' : 'buy'
    this.sequence += 1 + Math.floor(this.random() * 20)
    this.tradeId += 1
    return this.quote
  }
}
