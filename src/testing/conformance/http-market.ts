import '../disposal'
import { answers, type HttpAnswer } from '../http-answer'
import { type HttpProvider, httpProvider } from '../http-provider'
import { Milestones } from '../milestones'
import { type ProviderRequest } from '../provider-request'
import { Asks, type Market } from './market'
import { type HttpDialect, type Quote } from './venue'

/** A symbol is not asked for any more when so many requests were for others. */
const OTHERS = 4

/** A provider over HTTP, which may also be told how to answer single requests. */
export class HttpMarket implements Market {
  private readonly quotes = new Map<string, Quote>()
  private readonly asks = new Asks()
  private readonly milestones: Milestones
  private isMute = false
  private isRefusing = false
  /** What becomes of each answer, as long as this is there. */
  spoil: ((answer: HttpAnswer) => HttpAnswer) | undefined
  /** What the last requests were for. */
  private recent: (readonly string[])[] = []

  constructor(
    readonly provider: HttpProvider,
    private readonly dialect: HttpDialect,
    guardMs: number | undefined,
  ) {
    this.milestones = new Milestones(
      () => `${this.asks.show()}; ${provider.requests.length} requests`,
      guardMs,
    )
    provider.answer((request) => this.answer(request))
  }

  get url(): string {
    return this.provider.url
  }

  get connectionCount(): number {
    return 0
  }

  get largestAsk(): number {
    return this.asks.largest
  }

  quote(symbol: string, quote: Quote): void {
    this.quotes.set(symbol, quote)
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
    return this.untilAsked(symbol, this.asked(symbol) + 1)
  }

  unwanted(symbol: string): Promise<void> {
    this.recent = []
    return this.milestones.until(
      `${OTHERS} requests that are not for ${symbol}`,
      () => this.recent.length === OTHERS && this.recent.every((symbols) => !symbols.includes(symbol)),
    )
  }

  garble(): void {
    this.provider.answerNext(answers.garbage())
  }

  cut(): void {
    this.provider.answerNext(answers.reset())
  }

  mute(): void {
    this.isMute = true
  }

  unmute(): void {
    this.isMute = false
  }

  refuse(): void {
    this.isRefusing = true
  }

  accept(): void {
    this.isRefusing = false
  }

  gone(): Promise<void> {
    // A connection without a request belongs to the process, which keeps it for whoever asks next.
    return Promise.resolve()
  }

  stop(): Promise<void> {
    return this.provider.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private answer(request: ProviderRequest): HttpAnswer {
    const symbols = this.dialect.read(request)
    this.asks.note(symbols)
    this.recent = [...this.recent, symbols].slice(-OTHERS)
    this.milestones.look()
    if (this.isRefusing) return answers.status(503)
    if (this.isMute) return answers.never()
    const had = symbols.flatMap((symbol) => {
      const quote = this.quotes.get(symbol)
      return quote === undefined ? [] : [[symbol, quote] as const]
    })
    const answer = this.dialect.answer(new Map(had), request)
    return this.spoil?.(answer) ?? answer
  }
}

/** Starts a provider over HTTP. */
export const httpMarket = async (dialect: HttpDialect, guardMs?: number): Promise<HttpMarket> =>
  new HttpMarket(await httpProvider({ guardMs }), dialect, guardMs)
