import type { StageBudget } from '../stage-budget'
import { CodecError } from '../errors'
import type { CodecLimits } from '../limits'
import type { Chunk, Preprocessor } from '../processor'
import { partHeaderBytes, partMagic } from './gelf'
import type { PreprocessorMaker } from './preprocessors'

const wholeMagic = 0x1f3c
const openingBrace = 0x7b
const generationNs = 5_000_000_000n

/** A message of which some parts have come. */
interface Assembly {
  parts: (Buffer | undefined)[]
  missing: number
  bytes: number
}

/** `gelf-chunking` on the way in: joins the parts of GELF messages. */
export const gelfAssembling = (_config: unknown, limits: CodecLimits): PreprocessorMaker => ({
  make: (budget) => new GelfAssembler(limits.maxGelfMessages, budget),
})

/**
 * Keeps parts in two generations: every five seconds (of ingest time) the older one is forgotten and the current one
 * becomes the older. Nothing that is unfinished survives two of them.
 */
class GelfAssembler implements Preprocessor {
  private current = new Map<bigint, Assembly>()
  private older = new Map<bigint, Assembly>()
  private swappedNs = 0n

  constructor(
    private readonly maxMessages: number,
    private readonly budget: StageBudget,
  ) {}

  process({ data, ingestNs }: Chunk): Chunk[] {
    const magic = data.length < 2 ? undefined : data.readUInt16BE()
    if (magic === wholeMagic) return [{ data: data.subarray(2), ingestNs }]
    if (magic !== undefined && data[0] === openingBrace) return [{ data, ingestNs }]
    if (magic !== partMagic || data.length < partHeaderBytes) {
      throw new CodecError('gelf-chunking: neither a message nor a part of one')
    }
    this.expire(ingestNs)
    const whole = this.addPart(data)
    return whole ? [{ data: whole, ingestNs }] : []
  }

  finish(): Chunk[] {
    this.forgetAll(this.older)
    this.forgetAll(this.current)
    return []
  }

  private addPart(part: Buffer): Buffer | undefined {
    const id = part.readBigUInt64BE(2)
    const sequence = part.readUInt8(10)
    const count = part.readUInt8(11)
    const data = part.subarray(partHeaderBytes)
    if (count === 1) return data
    const generation = this.older.has(id) ? this.older : this.current
    const assembly = generation.get(id)
    if (!assembly) {
      if (sequence < count) this.begin(id, sequence, count, data)
      return undefined
    }
    // Two parts have the same place: which message each belongs to is unknown.
    if (sequence >= assembly.parts.length || assembly.parts[sequence]) {
      this.forget(generation, id, assembly)
      return undefined
    }
    this.keep(assembly, sequence, data)
    if (assembly.missing > 0) return undefined
    this.forget(generation, id, assembly)
    return Buffer.concat(assembly.parts.flatMap((one) => one ?? []))
  }

  private begin(id: bigint, sequence: number, count: number, data: Buffer): void {
    if (this.current.size + this.older.size >= this.maxMessages) {
      throw new CodecError('gelf-chunking: too many messages are unfinished')
    }
    const assembly = { parts: new Array<Buffer | undefined>(count).fill(undefined), missing: count, bytes: 0 }
    this.keep(assembly, sequence, data)
    this.current.set(id, assembly)
  }

  private keep(assembly: Assembly, sequence: number, data: Buffer): void {
    this.budget.take(data.length)
    assembly.parts[sequence] = Buffer.from(data)
    assembly.bytes += data.length
    assembly.missing -= 1
  }

  private expire(ingestNs: bigint): void {
    if (ingestNs - this.swappedNs <= generationNs) return
    this.forgetAll(this.older)
    this.older = this.current
    this.current = new Map()
    this.swappedNs = ingestNs
  }

  private forgetAll(generation: Map<bigint, Assembly>): void {
    for (const [id, assembly] of generation) this.forget(generation, id, assembly)
  }

  private forget(generation: Map<bigint, Assembly>, id: bigint, assembly: Assembly): void {
    generation.delete(id)
    this.budget.giveBack(assembly.bytes)
  }
}
