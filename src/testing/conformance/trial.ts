import { type Adapter } from '../../adapter/adapter'
import { renderMetrics } from '../../metrics/render'
import { bodyOf, reasonOf } from '../answer-body'
import { guarded } from '../guard'
import { parseSamples } from '../samples'
import { type Reply, serve, type Served } from '../serve'
import { type Variables } from '../env'
import { HttpMarket, httpMarket } from './http-market'
import { type Market } from './market'
import { sseMarket } from './sse-market'
import { type Venue, type VenueFeed } from './venue'
import { wsMarket } from './ws-market'

/** How a provider is reached. */
export type Kind = 'ws' | 'sse' | 'http'

export const kindOf = (venue: Venue): Kind => ('ws' in venue ? 'ws' : 'sse' in venue ? 'sse' : 'http')

/** What is not there is answered soon, and what was lost is tried again soon. */
const SOON: Variables = {
  BACKGROUND_EXECUTE_MS_HTTP: '10',
  BACKGROUND_EXECUTE_MS_SSE: '10',
  BACKGROUND_EXECUTE_MS_WS: '10',
  CACHE_POLLING_MAX_RETRIES: '1',
  CACHE_POLLING_SLEEP_MS: '50',
  METRICS_ENABLED: 'true',
  RATE_LIMIT_CAPACITY_SECOND: '100',
  RETRY: '0',
  STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
  STREAM_HANDLER_RETRY_MIN_MS: '100',
}

/** Reasons that say no more than that nothing is there yet. */
const UNSAID: readonly unknown[] = [undefined, 'STARTING', 'NO_DATA_YET']

const marketOf = (venue: Venue): Promise<Market> => {
  const { guardMs } = venue
  if ('ws' in venue) return wsMarket(venue.ws, guardMs)
  return 'sse' in venue ? sseMarket(venue.sse, guardMs) : httpMarket(venue.http, guardMs)
}

/** An adapter that is tried, and its provider in the test's hands. */
export class Trial {
  readonly kind: Kind

  private constructor(
    readonly venue: Venue,
    readonly market: Market,
    readonly service: Served,
    /** Before the adapter was started, by `performance.now()`. */
    readonly startedMs: number,
  ) {
    this.kind = kindOf(venue)
  }

  /** Begins one, and ends it when this has run. Both feeds have a price of 100. */
  static async run(
    venue: Venue,
    env: Variables | undefined,
    run: (trial: Trial) => Promise<void>,
  ): Promise<void> {
    const trial = await Trial.begin(venue, env)
    // No `using`: the bundle of the package is not compiled for Node.js 20.
    try {
      await run(trial)
    } finally {
      await trial.end()
    }
  }

  private static async begin(venue: Venue, env: Variables = {}): Promise<Trial> {
    const market = await marketOf(venue)
    for (const { symbol } of venue.feeds) market.quote(symbol, { price: 100, timeMs: Date.now() })
    try {
      const startedMs = performance.now()
      // Whatever the settings of its own are: only those that every adapter has are looked at.
      const adapter = venue.adapter as () => Adapter | Promise<Adapter>
      const service = await serve(adapter, { env: { ...SOON, ...venue.env(market.url), ...env } })
      return new Trial(venue, market, service, startedMs)
    } catch (error) {
      await market.stop()
      throw error
    }
  }

  get first(): VenueFeed {
    return this.venue.feeds[0]
  }

  get second(): VenueFeed {
    return this.venue.feeds[1]
  }

  get http(): HttpMarket {
    if (!(this.market instanceof HttpMarket)) throw new Error(`${this.venue.name} is not asked over HTTP`)
    return this.market
  }

  /** The provider says this of a feed, as of now. */
  quote({ symbol }: VenueFeed, price: unknown, timeMs = Date.now()): void {
    this.market.quote(symbol, { price, timeMs })
  }

  post({ params }: VenueFeed): Promise<Reply> {
    const { endpoint } = this.venue
    return this.service.post(params, { ...(endpoint !== undefined && { endpoint }) })
  }

  /** Asks until a reply is what is waited for. @param what - in words */
  async ask(feed: VenueFeed, what: string, isIt: (reply: Reply) => boolean): Promise<Reply> {
    let last: Reply | undefined
    let isOver = false
    const ask = async (): Promise<Reply> => {
      for (;;) {
        const reply = (last = await this.post(feed))
        if (isOver || isIt(reply)) return reply
        // Others have to get a turn, too.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    return guarded<Reply>({
      guardMs: this.venue.guardMs,
      describe: () =>
        `${feed.symbol} to be answered with ${what}; the last answer was ${last ? `${last.statusCode} ${last.text}` : 'still out'}`,
      begin: ({ resolve, reject }) => {
        ask().then(resolve, reject)
        return () => (isOver = true)
      },
    })
  }

  async serves(feed: VenueFeed, price: number): Promise<Reply> {
    const isIt = (reply: Reply) => reply.statusCode === 200 && bodyOf(reply).result === price
    return this.ask(feed, `the price ${price}`, isIt)
  }

  /** Both feeds are served with their first price. */
  async served(): Promise<void> {
    for (const feed of this.venue.feeds) await this.serves(feed, 100)
  }

  /** Asks until it is said why there is no price. */
  async named(feed: VenueFeed): Promise<Reply> {
    const isIt = (reply: Reply) =>
      typeof bodyOf(reply).errorMessage === 'string' || !UNSAID.includes(reasonOf(reply))
    return this.ask(feed, 'a reason', isIt)
  }

  /** Resolves when the adapter has dealt with what the provider has said of the first feed. @param price - a new one of the second feed */
  async settled(price: number): Promise<void> {
    const { first, second, market } = this
    this.quote(second, price)
    // What was asked for now is answered and dealt with before it is asked for again.
    if (this.kind === 'http') await market.untilAsked(first.symbol, market.asked(first.symbol) + 2)
    await this.serves(second, price)
  }

  /** How many values of this adapter were refused. */
  async refusals(): Promise<number> {
    const { name } = this.service.adapter
    return parseSamples(await renderMetrics())
      .filter((sample) => sample.name === 'data_refused_total' && sample.labels['app_name'] === name)
      .reduce((sum, { value }) => sum + value, 0)
  }

  private async end(): Promise<void> {
    this.market.unmute()
    await this.service.stop()
    await this.market.stop()
  }
}
