import { unholdable } from '../feeds/answerable'
import { type ProviderResult, type TimestampedProviderResult } from '../feeds/responses'
import { type Instant, instant } from '../util/clock'
import { type Cause, type IntakeHost, isResult, ResultIntake } from './result-intake'
import { ProviderWords, wordsOf } from './provider-words'
import { type TransportGenerics } from './transport'

export interface StreamIntakeHost<T extends TransportGenerics> extends IntakeHost<T> {
  readonly providerDataStreamEstablished: number
  lastMessageReceivedAt: number
}

/** The intake of streams. Its work is done within the message event. */
export class StreamIntake<T extends TransportGenerics> extends ResultIntake<T> {
  /** What the provider says that names no feed. */
  readonly words = new ProviderWords()

  constructor(protected override readonly host: StreamIntakeHost<T>) {
    super(host)
  }

  /**
   * Takes the results that `handler` returned.
   *
   * @throws Error when they are a promise
   */
  accept(results: ProviderResult<T>[] | undefined, at: Instant, handler: string): void {
    const whole = this.wholeOf(results, handler, isStampable)
    if (whole.length === 0) return
    const { unixMs: receivedAt } = at
    for (const result of whole) {
      // contract 10.4: the timestamps are set on the handler's own object
      const given = result.response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }
      try {
        given.timestamps = this.stamp(receivedAt, given.timestamps?.providerIndicatedTimeUnixMs)
      } catch {
        // IS-1: a result whose time cannot be read or set fails alone.
        result.response = unholdable({ timestamps: this.stamp(receivedAt, undefined) })
      }
    }
    if (!this.words.isHeard && whole.some(isValue)) this.words.acknowledge()
    this.host.lastMessageReceivedAt = receivedAt
    void this.write(whole as TimestampedProviderResult<T>[], at)
  }

  /** A message at which the author's handler threw. With an error of the contract it says what the provider says, of no feed. */
  handlerFailed(message: () => unknown, error: unknown): void {
    this.refuse('handler-failed', message, error)
    const said = wordsOf(error)
    if (said !== undefined) this.words.say(said.text, said.class)
  }

  /** Writes an error for one feed that says why it has no value. */
  writeError(
    params: ProviderResult<T>['params'],
    statusCode: number,
    errorMessage: string,
    why?: Cause,
  ): void {
    const at = instant()
    const timestamps = this.stamp(at.unixMs, undefined)
    void this.writeErrors([params], { ...this.errorOf(statusCode, errorMessage, why), timestamps }, at)
  }

  /** The write is not repeated, because something newer may have been written since. */
  protected writeFailed(_results: TimestampedProviderResult<T>[], error: unknown): void {
    this.refuse('handler-failed', () => 'a write to the cache', error)
  }

  private stamp(receivedAt: number, providerIndicatedTimeUnixMs: number | undefined) {
    return {
      providerDataStreamEstablishedUnixMs: this.host.providerDataStreamEstablished,
      providerDataReceivedUnixMs: receivedAt,
      providerIndicatedTimeUnixMs,
    }
  }
}

const isValue = ({ response }: { response: { errorMessage?: unknown } }): boolean =>
  response.errorMessage === undefined

const isStampable = (result: unknown): boolean => isResult(result) && Object.isExtensible(result.response)
