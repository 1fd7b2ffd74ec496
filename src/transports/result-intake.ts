import { isObject } from '../util/objects'
import { Refusals, type RefusalReason } from '../feeds/refusals'
import { ResponseCache } from '../feeds/response-cache'
import { type ProviderResult, type TimestampedProviderResult } from '../feeds/responses'
import { type ResponseTimestamps } from '../validation/timestamps'
import { type TransportGenerics } from './transport'

/** What an intake needs of its transport, looked up live: adapters override and assign these. */
export interface IntakeHost<T extends TransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T> | undefined
}

type Results<T extends TransportGenerics> = ProviderResult<T>[]
type Stamped<T extends TransportGenerics> = TimestampedProviderResult<T>[]

/**
 * From what an author's code makes of a provider's words to the cache: check, stamp, write. What goes wrong costs the message (or the
 * one result, IS-1) that it went wrong with; it is counted by reason and named in the log once per interval. How results are stamped,
 * and what becomes of a write that fails when all else is done, is up to the two kinds of transports.
 */
export abstract class ResultIntake<T extends TransportGenerics> {
  private ownRefusals: Refusals | undefined

  constructor(protected readonly host: IntakeHost<T>) {}

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

  /** Those of the results that can be stamped. @throws Error when they are a promise */
  protected wholeOf(
    results: Results<T> | undefined,
    author: string,
    isWhole: (result: unknown) => boolean,
  ): Results<T> {
    if (results instanceof Promise) throw this.promised(results, author)
    if (!Array.isArray(results)) return []
    return results.every(isWhole) ? results : this.withoutBroken(results, isWhole)
  }

  /** The same error for each of these feeds. */
  protected writeErrors(
    params: ProviderResult<T>['params'][],
    error: { statusCode: number; errorMessage: string; timestamps: ResponseTimestamps },
    now: number,
  ): void | Promise<void> {
    const results = params.filter(isObject).map((one) => ({ params: one, response: { ...error } }))
    if (results.length > 0) return this.write(results, now)
  }

  /** Writes within this very call where the cache is in this process's memory; only elsewhere is there a promise. */
  protected write(results: Stamped<T>, now: number): void | Promise<void> {
    const { responseCache, name } = this.host
    if (responseCache instanceof ResponseCache && responseCache.isImmediate) {
      try {
        return responseCache.writeNow(name, results, now)
      } catch (error) {
        return this.isolate(results, error, now)
      }
    }
    const written = responseCache?.write(name, results)
    return written instanceof Promise ? this.settled(written, results, now) : written
  }

  /** IS-1: which one it was, the rest shall not suffer for. */
  protected isolate(results: Stamped<T>, error: unknown, now: number): void | Promise<void> {
    if (results.length === 1)
      return this.refuse('handler-failed', () => 'a result that cannot be written', error)
    const writes = results.map((result) => this.write([result], now))
    const pending = writes.filter((write) => write instanceof Promise)
    if (pending.length > 0) return Promise.all(pending).then(() => {})
  }

  /** A cache that is not in this process's memory has rejected a write. */
  protected abstract writeFailed(results: Stamped<T>, error: unknown, now: number): void | Promise<void>

  // What follows is apart so that what nearly all messages go through needs no closure.

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

  private settled(written: Promise<void>, results: Stamped<T>, now: number): Promise<void> {
    return written.catch((error: unknown) => this.writeFailed(results, error, now))
  }
}

/** Whether something is a result at all. */
export const isResult = (result: unknown): result is { params: object; response: object } => {
  return isObject(result) && isObject(result.params) && isObject(result.response)
}

/** For a log line. Messages of authors' own decoding may hold what JSON cannot (a bigint, a cycle). */
const shown = (detail: () => unknown): unknown => {
  try {
    const value = detail()
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    return 'a message that cannot be shown'
  }
}
