import { type ProviderResult } from '../../src/public/util/types'
import { type SubscriptionDeltas } from '../../src/public/transports/abstract/streaming'
import { LogLimiter } from '../../src/util/log-limiter'
import { makeLogger } from '../../src/util/logging'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { PeerTransport } from '../../src/transports/peer/peer-transport'
import { type Reason } from '../../src/transports/peer/terms'
import { type EndpointContext } from '../../src/public/adapter/types'
import { type TransportDependencies, type TransportGenerics } from '../../src/public/transports'
import { ConnectionStats, shownUrl } from '../../src/connections/connection-stats'
import { serverKey, transferUrl } from './admin-url'
import { AllowedTypes } from './content-types'
import { TransferError } from './errors'
import { type ContentTypeMapping } from './mapping'
import { outageCodeOf } from './outage'
import { Pull, type PullOptions } from './pull'
import { delayAfter, MIN_INTERVAL_MS, TransferSchedule } from './transfer-schedule'
import { checkSchemas } from './schema-check'
import { withServer } from './server-lock'
import { type Snapshot, SnapshotBuilder } from './snapshot'
import { Ambiguous, BySpelling } from './spellings'
import { ageMs, instant } from '../../src/util/clock'

const logger = makeLogger('StrapiPull')

const DEFAULT_TRANSFER_TIMEOUT_MS = 300_000
const DEFAULT_MAX_ROWS = 50_000
const NO_ROW = 'Strapi has no published entry for this'

/** Why a feed has no row. Which feed a refused one would have been of is mostly not known. */
const absence = ({ refused }: Pick<Snapshot<never>, 'refused'>): string => {
  if (refused.size === 0) return NO_ROW
  const causes = [...refused].map(([reason, rows]) => `${rows} for ${reason}`).join(', ')
  return `${NO_ROW} that can be used; entries were refused: ${causes}`
}

type Params<T extends TransportGenerics> = TypeFromDefinition<T['Parameters']>

export interface StrapiPullConfig<T extends TransportGenerics> {
  /** Where to pull from, and with which token. Asked before each pull. */
  connection: (adapterSettings: T['Settings']) => PullOptions
  /**
   * Pause between the end of one pull and the beginning of the next, in ms; at least 60 000. Pulls are made only while a feed is wanted.
   * `CACHE_MAX_AGE` must be longer, by the time that a pull takes.
   */
  intervalMs: (adapterSettings: T['Settings']) => number
  /** From rows to results, one mapping for each content type. Nothing of any other content type is kept. */
  mappings: (adapterSettings: T['Settings']) => readonly ContentTypeMapping<ProviderResult<T>>[]
  /** How long a whole pull may take, in ms. Default 300 000. */
  transferTimeoutMs?: number
  /** With more rows of the mapped content types, drafts included, a pull fails. Default 50 000. */
  maxRows?: number
}

/**
 * Keeps the feeds of an endpoint filled from a Strapi server's content by periodic pulls. A pull that was not whole (an error, a row
 * left out, a lost connection) changes nothing; one that was replaces what is known, so that an entry that was deleted or unpublished
 * ends at once. One pull at a time per server and process.
 */
export class StrapiPullTransport<T extends TransportGenerics> extends PeerTransport<T> {
  private settings!: T['Settings']
  private intervalMs = MIN_INTERVAL_MS
  private snapshot: Snapshot<ProviderResult<T>> | undefined
  private bySpelling = new BySpelling<ProviderResult<T>>([])
  private version: string | undefined
  private pulls = 0
  private failingSince = 0
  private readonly stats = new ConnectionStats(this.app)
  private readonly limiter = new LogLimiter()
  private readonly startedAt = Date.now()
  private schedule: TransferSchedule

  constructor(private readonly config: StrapiPullConfig<T>) {
    super()
    this.schedule = this.newSchedule()
  }

