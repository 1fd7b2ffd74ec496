import { CodecError } from './errors'
import type { CodecLimits } from './limits'

/** Counts how deep and how many the values of one chunk are, so that a few bytes do not become a giant. */
export class TreeGuard {
  private depth = 0
  private values = 0

  constructor(private readonly limits: CodecLimits) {}

  /** @throws CodecError */
  countValue(): void {
    if (++this.values > this.limits.maxValues) throw new CodecError('too many values in one chunk')
  }

  /**
   * Goes into a list or a record for the time of `inside`.
   *
   * @throws CodecError where that is too deep
   */
  within<T>(inside: () => T): T {
    if (++this.depth > this.limits.maxDepth) throw new CodecError('values lie too deep inside each other')
    const result = inside()
    this.depth -= 1
    return result
  }
}
