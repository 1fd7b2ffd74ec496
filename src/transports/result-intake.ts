import { Refusals, type RefusalReason } from '../feeds/refusals'
import { ResponseCache } from '../feeds/response-cache'
import { type ProviderResult, type TimestampedProviderResult } from '../feeds/responses'
import { type TransportGenerics } from './transport'

/** What the intake needs of its stream, looked up live: adapters override and assign these. */
export interface ResultIntakeHost<T extends TransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T> | undefined
  readonly providerDataStreamEstablished: number
  lastMessageReceivedAt: number
}

type Results<T extends TransportGenerics> = ProviderResult<T>[]

/**
 * From what an author's handler makes of a message to the cache: check, stamp, write, at once. What goes wrong costs the message (or the
 * one result) that it went wrong with; it is counted by reason and named in the log once per interval.
 */
export class ResultIntake<T extends TransportGenerics> {
  private ownRefusals: Refusals | undefined

  constructor(protected readonly host: ResultIntakeHost<T>) {}

  /** Takes what `handler` returned. @throws Error when that is a promise */
  accept(results: Results<T> | undefined, receivedAt: number, handler: string): void {
    if (results instanceof Promise) {
      results.catch((error: unknown) => this.refuse('handler-failed', () => 'an asynchronous handler', error))
      throw new Error(`${handler} returned a promise; it must return its results`)
    }
    if (!Array.isArray(results) || results.length === 0) return
    const whole = results.every(isWhole) ? results : this.wholeOnes(results)
    if (whole.length === 0) return
    for (const { response } of whole) {
      // contract 10.4: the stamps go onto the handler's own object
      const given = response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }
      given.timestamps = this.stamp(receivedAt, given.timestamps?.providerIndicatedTimeUnixMs)
    }
    this.host.lastMessageReceivedAt = receivedAt
    this.write(whole as TimestampedProviderResult<T>[], receivedAt)
  }

  /** A response of our own making for one feed: why it has no value. */
  writeError(params: ProviderResult<T>['params'], statusCode: number, errorMessage: string): void {
    const now = Date.now()
    const timestamps = this.stamp(now, undefined)
    if (this.host.responseCache !== undefined)
      this.write([{ params, response: { statusCode, errorMessage, timestamps } }], now)
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

  private stamp(receivedAt: number, providerIndicatedTimeUnixMs: number | undefined) {
    return {
      providerDataStreamEstablishedUnixMs: this.host.providerDataStreamEstablished,
      providerDataReceivedUnixMs: receivedAt,
      providerIndicatedTimeUnixMs,
    }
  }

  private wholeOnes(results: Results<T>): Results<T> {
    return results.filter((result) => {
      if (isWhole(result)) return true
      this.refuse(
        'handler-failed',
        () => 'a result without params or response, or one that cannot be stamped',
      )
      return false
    })
  }

  private write(results: TimestampedProviderResult<T>[], receivedAt: number): void {
    const { responseCache, name } = this.host
    if (responseCache instanceof ResponseCache && responseCache.isImmediate) {
      try {
        responseCache.writeNow(name, results, receivedAt)
      } catch (error) {
        if (results.length === 1)
          this.refuse('handler-failed', () => 'a result that cannot be written', error)
        // IS-1: which one it was, the rest shall not suffer for.
        else for (const result of results) this.write([result], receivedAt)
      }
      return
    }
    const written: unknown = responseCache?.write(name, results)
    if (written instanceof Promise)
      written.catch((error: unknown) => this.refuse('handler-failed', () => 'a write to the cache', error))
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isWhole = (result: { params?: unknown; response?: unknown } | null | undefined): boolean =>
  isObject(result) &&
  isObject(result.params) &&
  isObject(result.response) &&
  Object.isExtensible(result.response)

/** For a log line. Messages of authors' own decoding may hold what JSON cannot (a bigint, a cycle). */
const shown = (detail: () => unknown): unknown => {
  try {
    const value = detail()
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    return 'a message that cannot be shown'
  }
}
