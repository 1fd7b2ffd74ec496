import './disposal'
import { type ProviderConnection } from './provider-connection'
import { DEFAULT_PRODUCTS, ProductWalk } from './simulated-market'
import {
  type Channel,
  errorFrame,
  heartbeatFrame,
  isChannel,
  parseClientMessage,
  subscriptionsFrame,
  type Ticker,
  tickerFrame,
  timeText,
  type Topic,
  YEAR_ONE,
} from './simulated-protocol'
import { type WsProvider, wsProvider } from './ws-provider'

/**
 * What can go wrong: a ticker with an older sequence number than the last one, with a time in year 1, or with a price of zero; or
 * all connections are closed without a code or a reason.
 */
export type Fault = 'old-sequence' | 'year-1-time' | 'zero-price' | 'close'

/** How a {@link simulatedExchange} behaves. */
export interface SimulatedExchangeOptions {
  /** Products with their first prices. Default: some well-known ones. */
  products?: Readonly<Record<string, number>>
  /** Products that are refused as delisted. */
  delisted?: readonly string[]
  /** Equal seeds give equal sequences of prices. Default 1. */
  seed?: number
  /** Time between the trades of a product to which somebody is subscribed, in ms; with 0 only `trade()` makes trades. Default 250. */
  tradeIntervalMs?: number
  /** A fault happens each time this many tickers are due. Default: never. */
  faults?: Partial<Record<Fault, number>>
}

/** A running simulated exchange. Ends with `stop()`, or with an `await using`. */
export interface SimulatedExchange extends AsyncDisposable {
  /** For `COINBASE_WS_API_ENDPOINT`. */
  readonly url: string
  /** The WebSocket server: its connections and the frames that came, and ways to refuse or leave handshakes unanswered. */
  readonly provider: WsProvider
  /** The price of a product at its last trade, as text of a ticker. */
  price(product: string): string
  /** Makes a trade of a product now, and sends its ticker. */
  trade(product: string): Ticker
  /** Causes a fault now: closes all connections, or sends a faulty ticker of a product. */
  fault(fault: 'close'): void
  fault(fault: Exclude<Fault, 'close'>, product: string): Ticker
  /** Ends all timers and connections. */
  stop(): Promise<void>
}

const HEARTBEAT_MS = 1_000
const BATCH_MS = 5_000
const SUBSCRIBE_WITHIN_MS = 5_000
const POLICY_VIOLATION = 1008

type Subscription = Topic & { channel: Channel }

/** What one connection is subscribed to. */
class Subscriber {
  private readonly topics = new Map<string, Subscription>()
  private readonly deadline: NodeJS.Timeout

  constructor(readonly connection: ProviderConnection) {
    const tooLate = () => connection.close(POLICY_VIOLATION, 'nothing was subscribed')
    this.deadline = setTimeout(tooLate, SUBSCRIBE_WITHIN_MS)
    void connection.closed.then(() => this.end())
  }

  add(topic: Subscription): void {
    clearTimeout(this.deadline)
    this.topics.set(`${topic.channel} ${topic.product}`, topic)
  }

  remove({ channel, product }: Topic): void {
    this.topics.delete(`${channel} ${product}`)
  }

  has(channel: Channel, product: string): boolean {
    return this.topics.has(`${channel} ${product}`)
  }

  all(): Subscription[] {
    return [...this.topics.values()]
  }

  end(): void {
    clearTimeout(this.deadline)
    this.topics.clear()
  }
}

class Exchange implements SimulatedExchange {
  private readonly walks = new Map<string, ProductWalk>()
  private readonly lastTickers = new Map<string, Ticker>()
  /** Products that traded since the last batch of tickers. */
  private readonly unbatched = new Set<string>()
  private readonly subscribers = new Map<ProviderConnection, Subscriber>()
  private readonly timers: NodeJS.Timeout[] = []
  private tickers = 0

  constructor(
    readonly provider: WsProvider,
    private readonly options: SimulatedExchangeOptions,
  ) {
    for (const [product, price] of Object.entries(options.products ?? DEFAULT_PRODUCTS))
      this.walks.set(product, new ProductWalk(product, price, options.seed ?? 1))
    provider.onConnection((connection) => this.greet(connection))
    provider.onMessage((text, connection) => this.receive(text, connection))
    const { tradeIntervalMs = 250 } = options
    if (tradeIntervalMs > 0) this.every(tradeIntervalMs, () => this.tradeAll())
    this.every(HEARTBEAT_MS, () => this.heartbeat())
    this.every(BATCH_MS, () => this.batch())
  }

  get url(): string {
    return this.provider.url
  }

  price(product: string): string {
    return this.walk(product).quote.price
  }

  trade(product: string): Ticker {
    this.walk(product).trade()
    this.unbatched.add(product)
    const ticker = this.remember(product)
    this.publish(ticker)
    return ticker
  }

