import { type Backoff, between, exponentialBackoff, steadyBackoff } from '../util/backoff'
import { monotonicMs } from '../util/clock'
import { Gate } from '../util/gate'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { memberOf } from '../util/objects'
import { unlessAborted } from '../util/unless-aborted'
import { connectionError } from './connection-error'
import { Retry, type RetryRule } from './retry'

const logger = makeLogger('Credential')

/** It is renewed when this part of its life is over, or up to an eighth of that earlier. */
const RENEW_AT = 0.8
const SPREAD = between(0.875, 1)
/** It is not renewed more often than this, however short its life is said to be. */
const LEAST_LIFE_MS = 1_000

/** A credential, such as a token, as its provider gave it. Without an end it is good until it is refused. */
export interface IssuedCredential {
  value: string
  /** How long it is good, from now on, in ms. Counts before `expiresUnixMs`, because no clock has to agree with ours. */
  expiresInMs?: number
  /** When it ends by the provider's clock. */
  expiresUnixMs?: number
  /** When it was issued by the same clock. Default: now by our clock. */
  issuedUnixMs?: number
}

/** How a credential is had, and how its provider says that it does not take it any more. */
export interface CredentialConfig<C> {
  /** Gets a new one. It has `API_TIMEOUT` for that; then the signal aborts. An error with status 400, 401 or 403 is a refusal. */
  fetch: (context: C, signal: AbortSignal) => Promise<IssuedCredential> | IssuedCredential
  /** Whether the provider closed a connection over its credential. Default: with 1008, 3000, 4001, 4401 or 4403. */
  isAuthClose?: (close: { code: number; reason: string }) => boolean
}

const AUTH_CLOSES = new Set([1008, 3000, 4001, 4401, 4403])
const REFUSALS = new Set([400, 401, 403])

interface Failure {
  isRefusal: boolean
}

/** A refusal does not change soon, so the attempts are slow; a provider that cannot be reached may be back in seconds. */
const afterFailures = (refused: Backoff, failed: Backoff): RetryRule<Failure> => ({
  next({ isRefusal }) {
    const { delayMs, next } = (isRefusal ? refused : failed).next()
    return { delayMs, next: isRefusal ? afterFailures(next, failed) : afterFailures(refused, next) }
  },
})

const RULE = afterFailures(
  exponentialBackoff({ minMs: 10_000, maxMs: 900_000, factor: 2 }),
  exponentialBackoff({ minMs: 1_000, maxMs: 60_000, factor: 2 }),
)

const statusOf = (error: unknown): unknown =>
  memberOf(memberOf(error, 'response'), 'status') ??
  memberOf(error, 'providerStatusCode') ??
  memberOf(error, 'statusCode')

/** How long it is good, by the provider's clock alone where that is possible; undefined where it has no end. */
const lifeOf = ({ expiresInMs, expiresUnixMs, issuedUnixMs }: IssuedCredential): number | undefined => {
  const lifeMs = expiresInMs ?? (expiresUnixMs && expiresUnixMs - (issuedUnixMs ?? Date.now()))
  return lifeMs === undefined || Number.isNaN(lifeMs) ? undefined : Math.max(lifeMs, LEAST_LIFE_MS)
}

/**
 * A credential that is had from its provider, renewed before it ends, and given up when it is refused (CN-9). There is one request for it at
 * a time. Its life is counted on the monotonic clock from its receipt, so that a clock that is wrong, ours or theirs, does no harm.
 */
export class Credential<C> {
  private held: { value: string; endsAtMs: number } | undefined
  private flight: Promise<string> | undefined
  private failure: Error | undefined
  private dueMs = 0
  private denials = 0
  private readonly renewal = new Gate()
  private readonly retry = new Retry<Failure>(RULE)
  private readonly stopping = new AbortController()

  /**
   * @param isNeeded - asked when it is time to renew; a credential that nobody needs is left to end
   * @param whose - what belongs to the adapter, such as the transport
   */
  constructor(
    private readonly config: CredentialConfig<C>,
    private readonly isNeeded: () => boolean,
    private readonly whose: object = config,
  ) {}

  /** How long there will be none, in ms, because it is too early to ask again; undefined where one is there, or may be asked for. */
  get pauseMs(): number | undefined {
    return this.retry.isWaiting && !this.isGood ? Math.max(0, this.dueMs - monotonicMs()) : undefined
  }

