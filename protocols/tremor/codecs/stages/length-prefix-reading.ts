import type { StageBudget } from '../stage-budget'
import { CodecError, ExcessError } from '../errors'
import { HeldBytes } from '../held-bytes'
import type { CodecLimits } from '../limits'
import type { Chunk, Preprocessor } from '../processor'
import type { PreprocessorMaker } from './preprocessors'

const headerBytes = 8

/** `length-prefixed` on the way in: 8 bytes unsigned big-endian length, payload, and again. */
export const lengthPrefixReading = (_config: unknown, limits: CodecLimits): PreprocessorMaker => ({
  make: (budget) => new LengthPrefixReader(limits, budget),
})

class LengthPrefixReader implements Preprocessor {
  private readonly held: HeldBytes
  /** Length of the payload whose header has been read. */
  private expected: number | undefined
  /** After an impossible length, the start of the next header is unknown. */
  isLost = false

  constructor(
    private readonly limits: CodecLimits,
    budget: StageBudget,
  ) {
    this.held = new HeldBytes(budget)
  }

  process({ data, ingestNs }: Chunk): Chunk[] {
    if (this.isLost) throw new CodecError('length-prefixed: the stream was lost at an earlier message')
    try {
      return this.read(data).map((payload) => ({ data: payload, ingestNs }))
    } catch (error) {
      this.isLost = true
      this.held.clear()
      throw error
    }
  }

  finish(): Chunk[] {
    this.held.clear()
    return []
  }

  private read(piece: Buffer): Buffer[] {
    if (!this.isEnough(this.held.length + piece.length)) {
      this.held.add(piece)
      return []
    }
    let data = this.held.takeWith(piece)
    const payloads: Buffer[] = []
    while (this.isEnough(data.length)) {
      if (this.expected === undefined) {
        this.expected = this.readLength(data)
        data = data.subarray(headerBytes)
      } else {
        if (payloads.length >= this.limits.maxChunks)
          throw new ExcessError('length-prefixed: too many messages in one')
        payloads.push(data.subarray(0, this.expected))
        data = data.subarray(this.expected)
        this.expected = undefined
      }
    }
    this.held.add(data)
    return payloads
  }

  /** A header counts only when a byte has come after it: an empty message alone has to wait. */
  private isEnough(bytes: number): boolean {
    return this.expected === undefined ? bytes > headerBytes : bytes >= this.expected
  }

  private readLength(data: Buffer): number {
    const length = data.readBigUInt64BE()
    if (length > this.limits.maxPrefixedBytes) throw new CodecError('length-prefixed: a message is too long')
    return Number(length)
  }
}
