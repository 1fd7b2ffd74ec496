import { type Quote } from './venue'

/** A provider that knows prices and talks as a dialect says. Ends with `stop()`, or with an `await using`. */
export interface Market extends AsyncDisposable {
  readonly url: string
  /** How many connections, or streams, there ever were. */
  readonly connectionCount: number
  /** The most symbols that one message, or request, was for. */
  readonly largestAsk: number
  /** The provider has the symbol from now on. Who is subscribed is sent it at once, who asks is answered with it. */
  quote(symbol: string, quote: Quote): void
  /** How often it was asked for. */
  asked(symbol: string): number
  /** Waits until it was asked for so often. */
  untilAsked(symbol: string, count: number): Promise<void>
  /** Waits until it is subscribed on what is open now, or asked for once more. */
  wanted(symbol: string): Promise<void>
  /** Waits until it was unsubscribed, or is asked for no more while others are. */
  unwanted(symbol: string): Promise<void>
  /** Sends what cannot be read. */
  garble(): void
  /** Ends the connection in use. */
  cut(): void
  /** From now on nothing is said any more; connections stay. */
  mute(): void
  /** Ends {@link mute}. */
  unmute(): void
  /** From now on nobody is let in, with status 503; who is in is put out. */
  refuse(): void
  /** Ends {@link refuse}. */
  accept(): void
  /** Waits until every connection that there ever was has ended. */
  gone(): Promise<void>
  stop(): Promise<void>
}

/** Texts that are no messages of any provider. */
export const GARBAGE: readonly string[] = [
  '',
  '{',
  'null',
  'true',
  '17',
  '"text"',
  '[]',
  '{}',
  '[null]',
  '{"type":null,"data":[null,{}]}',
  'NaN',
  '\u0000\u{1f600}',
]

/** Who asked for what, and how often. */
export class Asks {
  private readonly counts = new Map<string, number>()
  largest = 0

  of(symbol: string): number {
    return this.counts.get(symbol) ?? 0
  }

  note(symbols: readonly string[]): void {
    this.largest = Math.max(this.largest, symbols.length)
    for (const symbol of symbols) this.counts.set(symbol, this.of(symbol) + 1)
  }

  /** For messages of waits that fail. */
  show(): string {
    return (
      [...this.counts].map(([symbol, count]) => `${symbol} asked for ${count} times`).join(', ') || 'nothing'
    )
  }
}