  /**
   * A value that is good now; got from the provider where there is none.
   *
   * @throws AdapterConnectionError `CREDENTIAL_REFUSED` or `CREDENTIAL_FAILED`; at once while it is too early to ask again
   */
  value(context: C, timeoutMs: number): Promise<string> {
    if (this.isGood) return Promise.resolve(this.held!.value)
    return this.renew(context, timeoutMs)
  }

  /** Whether the provider closed the connection over its credential. Never throws: where the author's function does, the code says so. */
  isAuthClose(close: { code: number; reason: string }): boolean {
    try {
      return this.config.isAuthClose?.(close) ?? AUTH_CLOSES.has(close.code)
    } catch (err) {
      named(logger, this.whose).warn({ err, code: close.code }, 'isAuthClose failed')
      return AUTH_CLOSES.has(close.code)
    }
  }

  /** A connection that was opened with a value has been useful: the next refusal counts as the first one. */
  accepted(): void {
    this.denials = 0
  }

  /**
   * The provider did not take this value any more. The next call of {@link value} gets a new one. A new one that is not taken either is not
   * replaced at once: that would be a loop.
   */
  denied(value: string): void {
    if (this.held?.value !== value) return
    this.held = undefined
    this.renewal.open()
    if (++this.denials === 1) return
    this.failed(true, 'The provider did not take a credential that it had just given')
  }

  /** Stops for good. No timer is left. */
  stop(): void {
    this.stopping.abort()
    this.renewal.stop()
    this.retry.stop()
  }

  private get isGood(): boolean {
    return this.held !== undefined && monotonicMs() < this.held.endsAtMs
  }

  private renew(context: C, timeoutMs: number): Promise<string> {
    if (this.flight !== undefined) return this.flight
    if (this.retry.isWaiting && this.failure !== undefined) return Promise.reject(this.failure)
    const flight = this.fetch(context, timeoutMs).finally(() => (this.flight = undefined))
    return (this.flight = flight)
  }

  private async fetch(context: C, timeoutMs: number): Promise<string> {
    const ending = new AbortController()
    const end = (): void => ending.abort(new Error('stopped'))
    this.stopping.signal.addEventListener('abort', end)
    const late = new Error(`there was none after ${timeoutMs} ms`)
    const deadline = setTimeout(() => ending.abort(late), timeoutMs)
    try {
      const fetching = (async () => this.config.fetch(context, ending.signal))()
      const issued = await unlessAborted(fetching, ending.signal)
      if (typeof issued.value !== 'string' || issued.value === '') throw new Error('what came is none')
      return this.take(issued, context, timeoutMs)
    } catch (error) {
      const isRefusal = REFUSALS.has(Number(statusOf(error)))
      const message = error instanceof Error ? error.message : String(error)
      const what = isRefusal ? 'The credential was refused' : 'The credential could not be had'
      throw this.failed(isRefusal, `${what}: ${message}`, () => this.renewAhead(context, timeoutMs), error)
    } finally {
      clearTimeout(deadline)
      this.stopping.signal.removeEventListener('abort', end)
    }
  }

  private take(issued: IssuedCredential, context: C, timeoutMs: number): string {
    const lifeMs = lifeOf(issued)
    this.held = { value: issued.value, endsAtMs: monotonicMs() + (lifeMs ?? Infinity) }
    this.failure = undefined
    // A value that was given counts for nothing before it has been taken as well.
    if (this.denials === 0) this.retry.reset()
    if (lifeMs !== undefined && !this.stopping.signal.aborted) {
      const { delayMs } = steadyBackoff(lifeMs * RENEW_AT, SPREAD).next()
      this.renewal.close(delayMs, () => this.renewAhead(context, timeoutMs))
    }
    return issued.value
  }

  private renewAhead(context: C, timeoutMs: number): void {
    // Opened early because the value was denied: the next attempt to connect gets another.
    if (this.held === undefined || !this.isNeeded()) return
    this.renew(context, timeoutMs).catch((err: unknown) => {
      named(logger, this.whose).warn({ err }, 'A credential could not be renewed before its end')
    })
  }

  private failed(isRefusal: boolean, message: string, onDue?: () => void, cause?: unknown): Error {
    const { delayMs } = this.retry.again({ isRefusal }, onDue)
    this.dueMs = monotonicMs() + delayMs
    const code = isRefusal ? 'CREDENTIAL_REFUSED' : 'CREDENTIAL_FAILED'
    return (this.failure = connectionError(code, message, cause))
  }
}
