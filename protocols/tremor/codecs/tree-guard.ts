import { ExcessError } from './errors'
import type { CodecLimits } from './limits'

/** Counts how deep and how many the values of one chunk are, so that a few bytes do not become a giant. */
export class TreeGuard {
  private depth = 0
  private values = 0

  constructor(private readonly limits: CodecLimits) {}

  /** @throws ExcessError */
  countValue(): void {
    if (++this.values > this.limits.maxValues) throw tooMany()
  }

  /**
   * The parts of a text, each counted as a value.
   *
   * @throws ExcessError for more of them than may be; they are not made then
   */
  split(text: string, separator: string): string[] {
    const left = this.limits.maxValues - this.values
    const parts = text.split(separator, left + 1)
    if (parts.length > left) throw tooMany()
    this.values += parts.length
    return parts
  }

  /**
   * Goes into a list or a record for the time of `inside`.
   *
   * @throws ExcessError where that is too deep
   */
  within<T>(inside: () => T): T {
    if (++this.depth > this.limits.maxDepth) throw tooDeep()
    const result = inside()
    this.depth -= 1
    return result
  }
}

const tooMany = () => new ExcessError('too many values in one chunk')

export const tooDeep = () => new ExcessError('values lie too deep inside each other')
