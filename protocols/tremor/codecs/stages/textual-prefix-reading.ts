import { decimalText } from '../../../../src/util/decimal'
import type { StageBudget } from '../stage-budget'
import { CodecError, ExcessError } from '../errors'
import { HeldBytes } from '../held-bytes'
import type { CodecLimits } from '../limits'
import type { Chunk, Preprocessor } from '../processor'
import type { PreprocessorMaker } from './preprocessors'

const maxLength = 4_294_967_295
/** Leading zeros are allowed, but not without end. */
const maxHeaderBytes = 64
const whiteSpace = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x20])

/** `textual-length-prefixed` on the way in: decimal length, one white space byte, payload, and again. */
export const textualPrefixReading = (_config: unknown, limits: CodecLimits): PreprocessorMaker => ({
  make: (budget) => new TextualPrefixReader(limits.maxChunks, budget),
})

class TextualPrefixReader implements Preprocessor {
  private readonly held: HeldBytes
  /** Length of the payload whose header has been read. */
  private expected: number | undefined
  /** After a header that is not a number, the start of the next one is unknown. */
  isLost = false

  constructor(
    private readonly maxChunks: number,
    budget: StageBudget,
  ) {
    this.held = new HeldBytes(budget)
  }

  process({ data, ingestNs }: Chunk): Chunk[] {
    if (this.isLost)
      throw new CodecError('textual-length-prefixed: the stream was lost at an earlier message')
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
    if (this.expected !== undefined && this.held.length + piece.length < this.expected) {
      this.held.add(piece)
      return []
    }
    let data = this.held.takeWith(piece)
    const payloads: Buffer[] = []
    for (;;) {
      if (this.expected === undefined) {
        const end = endOfHeader(data)
        if (end === undefined) break
        this.expected = parseLength(data.toString('latin1', 0, end))
        data = data.subarray(end + 1)
      }
      if (data.length < this.expected) break
      if (payloads.length >= this.maxChunks) {
        throw new ExcessError('textual-length-prefixed: too many messages in one')
      }
      payloads.push(data.subarray(0, this.expected))
      data = data.subarray(this.expected)
      this.expected = undefined
    }
    this.held.add(data)
    return payloads
  }
}

function endOfHeader(data: Buffer): number | undefined {
  const end = data.subarray(0, maxHeaderBytes).findIndex((byte) => whiteSpace.has(byte))
  if (end !== -1) return end
  if (data.length >= maxHeaderBytes) throw new CodecError('textual-length-prefixed: a length does not end')
  return undefined
}

const isLength = decimalText({ sign: '+', leadingZeros: true, point: 'nowhere' })

function parseLength(text: string): number {
  const length = isLength(text) ? Number(text) : Infinity
  if (length > maxLength) throw new CodecError('textual-length-prefixed: not a length')
  return length
}
