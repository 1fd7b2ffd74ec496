import { CodecError } from './errors'

/** How many bytes all stages of one stream together may keep for later. */
export class ByteBudget {
  private used = 0

  constructor(private readonly limit: number) {}

  /** @throws CodecError where the stream holds too much already; nothing is counted then */
  take(bytes: number): void {
    if (this.used + bytes > this.limit) throw new CodecError('a stream holds too many bytes')
    this.used += bytes
  }

  giveBack(bytes: number): void {
    this.used -= bytes
  }
}
