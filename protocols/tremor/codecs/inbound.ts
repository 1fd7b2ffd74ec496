import type { Codec } from './codec'
import { createCodec } from './create-codec'
import { readNamedList } from './definition'
import { ByteBudget } from './byte-budget'
import { CodecError } from './errors'
import { defaultLimits, type CodecLimits } from './limits'
import type { Chunk, Preprocessor } from './processor'
import { preprocessorMaker, type PreprocessorMaker } from './stages/preprocessors'
import type { Value } from './value'

/** What the way in made of a message: an event, or a failure for the `err` port. */
export type InboundOutcome =
  { kind: 'event'; value: Value; ingestNs: bigint } | { kind: 'failure'; error: CodecError; ingestNs: bigint }

/** The parts of a connector's definition that the way in is made of. */
export interface InboundDefinition {
  codec?: unknown
  preprocessors?: unknown
}

/** A checked definition of the way in; streams are made from it. */
export interface Inbound {
  /** Loads what can only be loaded asynchronously. Await it before the first stream is made. */
  prepare(): Promise<void>
  stream(): InboundStream
}

/** The way in of one connection: message → preprocessors → codec → outcomes, with state of its own. */
export interface InboundStream {
  /** A stage has lost its place: everything that comes fails, until a new connection begins a new stream. */
  readonly isLost: boolean
  /**
   * One complete message. If a stage fails the message is one failure and nothing else; if the codec fails, that
   * chunk is a failure and the others are still decoded.
   */
  receive(message: Buffer, ingestNs: bigint): InboundOutcome[]
  /** The connection has ended: what stages still hold comes out. Nothing may be received after it. */
  end(ingestNs: bigint): InboundOutcome[]
}

/**
 * Checks a definition of the way in.
 *
 * @throws DefinitionError where codec or a stage is missing, unknown, badly configured, or its package is absent
 */
export function createInbound(definition: InboundDefinition, limits: Partial<CodecLimits> = {}): Inbound {
  const bounds = { ...defaultLimits, ...limits }
  const codec = createCodec(definition.codec, bounds)
  const makers = readNamedList(definition.preprocessors, 'preprocessors').map((named) =>
    preprocessorMaker(named, bounds),
  )
  return {
    prepare: async () => {
      for (const maker of makers) await maker.prepare?.()
    },
    stream: () => new Stream(codec, new PreprocessorChain(makers, bounds)),
  }
}

/** Stages in their order, with the state of one stream. */
export class PreprocessorChain {
  private readonly stages: Preprocessor[]

  constructor(
    makers: readonly PreprocessorMaker[],
    private readonly limits: CodecLimits,
  ) {
    const budget = new ByteBudget(limits.maxBufferedBytes)
    this.stages = makers.map((maker) => maker.make(budget))
  }

  get isLost(): boolean {
    return this.stages.some((stage) => stage.isLost === true)
  }

  /** @throws CodecError, and then nothing of the message is delivered */
  process(message: Chunk): Chunk[] {
    let chunks = [message]
    for (const stage of this.stages) chunks = this.collect(chunks, (chunk) => stage.process(chunk))
    return chunks
  }

  /** What comes out at the end of the stream: each stage hands its last chunks to the next one's end. */
  finish(ingestNs: bigint): Chunk[] {
    let chunks: Chunk[] = []
    for (const stage of this.stages) {
      chunks =
        chunks.length === 0
          ? stage.finish(ingestNs)
          : this.collect(chunks, (chunk) => stage.finish(ingestNs, chunk))
    }
    return chunks
  }

  private collect(chunks: readonly Chunk[], step: (chunk: Chunk) => Chunk[]): Chunk[] {
    const collected: Chunk[] = []
    let bytes = 0
    for (const chunk of chunks) {
      for (const made of step(chunk)) {
        bytes += made.data.length
        collected.push(made)
      }
      if (collected.length > this.limits.maxChunks) throw new CodecError('a message becomes too many chunks')
      if (bytes > this.limits.maxMessageBytes) throw new CodecError('a message becomes too long')
    }
    return collected
  }
}

class Stream implements InboundStream {
  constructor(
    private readonly codec: Codec,
    private readonly chain: PreprocessorChain,
  ) {}

  get isLost(): boolean {
    return this.chain.isLost
  }

  receive(message: Buffer, ingestNs: bigint): InboundOutcome[] {
    return this.decodeAll(() => this.chain.process({ data: message, ingestNs }), ingestNs)
  }

  end(ingestNs: bigint): InboundOutcome[] {
    return this.decodeAll(() => this.chain.finish(ingestNs), ingestNs)
  }

  private decodeAll(split: () => Chunk[], ingestNs: bigint): InboundOutcome[] {
    let chunks: Chunk[]
    try {
      chunks = split()
    } catch (error) {
      return [failure(error, ingestNs)]
    }
    const outcomes: InboundOutcome[] = []
    for (const chunk of chunks) {
      try {
        const decoded = this.codec.decode(chunk.data, chunk)
        if (decoded) outcomes.push({ kind: 'event', value: decoded.value, ingestNs: chunk.ingestNs })
      } catch (error) {
        outcomes.push(failure(error, chunk.ingestNs))
      }
    }
    return outcomes
  }
}

function failure(error: unknown, ingestNs: bigint): InboundOutcome {
  if (error instanceof CodecError) return { kind: 'failure', error, ingestNs }
  throw error
}
