import type { Codec } from './codec'
import { createCodec } from './create-codec'
import { readNamedList } from './definition'
import { StageBudget } from './stage-budget'
import { CodecError, ExcessError } from './errors'
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
  /** What the last message became before it was decoded. */
  readonly bytes: number
  /**
   * One complete message. If a stage fails the message is one failure and nothing else; if the codec fails, that
   * chunk is a failure and the others are still decoded. Each is decoded when it is asked for, so that a message of many
   * events need not be read at once; but all of them before the next message.
   */
  receive(message: Buffer, ingestNs: bigint): Iterable<InboundOutcome>
  /** The connection has ended: what stages still hold comes out. Nothing may be received after it. */
  end(ingestNs: bigint): Iterable<InboundOutcome>
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
  private readonly budget: StageBudget

  constructor(
    makers: readonly PreprocessorMaker[],
    private readonly limits: CodecLimits,
  ) {
    this.budget = new StageBudget(limits.maxBufferedBytes, limits.maxMembers)
    this.stages = makers.map((maker) => maker.make(this.budget))
  }

  get isLost(): boolean {
    return this.stages.some((stage) => stage.isLost === true)
  }

  /** @throws CodecError, and then nothing of the message is delivered */
  process(message: Chunk): Chunk[] {
    this.budget.nextMessage()
    let chunks = [message]
    for (const stage of this.stages) chunks = this.collect(chunks, (chunk) => stage.process(chunk))
    return chunks
  }

  /** What comes out at the end of the stream: each stage hands its last chunks to the next one's end. */
  finish(ingestNs: bigint): Chunk[] {
    this.budget.nextMessage()
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
      if (collected.length > this.limits.maxChunks) throw new ExcessError('a message becomes too many chunks')
      if (bytes > this.limits.maxMessageBytes) throw new ExcessError('a message becomes too long')
    }
    return collected
  }
}

class Stream implements InboundStream {
  bytes = 0

  constructor(
    private readonly codec: Codec,
    private readonly chain: PreprocessorChain,
  ) {}

  get isLost(): boolean {
    return this.chain.isLost
  }

  receive(message: Buffer, ingestNs: bigint): Iterable<InboundOutcome> {
    return this.decodeAll(() => this.chain.process({ data: message, ingestNs }), ingestNs)
  }

  end(ingestNs: bigint): Iterable<InboundOutcome> {
    return this.decodeAll(() => this.chain.finish(ingestNs), ingestNs)
  }

  private decodeAll(split: () => Chunk[], ingestNs: bigint): Iterable<InboundOutcome> {
    this.bytes = 0
    try {
      const chunks = split()
      for (const { data } of chunks) this.bytes += data.length
      return this.decoded(chunks)
    } catch (error) {
      return [failure(error, ingestNs)]
    }
  }

  private *decoded(chunks: Chunk[]): Iterable<InboundOutcome> {
    for (const chunk of chunks) {
      const outcome = this.outcomeOf(chunk)
      if (outcome) yield outcome
    }
  }

  private outcomeOf(chunk: Chunk): InboundOutcome | undefined {
    const { data, ingestNs } = chunk
    try {
      const decoded = this.codec.decode(data, chunk)
      return decoded && { kind: 'event', value: decoded.value, ingestNs }
    } catch (error) {
      return failure(error, ingestNs)
    }
  }
}

function failure(error: unknown, ingestNs: bigint): InboundOutcome {
  if (error instanceof CodecError) return { kind: 'failure', error, ingestNs }
  throw error
}
