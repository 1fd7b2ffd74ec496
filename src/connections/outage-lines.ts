import { named, ownerOf } from '../util/line-owner'
import { type Lasting, LogLimiter, NOTABLE_MS } from '../util/log-limiter'
import { type Logger, LoggerFactoryProvider } from '../util/logging'

const KEY = 'outage'

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`

/** A line as a logger takes it. */
export interface OutageLine {
  level: 'warn' | 'error'
  fields?: object
  text: string
  /** Of the layer in which it happened. Default: that of the whole. */
  logger?: Logger
  /** Whether adapters' tests count such lines, so that injected loggers get each of them (contract 10.4). */
  isCounted?: boolean
}

/** How lines after the first one begin. */
interface OutageWords {
  /** Before `for 60 s: …`. */
  none: string
  /** Before `after 31 s; …`. */
  again: string
}

/**
 * What is logged of the outages of one connection, whatever goes wrong in them: a line when one begins, one a minute while it lasts, and one
 * at its end, if it was more than a hitch. All else is for those who look for the reasons of our decisions: `debug`.
 */
export class OutageLines {
  private readonly limiter = new LogLimiter()
  private latest: OutageLine | undefined

  /** @param whose - what the lines are about, which belongs to an adapter */
  constructor(
    private readonly whose: object,
    private readonly logger: Logger,
    private readonly words: OutageWords = { none: 'No connection', again: 'connected again' },
  ) {}

  /** Whether one goes on. */
  get isOpen(): boolean {
    return this.limiter.has(KEY)
  }

  /** Something went wrong because of which there is no connection. */
  failed(line: OutageLine): void {
    this.latest = line
    const { level, fields, text } = line
    const own = named(line.logger ?? this.logger, this.whose)
    const isExact = line.isCounted === true && LoggerFactoryProvider.isInjected
    const isTold = this.limiter.run(KEY, (repeated, lasting) => {
      if (isExact) return
      if (lasting.lastedMs >= NOTABLE_MS) this.goesOn(line, lasting)
      else write(own, level, repeated > 0 ? { ...fields, repeated } : fields, text)
    })
    if (isExact) write(own, level, fields, text)
    else if (!isTold) write(own, 'debug', fields, text)
  }

  /** Nothing is tried for the time being. To be called as often as it is easy. */
  lasts(): void {
    const { latest } = this
    if (latest !== undefined) this.limiter.lasts(KEY, (lasting) => this.goesOn(latest, lasting))
  }

  /**
   * There is a connection again.
   *
   * @param what - what is true since then, such as `212 feeds subscribed`
   */
  over(what?: () => string): void {
    if (!this.isOpen) return
    const isTold = this.limiter.over(KEY, ({ lastedMs }) => {
      const adapter = ownerOf(this.whose)?.adapter.toLowerCase()
      const again = `${this.words.again} after ${seconds(lastedMs)}`
      const text = adapter === undefined ? again : `${adapter}: ${again}`
      this.own.info({ lastedMs }, what === undefined ? text : `${text}; ${what()}`)
    })
    if (!isTold) this.own.debug(`The hitch is over: ${this.words.again}`)
  }

  /** Nobody wants a connection any more. */
  forget(): void {
    this.limiter.over(KEY)
  }

  private goesOn({ fields, text }: OutageLine, lasting: Lasting): void {
    this.own.warn({ ...fields, ...lasting }, `${this.words.none} for ${seconds(lasting.lastedMs)}: ${text}`)
  }

  private get own(): Logger {
    return named(this.logger, this.whose)
  }
}

const write = (
  logger: Logger,
  level: 'debug' | OutageLine['level'],
  fields: object | undefined,
  text: string,
): void => {
  if (fields === undefined) logger[level](text)
  else logger[level](fields, text)
}
