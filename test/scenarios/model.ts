import { type ReasonClass } from '../../src/validation/reason'

/** An answer of the service, as far as it is judged. */
export interface Answer {
  statusCode: number
  json: {
    result?: unknown
    timestamps?: { providerIndicatedTimeUnixMs?: number }
    error?: { reason?: { code: string; class?: string; message: string } }
    errorMessage?: string
  }
}

const CLASSES: Record<ReasonClass, true> = {
  input: true,
  auth: true,
  quota: true,
  symbol: true,
  provider: true,
  network: true,
  timeout: true,
  decode: true,
  guard: true,
  stale: true,
  'market-closed': true,
  capacity: true,
  starting: true,
  internal: true,
  poison: true,
  clock: true,
}

/** What is known of one feed. */
interface Feed {
  /** The provider's times of its honest values, in their order. */
  honest: Map<number, number>
  servedAsOfMs: number
  /** Since when it has no value. */
  missingMs: number | undefined
}

/** A feed without a value may be without a reason for so long: nothing has been tried yet. */
const TO_TRY_MS = 1_000

/**
 * The reference model: says of each answer whether it is lawful, by what providers have sent. It knows nothing of connections. Of the master
 * properties (`invariants.md`, 23) it checks *traceable*, *honest*, *forward* and *own*, and that each error has a cause.
 */
export class Model {
  readonly unlawful: string[] = []
  readonly codes = new Map<string, number>()
  values = 0
  errors = 0
  private readonly feeds = new Map<string, Feed>()

  /** @param maxAgeMs - how old a value may be that is served, by the provider's time */
  constructor(private readonly maxAgeMs: number) {}

  /** A provider has sent an honest value for a feed. What it sends that is not honest, or on a connection that was left, is not told. */
  sent(feed: string, value: number, asOfMs: number): void {
    const { honest } = this.of(feed)
    honest.set(value, asOfMs)
    for (const [old, at] of honest) {
      if (at > asOfMs - 4 * this.maxAgeMs) break
      honest.delete(old)
    }
  }

  /**
   * Judges an answer for a feed.
   *
   * @param nowMs - the true time
   * @returns whether it has a value
   */
  answered(feed: string, answer: Answer, nowMs: number): boolean {
    const problem =
      answer.statusCode === 200 ? this.value(feed, answer, nowMs) : this.error(feed, answer, nowMs)
    if (problem !== undefined && this.unlawful.length < 20)
      this.unlawful.push(`${feed} at ${Math.round(nowMs)}: ${problem}; ${JSON.stringify(answer.json)}`)
    return answer.statusCode === 200
  }

  private value(feed: string, { json }: Answer, nowMs: number): string | undefined {
    this.values++
    const of = this.of(feed)
    of.missingMs = undefined
    const asOfMs = of.honest.get(json.result as number)
    if (asOfMs === undefined) return 'no honest value of this feed (traceable, own)'
    if (json.timestamps?.providerIndicatedTimeUnixMs !== asOfMs) return 'the time of another value'
    if (nowMs - asOfMs > this.maxAgeMs) return `${nowMs - asOfMs} ms old (honest)`
    if (asOfMs < of.servedAsOfMs) return 'older than what was served before (forward)'
    of.servedAsOfMs = asOfMs
    return undefined
  }

  private error(feed: string, { json }: Answer, nowMs: number): string | undefined {
    this.errors++
    const reason = json.error?.reason
    const missingForMs = nowMs - (this.of(feed).missingMs ??= nowMs)
    if (reason === undefined)
      return json.errorMessage === undefined && missingForMs >= TO_TRY_MS ? 'no reason' : undefined
    this.codes.set(reason.code, (this.codes.get(reason.code) ?? 0) + 1)
    if (!Object.hasOwn(CLASSES, reason.class ?? '')) return 'a class that is not in the list'
    return reason.message === '' ? 'a reason without words' : undefined
  }

  private of(name: string): Feed {
    let feed = this.feeds.get(name)
    if (feed === undefined)
      this.feeds.set(name, (feed = { honest: new Map(), servedAsOfMs: 0, missingMs: undefined }))
    return feed
  }
}
