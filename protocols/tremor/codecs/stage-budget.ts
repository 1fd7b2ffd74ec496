import { CodecError, ExcessError } from './errors'

/** What all stages of one stream together may keep for later, and what one message may cost them. */
export class StageBudget {
  private used = 0
  private members = 0

  /**
   * @param limit - bytes that are kept
   * @param maxMembers - compressed objects, frames and blocks of one message
   */
  constructor(
    private readonly limit: number,
    private readonly maxMembers = Infinity,
  ) {}

  /** @throws CodecError where the stream holds too much already; nothing is counted then */
  take(bytes: number): void {
    if (this.used + bytes > this.limit) throw new CodecError('a stream holds too many bytes')
    this.used += bytes
  }

  giveBack(bytes: number): void {
    this.used -= bytes
  }

  nextMessage(): void {
    this.members = 0
  }

  /** @throws ExcessError for one compressed object, or part of one, too many */
  readonly countMember = (): void => {
    if (++this.members > this.maxMembers)
      throw new ExcessError('a message is made of too many compressed pieces')
  }
}
