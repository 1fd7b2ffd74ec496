import { type Instant } from '../util/clock'
import { isObject } from '../util/objects'
import { withIt } from '../feeds/error-reason'
import { Refusals, type RefusalReason } from '../feeds/refusals'
import { ResponseCache } from '../feeds/response-cache'
import { type ProviderResult, type TimestampedProviderResult } from '../feeds/responses'
import { type Reason } from '../validation/reason'
import { type ResponseTimestamps } from '../validation/timestamps'
import { RECORDS } from './capabilities'
import { RawRecords } from './raw-records'
import { type TransportGenerics } from './transport'

/** What an intake needs from its transport. It is read at each use, because adapters override and assign these members. */
export interface IntakeHost<T extends TransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T> | undefined
  readonly [RECORDS]?: RawRecords
}

/** Why an error is written. Default: the message is that of the error, and it is so from now on. */
export type Cause = Pick<Reason, 'code'> & Partial<Reason>

type Results<T extends TransportGenerics> = ProviderResult<T>[]
type Stamped<T extends TransportGenerics> = TimestampedProviderResult<T>[]

/**
 * Takes the results that an author's code makes of a provider's message to the cache: checks, stamps and writes them. A failure costs only
 * the message in which it happens, or only the one result (IS-1). It is counted by its reason, and logged once per interval. The two kinds
 * of transports decide how results are stamped, and what follows when a write fails although the results are correct.
 */
export abstract class ResultIntake<T extends TransportGenerics> {
  /** What the provider sent, for feeds that somebody asks to explain. */
  readonly records: RawRecords
  private ownRefusals: Refusals | undefined

  constructor(protected readonly host: IntakeHost<T>) {
    this.records = host[RECORDS] ?? new RawRecords()
  }

  /** The transport, to whose adapter log lines belong. */
  get whose(): object {
    return this.host
  }

  /** Keeps a message for the feeds of its results. To be called only while {@link RawRecords.isOn}; never throws. */
  keepRaw(results: unknown, raw: unknown): void {
    const { responseCache, name } = this.host
    if (!Array.isArray(results) || !(responseCache instanceof ResponseCache)) return
    const keys = results.filter(isResult).map(({ params }) => responseCache.feed(name, { ...params }).key)
    this.records.note(keys, raw)
  }

  /** Counts something that is not served. `detail` is called only when a log line is due. Never throws. */
  refuse(reason: RefusalReason | (string & {}), detail: () => unknown, error?: unknown): void {
    const { responseCache, name } = this.host
    const refusals =
      responseCache instanceof ResponseCache
        ? responseCache.refusalsOf(name)
        : (this.ownRefusals ??= new Refusals('N/A', 'N/A', name))
    refusals.add(reason, () => shown(detail), error)
  }

  stop(): void {
    this.ownRefusals?.stop()
  }

  /**
   * The results that can be stamped.
   *
   * @throws Error when `results` is a promise
   */
  protected wholeOf(
    results: Results<T> | undefined,
    author: string,
    isWhole: (result: unknown) => boolean,
  ): Results<T> {
    if (results instanceof Promise) throw this.promised(results, author)
    if (!Array.isArray(results)) return []
    return results.every(isWhole) ? results : this.withoutBroken(results, isWhole)
  }

  /** An error for feeds, as a handler would return it, with its cause where answers say it. */
  errorOf(
    statusCode: number,
    errorMessage: string,
    why?: Cause,
  ): { statusCode: number; errorMessage: string } {
    const { responseCache } = this.host
    const isTold = responseCache instanceof ResponseCache && responseCache.reasons.areGiven
    if (why === undefined || !isTold) return { statusCode, errorMessage }
    const reason = { message: errorMessage, sinceUnixMs: Date.now(), ...why }
    return withIt({ statusCode, errorMessage }, reason)
  }

  /** Writes the same error for each of these feeds. */
  protected writeErrors(
    params: ProviderResult<T>['params'][],
    error: { statusCode: number; errorMessage: string; timestamps: ResponseTimestamps },
    at: Instant,
  ): void | Promise<void> {
    const results = params.filter(isObject).map((one) => ({ params: one, response: { ...error } }))
    if (results.length > 0) return this.write(results, at)
  }

  /** Writes before it returns where the cache is in this process's memory. Only for other caches it returns a promise. */
  protected write(results: Stamped<T>, at: Instant): void | Promise<void> {
    const { responseCache, name } = this.host
    if (responseCache instanceof ResponseCache && responseCache.isImmediate) {
      try {
        return responseCache.writeNow(name, results, at)
      } catch (error) {
        return this.isolate(results, error, at)
      }
    }
    const written = responseCache?.write(name, results)
    return written instanceof Promise ? this.settled(written, results, at) : written
  }

  /** IS-1: writes the results one by one, so that a bad result does not affect the others. */
  protected isolate(results: Stamped<T>, error: unknown, at: Instant): void | Promise<void> {
    if (results.length === 1)
      return this.refuse('handler-failed', () => 'a result that cannot be written', error)
    const writes = results.map((result) => this.write([result], at))
    const pending = writes.filter((write) => write instanceof Promise)
    if (pending.length > 0) return Promise.all(pending).then(() => {})
  }

  /** Called when a cache outside this process's memory has rejected a write. */
  protected abstract writeFailed(results: Stamped<T>, error: unknown, at: Instant): void | Promise<void>

  // The methods below are separate so that the path of nearly all messages needs no closure.

  private promised(results: Promise<unknown>, author: string): Error {
    results.catch((error: unknown) => this.refuse('handler-failed', () => 'an asynchronous handler', error))
    return new Error(`${author} returned a promise; it must return its results`)
  }

  private withoutBroken(results: Results<T>, isWhole: (result: unknown) => boolean): Results<T> {
    return results.filter((result) => {
      if (isWhole(result)) return true
      this.refuse(
        'handler-failed',
        () => 'a result without params or response, or one that cannot be stamped',
      )
      return false
    })
  }

  private settled(written: Promise<void>, results: Stamped<T>, at: Instant): Promise<void> {
    return written.catch((error: unknown) => this.writeFailed(results, error, at))
  }
}

/** Whether a value has the form of a result. One whose members cannot be read has not. */
export const isResult = (result: unknown): result is { params: object; response: object } => {
  try {
    return isObject(result) && isObject(result.params) && isObject(result.response)
  } catch {
    return false
  }
}

/** The text for a log line. An author's decoder may make messages that JSON cannot hold, such as a bigint or a cycle. */
const shown = (detail: () => unknown): unknown => {
  try {
    const value = detail()
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    return 'a message that cannot be shown'
  }
}
