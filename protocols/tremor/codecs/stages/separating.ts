import type { StageBudget } from '../stage-budget'
import { strictConfig, wholeNumber, type JsonRecord } from '../definition'
import { CodecError, DefinitionError, ExcessError } from '../errors'
import { HeldBytes } from '../held-bytes'
import type { CodecLimits } from '../limits'
import type { Chunk, Preprocessor } from '../processor'
import type { PreprocessorMaker } from './preprocessors'
import { readSeparator } from './separator'

/** What `separate` allows a line where it is given by its name alone; a config record without the key means none. */
const lengthByNameOnly = 8192

/** `separate` on the way in: splits at one byte. */
export function separating(config: unknown, { maxChunks }: CodecLimits): PreprocessorMaker {
  const record = strictConfig(config, ['separator', 'max_length', 'buffered'], 'separate')
  const separator = readSeparator(record)
  const maxLength = config === undefined ? lengthByNameOnly : readMaxLength(record)
  const split = splitter(separator, maxChunks)
  const { buffered = true } = record
  if (typeof buffered !== 'boolean') throw new DefinitionError('separate: buffered must be a boolean')
  return {
    make: (budget) => (buffered ? new Lines(split, maxLength, budget) : new Pieces(split, maxLength)),
  }
}

/** 0 and null mean no limit. */
const readMaxLength = (record: JsonRecord): number =>
  record.max_length === null ? Infinity : wholeNumber(record, 'max_length', 'separate') || Infinity

/** Gives the parts between separators, and what follows the last one. */
type Split = (data: Buffer) => { parts: Buffer[]; rest: Buffer }

const splitter =
  (separator: number, maxParts: number): Split =>
  (data) => {
    const parts: Buffer[] = []
    let start = 0
    for (let end = data.indexOf(separator); end !== -1; end = data.indexOf(separator, start)) {
      if (parts.length >= maxParts) throw new ExcessError('separate: a message has too many lines')
      parts.push(data.subarray(start, end))
      start = end + 1
    }
    return { parts, rest: data.subarray(start) }
  }

/** Keeps what follows the last separator until the line is complete. */
class Lines implements Preprocessor {
  private readonly held: HeldBytes

  constructor(
    private readonly split: Split,
    private readonly maxLength: number,
    budget: StageBudget,
  ) {
    this.held = new HeldBytes(budget)
  }

  process({ data, ingestNs }: Chunk): Chunk[] {
    const { parts, rest } = this.split(data)
    const [first, ...others] = parts
    const lines: Buffer[] = []
    if (first) {
      if (this.held.length > 0) this.refuseOverflow(first)
      const line = this.held.takeWith(first)
      // A line that came whole and is too long is dropped without a word; only one that was held fails.
      for (const one of [line, ...others]) if (one.length <= this.maxLength) lines.push(one)
    }
    this.hold(rest)
    return lines.map((line) => ({ data: line, ingestNs }))
  }

  finish(ingestNs: bigint, data?: Chunk): Chunk[] {
    const lines = data ? this.process(data) : []
    if (this.held.length > 0) lines.push({ data: this.held.takeAll(), ingestNs: data?.ingestNs ?? ingestNs })
    return lines
  }

  private hold(rest: Buffer): void {
    this.refuseOverflow(rest)
    try {
      this.held.add(rest)
    } catch (error) {
      this.held.clear()
      throw error
    }
  }

  private refuseOverflow(part: Buffer): void {
    if (this.held.length + part.length <= this.maxLength) return
    this.held.clear()
    throw new CodecError('separate: a line is longer than max_length')
  }
}

/** Keeps nothing: what follows the last separator is given at once, whatever its length. */
class Pieces implements Preprocessor {
  constructor(
    private readonly split: Split,
    private readonly maxLength: number,
  ) {}

  process({ data, ingestNs }: Chunk): Chunk[] {
    const { parts, rest } = this.split(data)
    const kept = parts.filter((part) => part.length <= this.maxLength)
    return [...kept, rest].map((piece) => ({ data: piece, ingestNs }))
  }

  finish(_ingestNs: bigint, data?: Chunk): Chunk[] {
    return data ? this.process(data) : []
  }
}
