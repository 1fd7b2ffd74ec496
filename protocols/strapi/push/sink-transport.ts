import { metrics } from '../../../src/public/metrics'
import { Gate } from '../../../src/util/gate'
import { LogLimiter } from '../../../src/util/log-limiter'
import { makeLogger } from '../../../src/util/logging'
import { type EmptyInputParameters } from '../../../src/public/validation/input-params'
import { type ConnectionStatus } from '../../../src/connections/connection-status'
import { PeerTransport } from '../../../src/transports/peer/peer-transport'
import { type Reason } from '../../../src/transports/peer/terms'
import { type EndpointContext } from '../../../src/public/adapter/types'
import { type TransportGenerics } from '../../../src/public/transports'
import { shownUrl } from '../../../src/connections/connection-stats'
import { transferUrl } from '../admin-url'
import { TransferError } from '../errors'
import { outageCodeOf } from '../outage'
import { delayAfter, MIN_INTERVAL_MS, TransferSchedule } from '../transfer-schedule'
import { type SinkMode } from './plan'
import { type PushServer } from './push-transfer'
import { Sink, type SinkReport, type SinkTask } from './sink'
import { keepWanted, type SinkSource } from './sink-feeds'

const logger = makeLogger('StrapiPush')

export type StrapiPushGenerics = TransportGenerics & {
  Parameters: EmptyInputParameters
  Response: { Result: number; Data: SinkReport }
}

export interface SinkConnection extends Omit<PushServer, 'owner'> {
  /** Token with the `pull` permission, for looking up a push of unknown outcome. Default: the token that pushes. */
  verifyToken?: string | undefined
}

export interface StrapiPushConfig<Source extends TransportGenerics, Settings> {
  /** Where to push to, and with which token. Asked before each push. */
  connection: (settings: Settings) => SinkConnection
  /**
   * Pause between the end of one push and the beginning of the next, in ms; at least 60 000. Values that came in between and were
   * replaced again are not pushed.
   */
  intervalMs: (settings: Settings) => number
  /** What happens to the rows that are there. Has no default. */
  mode: (settings: Settings) => SinkMode
  /** Identifier of the content type, such as `api::price.price`. */
  contentType: (settings: Settings) => string
  source: (settings: Settings) => SinkSource<Source>
}

/**
 * Writes the values that another endpoint of the adapter serves into a Strapi server, at an interval, for as long as the process runs;
 * what has not changed since it was pushed is not pushed again. It begins when every feed has a value, or after one interval. Requests to its own endpoint get a {@link SinkReport}.
 */
export class StrapiPushTransport<
  Source extends TransportGenerics,
  T extends StrapiPushGenerics,