  /** @throws Error when the interval is not a number */
  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, transportName)
    this.settings = adapterSettings
    const intervalMs = this.config.intervalMs(adapterSettings)
    if (!Number.isFinite(intervalMs)) throw new Error(`The interval of ${endpointName} is not a number`)
    this.intervalMs = Math.max(intervalMs, MIN_INTERVAL_MS)
  }

  /** Asks for a pull before its time, for example because an editor has published something. */
  pullNow(): void {
    this.schedule.trigger()
  }

  protected tend(_context: EndpointContext<T>, subscriptions: SubscriptionDeltas<Params<T>>): void {
    this.schedule.want(subscriptions.desired.length > 0)
    const { snapshot } = this
    const isLive = snapshot !== undefined && this.lifeLeft(snapshot) > 0
    if (isLive && subscriptions.new.length > 0) this.serve(snapshot, subscriptions.new)
  }

  protected letGo(): Promise<void> {
    return this.schedule.stop()
  }

  protected renew(): void {
    this.schedule = this.newSchedule()
  }

  private newSchedule(): TransferSchedule {
    return new TransferSchedule({
      pull: (signal) => this.pull(signal),
      delayAfter: (error, failures) => delayAfter(error, failures, this.intervalMs),
    })
  }

  protected connections(): ConnectionStatus[] {
    const { state, lastError, lastErrorAtUnixMs, nextAttemptUnixMs } = this.schedule
    const { snapshot, pulls } = this
    return [
      {
        role: 'client',
        state,
        url: this.shownUrl,
        sinceUnixMs: snapshot?.received.unixMs ?? this.startedAt,
        opened: pulls,
        ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }),
        ...(lastError && {
          lastError: { code: lastError.reason, message: lastError.message, unixMs: lastErrorAtUnixMs },
        }),
        details: { feeds: snapshot?.results.size ?? 0, ...(this.version && { serverVersion: this.version }) },
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
    if (this.snapshot !== undefined) return undefined
    const message = 'The first transfer from Strapi is not over yet'
    return { code: 'STARTING', message, sinceUnixMs: this.startedAt }
  }

  private get shownUrl(): string {
    try {
      return shownUrl(transferUrl(this.config.connection(this.settings).adminUrl, 'pull'))
    } catch {
      return ''
    }
  }

  /** How much longer the values of a snapshot may be served, in ms. */
  private lifeLeft({ received }: Snapshot<ProviderResult<T>>): number {
    return this.settings.CACHE_MAX_AGE - ageMs(received)
  }

  private async pull(signal: AbortSignal): Promise<void> {
    if (this.intervalMs >= this.settings.CACHE_MAX_AGE) {
      const limits = { intervalMs: this.intervalMs, CACHE_MAX_AGE: this.settings.CACHE_MAX_AGE }
      this.limiter.run('interval', () => logger.error(limits, 'Values expire between two pulls from Strapi'))
    }
    const options = this.config.connection(this.settings)
    const holdMs = this.config.transferTimeoutMs ?? DEFAULT_TRANSFER_TIMEOUT_MS
    try {
      const turn = { owner: this.name, waitMs: holdMs, holdMs }
      await withServer(serverKey(options.adminUrl), turn, signal, (held) => this.transfer(options, held))
      this.failingSince = 0
    } catch (error) {
      if (!signal.aborted) this.failed(error)
      throw error
    }
  }

  private async transfer(options: PullOptions, signal: AbortSignal): Promise<void> {
    this.stats.attempted()
    const pull = await Pull.open(options, signal)
    this.pulls++
    this.stats.active(true)
    void pull.closed.then(({ code }) => this.stats.closed(code, this.shownUrl))
    this.providerDataStreamEstablished = Date.now()
    try {
      await this.replace(await this.read(pull))
      // Everything is read: how the server takes the farewell changes nothing.
      await pull
        .finish()
        .catch((error: unknown) => this.fault('farewell-failed', () => 'close or end', error))
    } finally {
      const { ignoredFrames } = pull
      if (ignoredFrames > 0) this.fault('frame-ignored', () => `${ignoredFrames} frames of one transfer`)
      pull.abandon()
      this.stats.active(false)
    }
  }

  private async read(pull: Pull): Promise<Snapshot<ProviderResult<T>>> {
    const mappings = this.config.mappings(this.settings)
    const types = new AllowedTypes(mappings.map(({ contentType }) => contentType))
    this.version = (await pull.getMetadata()).version
    checkSchemas(await pull.getSchemas(), mappings)
    const builder = new SnapshotBuilder<ProviderResult<T>>({
      mappings,
      maxRows: this.config.maxRows ?? DEFAULT_MAX_ROWS,
      keyOf: ({ params }) => this.responseCache.getCacheKey(this.name, params),
      onFault: (reason, detail, error) => this.fault(reason, () => detail, error),
    })
    for await (const rows of pull.entities(types, (type) => builder.malformed(type)))
      builder.add(rows, instant())
    if (pull.warnings > 0)
      throw new TransferError('loss-warning', 'Strapi left out something of its content', {
        said: pull.lastWarning,
      })
    return builder.build(instant())
  }

  private async replace(snapshot: Snapshot<ProviderResult<T>>): Promise<void> {
    this.snapshot = snapshot
    this.bySpelling = new BySpelling(
      [...snapshot.results.values()].map((result) => ({ names: result.params, result })),
    )
    const wanted = await this.subscriptionSet.getAll()
    const gone = wanted.filter((params) => {
      const found = this.bySpelling.find(params)
      return found instanceof Ambiguous || (found === undefined && snapshot.isUnspoiled)
    })
    // An error does not replace a live value: that has to end first.
    await this.responseCache.writeTTL(this.name, gone, 0)
    this.serve(snapshot, wanted)
  }

  /** Answers feeds from a snapshot, as of when it was received. */
  private serve(snapshot: Snapshot<ProviderResult<T>>, feeds: readonly Params<T>[]): void {
    const known: ProviderResult<T>[] = []
    for (const params of feeds) {
      const result = this.bySpelling.find(params)
      if (result instanceof Ambiguous) this.intake.writeError(params, 400, result.message)
      else if (result === undefined) this.intake.writeError(params, 502, absence(snapshot))
      else known.push({ params, response: { ...result.response } })
    }
    this.deliver(known, snapshot.received.unixMs)
    this.shortenLife(known, this.lifeLeft(snapshot))
  }

  /** What is written begins its life now, which an old snapshot may not. */
  private shortenLife(results: readonly ProviderResult<T>[], lifeMs: number): void {
    const { responseCache, name } = this
    if (results.length === 0) return
    const feeds = results.map(({ params }) => params)
    responseCache
      .writeTTL(name, feeds, lifeMs)
      .catch((error: unknown) => this.fault('handler-failed', () => 'a write to the cache', error))
  }

  private failed(error: unknown): void {
    const { reason, message, said, kind } = error instanceof TransferError ? error : DEFECT
    if (this.failingSince === 0) this.failingSince = Date.now()
    this.fault(reason, () => message, error)
    this.stats.errored(reason)
    const level = kind === 'protocol' || kind === 'configuration' ? 'error' : 'warn'
    this.limiter.run(reason, (repeated) =>
      logger[level]({ reason, said, repeated, transport: this.name, url: this.shownUrl }, message),
    )
  }
}

const DEFECT = new TransferError('answer-unexpected', 'A transfer ended by a defect')
