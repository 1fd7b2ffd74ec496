import '../disposal'
import { Milestones } from '../milestones'
import { type ProviderConnection } from '../provider-connection'
import { type WsProvider, wsProvider } from '../ws-provider'
import { Asks, GARBAGE, type Market } from './market'
import { type Quote, type WsDialect } from './venue'

/** Going away: what a provider says that is restarted. */
const GOING_AWAY = 1001

/** One connection, and what is subscribed on it. */
interface Session {
  connection: ProviderConnection
  dialect: WsDialect
  symbols: Set<string>
}

class WsMarket implements Market {
  private readonly quotes = new Map<string, Quote>()
  private readonly sessions: Session[] = []
  private readonly asks = new Asks()
  private readonly milestones: Milestones
  private isMute = false

  constructor(
    private readonly provider: WsProvider,
    private readonly dialect: () => WsDialect,
    guardMs: number | undefined,
  ) {
    this.milestones = new Milestones(
      () => `${this.asks.show()}; ${this.connectionCount} connections, ${provider.openCount} open`,
      guardMs,
    )
    provider.onConnection((connection) => this.greet(connection))
    provider.onMessage((text, connection) => this.receive(text, connection))
  }

  get url(): string {
    return this.provider.url
  }

  get connectionCount(): number {
    return this.provider.connections.length
  }

  get largestAsk(): number {
    return this.asks.largest
  }

  quote(symbol: string, quote: Quote): void {
    this.quotes.set(symbol, quote)
    if (this.isMute) return
    for (const { connection, dialect, symbols } of this.open())
      if (symbols.has(symbol)) connection.send(dialect.price(symbol, quote))
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
    for (const { connection } of this.open()) for (const text of GARBAGE) connection.send(text)
  }

  cut(): void {
    for (const { connection } of this.open()) connection.close(GOING_AWAY)
  }

  mute(): void {
    this.isMute = true
    for (const { connection } of this.sessions) connection.freeze()
  }

  unmute(): void {
    this.isMute = false
    for (const { connection } of this.sessions) connection.thaw()
  }

  refuse(): void {
    this.provider.refuse()
    this.cut()
  }

  accept(): void {
    this.provider.accept()
  }

  gone(): Promise<void> {
    return this.milestones.until('the end of every connection', () => this.provider.openCount === 0)
  }

  stop(): Promise<void> {
    return this.provider.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private open(): Session[] {
    return this.sessions.filter(({ connection }) => connection.isOpen)
  }

  private isSubscribed(symbol: string): boolean {
    return this.open().some(({ symbols }) => symbols.has(symbol))
  }

  private greet(connection: ProviderConnection): void {
    const session = { connection, dialect: this.dialect(), symbols: new Set<string>() }
    this.sessions.push(session)
    if (this.isMute) return connection.freeze()
    for (const frame of session.dialect.greeting?.() ?? []) connection.send(frame)
    void connection.closed.then(() => this.milestones.look())
  }

  private receive(text: string, connection: ProviderConnection): void {
    const session = this.sessions[connection.index]!
    const { subscribe = [], unsubscribe = [], reply = [] } = session.dialect.read(text) ?? {}
    for (const frame of reply) connection.send(frame)
    this.asks.note(subscribe)
    for (const symbol of subscribe) this.subscribe(session, symbol, text)
    for (const symbol of unsubscribe) session.symbols.delete(symbol)
    this.milestones.look()
  }

  private subscribe({ connection, dialect, symbols }: Session, symbol: string, text: string): void {
    const quote = this.quotes.get(symbol)
    const frames =
      quote === undefined
        ? dialect.refuse?.(symbol, text)
        : [...(dialect.accept?.(symbol, text) ?? []), dialect.price(symbol, quote)]
    if (quote !== undefined) symbols.add(symbol)
    for (const frame of frames ?? []) connection.send(frame)
  }
}

/** Starts a provider over a WebSocket. @param dialect - made anew for each connection */
export const wsMarket = async (dialect: () => WsDialect, guardMs?: number): Promise<Market> =>
  new WsMarket(await wsProvider(), dialect, guardMs)