> extends PeerTransport<T> {
  private context: EndpointContext<T> | undefined
  private failingSince = 0
  private readonly startedAt = Date.now()
  private readonly limiter = new LogLimiter()
  /** Closed at the start, while feeds have no value yet for no fault of anybody's. */
  private readonly patience = new Gate()
  private hasBegun = false
  private schedule = this.newSchedule()
  private readonly sink = new Sink<Source>({
    pushed: (outcome) =>
      metrics.get('transportPushes').inc({
        ...this.app(),
        adapter_endpoint: this.context?.endpointName ?? '',
        transport: this.name,
        outcome,
      }),
    lost: (reason, detail, error) => this.fault(reason, () => detail, error),
  })

  constructor(private readonly config: StrapiPushConfig<Source, T['Settings']>) {
    super()
  }

  protected async tend(context: EndpointContext<T>): Promise<void> {
    const isFirst = this.context === undefined
    this.context = context
    const source = this.config.source(context.adapterSettings)
    await keepWanted(source)
    if (isFirst) this.patience.close(this.intervalMs)
    this.hasBegun ||= !this.patience.isClosed || (await this.sink.isComplete(source))
    if (this.hasBegun) this.schedule.want(true)
    if ((await this.subscriptionSet.getAll()).length > 0) await this.answer()
  }

  protected async letGo(): Promise<void> {
    this.patience.stop()
    await this.schedule.stop()
    const { rowsInDoubt } = this.sink
    if (rowsInDoubt > 0)
      logger.error({ rowsInDoubt }, 'Stopped while it is unknown whether rows were committed')
  }

  protected renew(): void {
    this.schedule = this.newSchedule()
  }

  private newSchedule(): TransferSchedule {
    return new TransferSchedule({
      pull: (signal) => this.pushDue(signal),
      delayAfter: (error, failures) => delayAfter(error, failures, this.intervalMs),
    })
  }

  protected connections(): ConnectionStatus[] {
    const { state, lastError, lastErrorAtUnixMs, nextAttemptUnixMs } = this.schedule
    const { committedAtUnixMs, committedPushes, committedRows } = this.sink.report
    return [
      {
        role: 'client',
        state: state === 'pulling' ? 'pushing' : state,
        url: this.shownUrl,
        sinceUnixMs: committedAtUnixMs || this.startedAt,
        opened: committedPushes,
        ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }),
        ...(lastError && {
          lastError: { code: lastError.reason, message: lastError.message, unixMs: lastErrorAtUnixMs },
        }),
        details: { committedRows, rowsInDoubt: this.sink.rowsInDoubt },
      },
    ]
  }

  protected outage(): Reason | undefined {
    const { lastError, nextAttemptUnixMs } = this.schedule
    const next = nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }
    if (lastError !== undefined) {
      const { message } = lastError
      return { code: outageCodeOf(lastError), message, sinceUnixMs: this.failingSince, ...next }
    }
    if (this.sink.report.committedPushes > 0) return undefined
    return { code: 'STARTING', message: 'Nothing has been pushed to Strapi yet', sinceUnixMs: this.startedAt }
  }

  private get intervalMs(): number {
    const { context } = this
    return Math.max(
      context === undefined ? 0 : this.config.intervalMs(context.adapterSettings),
      MIN_INTERVAL_MS,
    )
  }

  private get shownUrl(): string {
    if (this.context === undefined) return ''
    try {
      return shownUrl(transferUrl(this.config.connection(this.context.adapterSettings).adminUrl, 'push'))
    } catch {
      return ''
    }
  }

  /** The report, or what is wrong, as of now: it is our own state and never old. */
  private async answer(): Promise<void> {
    const { lastError } = this.schedule
    const params = {} as never
    if (lastError !== undefined) {
      // An error does not replace a live value: that has to end first.
      await this.responseCache.writeTTL(this.name, [params], 0)
      return this.intake.writeError(params, 502, `The last push to Strapi failed: ${lastError.message}`)
    }
    const { report } = this.sink
    if (report.committedPushes === 0) return
    this.deliver([{ params, response: { result: report.result, data: { ...report } } }], Date.now())
  }

  private async pushDue(signal: AbortSignal): Promise<void> {
    if (this.context === undefined) return
    try {
      await this.sink.pass(this.task(this.context.adapterSettings), signal)
      this.failingSince = 0
    } catch (error) {
      if (!signal.aborted) this.failed(error)
      throw error
    }
  }

  private task(settings: T['Settings']): SinkTask<Source> {
    const { verifyToken, ...connection } = this.config.connection(settings)
    const server = { ...connection, owner: this.name }
    return {
      server,
      verification: { ...server, token: verifyToken ?? connection.token },
      mode: this.config.mode(settings),
      contentType: this.config.contentType(settings),
      source: this.config.source(settings),
    }
  }

  private failed(error: unknown): void {
    const { reason, message, said, kind } = error instanceof TransferError ? error : DEFECT
    const { rowsInDoubt } = this.sink
    if (this.failingSince === 0) this.failingSince = Date.now()
    this.fault(rowsInDoubt > 0 ? 'outcome-unknown' : reason, () => message, error)
    const mustAct = rowsInDoubt > 0 || kind === 'protocol' || kind === 'configuration'
    const text = rowsInDoubt > 0 ? `It is unknown whether a push was committed: ${message}` : message
    this.limiter.run(text, (repeated) =>
      logger[mustAct ? 'error' : 'warn'](
        { reason, said, repeated, rowsInDoubt, transport: this.name, url: this.shownUrl },
        text,
      ),
    )
  }
}

const DEFECT = new TransferError('answer-unexpected', 'A push ended by a defect')