  fault(fault: 'close'): void
  fault(fault: Exclude<Fault, 'close'>, product: string): Ticker
  fault(fault: Fault, product?: string): Ticker | void {
    if (fault === 'close' || product === undefined) return this.closeAll()
    const last = this.lastTickers.get(product) ?? this.remember(product)
    this.walk(product).trade()
    const ticker = this.remember(product)
    if (fault === 'old-sequence') ticker.sequence = last.sequence - 1
    if (fault === 'year-1-time') ticker.time = YEAR_ONE
    if (fault === 'zero-price') ticker.price = '0'
    this.publish(ticker)
    return ticker
  }

  async stop(): Promise<void> {
    for (const timer of this.timers.splice(0)) clearInterval(timer)
    for (const subscriber of this.subscribers.values()) subscriber.end()
    await this.provider.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private every(ms: number, run: () => void): void {
    this.timers.push(setInterval(run, ms))
  }

  private walk(product: string): ProductWalk {
    const walk = this.walks.get(product)
    if (walk === undefined) throw new Error(`${product} is not a product of the simulated exchange`)
    return walk
  }

  private greet(connection: ProviderConnection): void {
    this.subscribers.set(connection, new Subscriber(connection))
    void connection.closed.then(() => this.subscribers.delete(connection))
  }

  private receive(text: string, connection: ProviderConnection): void {
    const subscriber = this.subscribers.get(connection)
    if (subscriber === undefined) return
    const message = parseClientMessage(text)
    if (message.type === 'invalid') return connection.send(errorFrame(message.message, message.reason))
    const accepted: Subscription[] = []
    const refused = new Set<string>()
    for (const topic of message.topics) {
      const { channel, product } = topic
      if (message.type === 'unsubscribe') subscriber.remove(topic)
      else if (!this.walks.has(product) || this.isDelisted(product)) refused.add(product)
      else if (isChannel(channel)) accepted.push({ channel, product })
    }
    for (const product of refused) connection.send(errorFrame('Failed to subscribe', this.refusalOf(product)))
    for (const topic of accepted) subscriber.add(topic)
    connection.send(subscriptionsFrame(subscriber.all()))
    const ticking = new Set(accepted.filter(({ channel }) => channel !== 'heartbeat').map((t) => t.product))
    for (const product of ticking) connection.send(this.lastTickers.get(product) ?? this.remember(product))
  }

  private isDelisted(product: string): boolean {
    return this.options.delisted?.includes(product) === true
  }

  private refusalOf(product: string): string {
    return this.isDelisted(product) ? `${product} is delisted` : `${product} is not a valid product`
  }

  /** Makes the ticker of a product's last trade and keeps it: when it is sent again later, it still has the time of the trade. */
  private remember(product: string): Ticker {
    const ticker = tickerFrame(product, this.walk(product).quote, timeText(Date.now()))
    this.lastTickers.set(product, { ...ticker })
    return ticker
  }

  private publish(ticker: Ticker): void {
    for (const subscriber of this.subscribers.values())
      if (subscriber.has('ticker', ticker.product_id)) subscriber.connection.send(ticker)
  }

  private tradeAll(): void {
    const products = new Set<string>()
    for (const subscriber of this.subscribers.values())
      for (const { channel, product } of subscriber.all()) if (channel !== 'heartbeat') products.add(product)
    for (const product of products) {
      this.tickers += 1
      const due = this.dueFault()
      if (due === undefined) this.trade(product)
      else if (due === 'close') return this.closeAll()
      else this.fault(due, product)
    }
  }

  private dueFault(): Fault | undefined {
    const faults = Object.entries(this.options.faults ?? {}) as [Fault, number][]
    return faults.find(([, every]) => this.tickers % every === 0)?.[0]
  }

  private heartbeat(): void {
    for (const subscriber of this.subscribers.values())
      for (const { channel, product } of subscriber.all())
        if (channel === 'heartbeat')
          subscriber.connection.send(heartbeatFrame(product, this.walk(product).quote, Date.now()))
  }

  private batch(): void {
    for (const subscriber of this.subscribers.values())
      for (const { channel, product } of subscriber.all()) {
        const ticker = this.lastTickers.get(product)
        if (channel === 'ticker_batch' && this.unbatched.has(product) && ticker !== undefined)
          subscriber.connection.send(ticker)
      }
    this.unbatched.clear()
  }

  private closeAll(): void {
    for (const { connection } of this.subscribers.values()) connection.close()
  }
}

/**
 * Starts a small exchange on 127.0.0.1 that speaks Coinbase Exchange's WebSocket protocol: subscriptions with partial success,
 * tickers with random prices from a seed, heartbeats, and faults on demand. A product trades only while somebody is subscribed
 * to it, so a subscriber first sees the first price, and what follows depends on the seed alone.
 *
 * @example
 * await using exchange = await simulatedExchange({ products: { 'ETH-USD': 4000 }, tradeIntervalMs: 0 })
 * // ... subscribe to ETH-USD at exchange.url ...
 * exchange.trade('ETH-USD')
 * exchange.fault('zero-price', 'ETH-USD')
 */
export const simulatedExchange = async (options: SimulatedExchangeOptions = {}): Promise<SimulatedExchange> =>
  new Exchange(await wsProvider(), options)
