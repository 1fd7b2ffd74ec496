import '../disposal'
import { type EventStream } from '../event-stream'
import { answers, type HttpAnswer } from '../http-answer'
import { type HttpProvider, httpProvider } from '../http-provider'
import { Milestones } from '../milestones'
import { type ProviderRequest } from '../provider-request'
import { Asks, GARBAGE, type Market } from './market'
import { type Quote, type SseDialect } from './venue'

class SseMarket implements Market {
  private readonly quotes = new Map<string, Quote>()
  /** What is subscribed on the stream in use. */
  private symbols = new Set<string>()
  private readonly asks = new Asks()
  private readonly milestones: Milestones
  private isMute = false
  private isRefusing = false

  constructor(
    private readonly provider: HttpProvider,
    private readonly dialect: SseDialect,
    guardMs: number | undefined,
  ) {
    this.milestones = new Milestones(
      () => `${this.asks.show()}; ${this.connectionCount} streams, ${provider.openCount} open`,
      guardMs,
    )
    provider.answer((request) => this.answer(request))
    provider.onStream((stream) => this.begin(stream))
  }

  get url(): string {
    return this.provider.url
  }

  get connectionCount(): number {
    return this.provider.streams.length
  }

  get largestAsk(): number {
    return this.asks.largest
  }

  quote(symbol: string, quote: Quote): void {
    this.quotes.set(symbol, quote)
    if (!this.isMute && this.symbols.has(symbol)) this.inUse()?.send(this.dialect.price(symbol, quote))
  }

  asked(symbol: string): number {
    return this.asks.of(symbol)
  }

  untilAsked(symbol: string, count: number): Promise<void> {
    return this.milestones.until(
      `${symbol} to be asked for ${count} times`,
      () => this.asked(symbol) >= count,
    )
  }

  wanted(symbol: string): Promise<void> {
    return this.milestones.until(`a subscription of ${symbol}`, () => this.isSubscribed(symbol))
  }

  unwanted(symbol: string): Promise<void> {
    return this.milestones.until(`the end of the subscription of ${symbol}`, () => !this.isSubscribed(symbol))
  }

  garble(): void {
    const stream = this.inUse()
    for (const data of GARBAGE) {
      // As every type of event that the dialect has.
      for (const { type } of [...this.quotes].map(([symbol, quote]) => this.dialect.price(symbol, quote)))
        stream?.send({ data, ...(type !== undefined && { type }) })
      stream?.sendBytes(`${data}\n\n`)
    }
  }

  cut(): void {
    this.symbols.clear()
    this.inUse()?.destroy()
  }

  mute(): void {
    this.isMute = true
  }

  unmute(): void {
    this.isMute = false
  }

  refuse(): void {
    this.isRefusing = true
    this.cut()
  }

  accept(): void {
    this.isRefusing = false
  }

  gone(): Promise<void> {
    return this.milestones.until('the end of every stream', () => this.provider.openCount === 0)
  }

  stop(): Promise<void> {
    return this.provider.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private inUse(): EventStream | undefined {
    return this.provider.streams.findLast(({ isOpen }) => isOpen)
  }

  private isSubscribed(symbol: string): boolean {
    return this.inUse() !== undefined && this.symbols.has(symbol)
  }

  private answer(request: ProviderRequest): HttpAnswer {
    if (this.isRefusing) return answers.status(503)
    if (this.isMute) return answers.never()
    if (request.headers.accept === 'text/event-stream') return answers.stream()
    this.take(request)
    return answers.json({})
  }

  private begin(stream: EventStream): void {
    this.symbols = new Set()
    void stream.closed.then(() => this.milestones.look())
    this.take(stream.request)
  }

  private take(request: ProviderRequest): void {
    const { subscribe = [], unsubscribe = [], reply = [] } = this.dialect.read(request) ?? {}
    const stream = this.inUse()
    for (const event of reply) stream?.send(event)
    this.asks.note(subscribe)
    for (const symbol of subscribe) this.subscribe(symbol, stream)
    for (const symbol of unsubscribe) this.symbols.delete(symbol)
    this.milestones.look()
  }

  private subscribe(symbol: string, stream: EventStream | undefined): void {
    const quote = this.quotes.get(symbol)
    const events =
      quote === undefined
        ? this.dialect.refuse?.(symbol)
        : [...(this.dialect.accept?.(symbol) ?? []), this.dialect.price(symbol, quote)]
    if (quote !== undefined) this.symbols.add(symbol)
    for (const event of events ?? []) stream?.send(event)
  }
}

/** Starts a provider of server-sent events. */
export const sseMarket = async (dialect: SseDialect, guardMs?: number): Promise<Market> =>
  new SseMarket(await httpProvider(), dialect, guardMs)
