import { reasonOf } from '../../connections/connection-error'
import { Credential, type CredentialConfig } from '../../connections/credential'
import { monotonicMs } from '../../util/clock'
import { memberOf, messageOf } from '../../util/objects'
import { statusOf } from '../../outbound-http/provider-error'
import { type Reason } from '../../validation/reason'

const REFUSALS = new Set([401, 403])

/** A value that took the place of a refused one, and that requests have succeeded with, is not replaced sooner than this because of one more. */
const LEAST_USE_MS = 10_000

/** Whether a request failed because the provider did not take its credential. */
export const isCredentialRefusal = (error: unknown): boolean =>
  REFUSALS.has(statusOf(memberOf(error, 'cause')) ?? 0)

/**
 * The credential of an HTTP transport (RL-3). Its first refusal with 401 or 403 has a request repeated at once, with a new value. If that is
 * refused, too, the request is repeated at growing intervals; and if nothing succeeds with the new value, no other is asked for but slowly.
 * So one symbol that the provider answers with 403 by itself costs one new value, and no other feed anything.
 */
export class RequestCredential<C> {
  private readonly credential: Credential<C>
  /** With what a request was refused last, by its key, until it succeeds; and how many had succeeded with that until then. */
  private readonly refusedWith = new Map<string, { value: string; successes: number }>()
  /** With the current value. */
  private successes = 0
  private denied: string | undefined
  private current: { value: string; isReplacement: boolean; sinceMs: number } | undefined
  private trouble: Reason | undefined

  /**
   * @param isNeeded - asked when it is time to renew; a credential that nobody needs is left to end
   * @param whose - the transport
   */
  constructor(config: CredentialConfig<C>, isNeeded: () => boolean, whose: object) {
    this.credential = new Credential(config, isNeeded, whose)
  }

  /** Why there is no value; undefined while there is one. */
  get outage(): Reason | undefined {
    return this.trouble
  }

  /** How long there will be no value, in ms; undefined where one is there, or may be asked for. */
  get pauseMs(): number | undefined {
    return this.credential.pauseMs
  }

  /** A value for requests that are made now. Rejects where none can be had; {@link outage} then says why. */
  async value(context: C, timeoutMs: number): Promise<string> {
    try {
      const value = await this.credential.value(context, timeoutMs)
      if (this.current?.value !== value) {
        const isReplacement = this.denied !== undefined && this.denied === this.current?.value
        this.current = { value, isReplacement, sinceMs: monotonicMs() }
        this.successes = 0
      }
      this.trouble = undefined
      return value
    } catch (error) {
      const now = Date.now()
      this.trouble = {
        code: reasonOf(error)?.code ?? 'CREDENTIAL_FAILED',
        message: messageOf(error),
        sinceUnixMs: this.trouble?.sinceUnixMs ?? now,
        nextAttemptUnixMs: Math.round(now + (this.pauseMs ?? 0)),
      }
      throw error
    }
  }

  /** Whether a request that waits may still be sent with its value: it was not refused meanwhile. */
  isOfUse(value: string): boolean {
    return value !== this.denied
  }

  succeeded(key: string, value: string): void {
    this.refusedWith.delete(key)
    if (value === this.current?.value) this.successes += 1
    this.credential.accepted()
  }

  /** The provider refused a request over its value. Returns whether the request is repeated at once, with another one. */
  refused(key: string, value: string): boolean {
    const { successes } = this
    const before = this.refusedWith.get(key)
    this.refusedWith.set(key, { value, successes })
    if (before !== undefined && before.value !== value) return false
    // Others have succeeded with it meanwhile.
    if (before !== undefined && successes > before.successes) return false
    // It may be the request's own fault: that shows when it is refused again.
    if (before === undefined && successes > 0 && this.isNewInPlace(value)) return false
    this.denied = value
    this.credential.denied(value)
    return true
  }

  /** Forgets requests that are not made any more. */
  retain(isKept: (key: string) => boolean): void {
    for (const key of this.refusedWith.keys()) if (!isKept(key)) this.refusedWith.delete(key)
  }

  stop(): void {
    this.credential.stop()
  }

  private isNewInPlace(value: string): boolean {
    const { current } = this
    return current?.value === value && current.isReplacement && monotonicMs() - current.sinceMs < LEAST_USE_MS
  }
}
