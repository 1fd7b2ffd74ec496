import { monotonicMs, WallMark } from '../../util/clock'

/** What is said of a stream that is quiet for too long. */
export const UNRESPONSIVE = {
  code: 'UNRESPONSIVE',
  message: 'Nothing usable has come on the stream for too long: it is replaced',
} as const

/**
 * Tells when an open stream brings nothing although feeds are wanted (CN-2). The other side may be gone without a word, and TCP would not
 * notice, because we send nothing on a stream.
 */
export class QuietStream {
  private readonly lastMessage = new WallMark()
  /** Before this nothing was expected: the stream was not open, or nothing wanted. */
  private expectedSinceMs = monotonicMs()

  /** Nothing had to come until now. */
  excuse(): void {
    this.expectedSinceMs = monotonicMs()
  }

  /** @param lastUnixMs - when something usable came last, in Unix ms */
  isUnresponsive(lastUnixMs: number, settings: { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: number }): boolean {
    // Always looked at, because the mark has to see each new time.
    const sinceMessageMs = this.lastMessage.msSince(lastUnixMs)
    const quietMs = Math.min(sinceMessageMs, monotonicMs() - this.expectedSinceMs)
    // `in` comes first: settings in unit tests may throw when an unknown one is read.
    const limitMs =
      'WS_SUBSCRIPTION_UNRESPONSIVE_TTL' in settings ? settings.WS_SUBSCRIPTION_UNRESPONSIVE_TTL : Infinity
    return quietMs > limitMs
  }
}
