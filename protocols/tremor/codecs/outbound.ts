import { isUtf8 } from 'node:buffer'
import type { Codec, ContentMeta } from './codec'
import { readNamedList } from './definition'
import { CodecError, DefinitionError } from './errors'
import { createCodec } from './create-codec'
import { defaultLimits, type CodecLimits } from './limits'
import type { Postprocessor } from './processor'
import { postprocessorMaker, type PostprocessorMaker } from './stages/postprocessors'
import type { Writable } from './value'

/** The parts of a connector's definition that the way out is made of. */
export interface OutboundDefinition {
  codec?: unknown
  postprocessors?: unknown
}

export interface OutboundOptions {
  /**
   * How long codec and stages live: as long as the `stream` (server), or for one `event` (client), where stages
   * that need a longer life are refused.
   */
  life: 'stream' | 'event'
  limits?: Partial<CodecLimits>
}

/** A checked definition of the way out; streams are made from it. */
export interface Outbound {
  /** Loads what can only be loaded asynchronously. Await it before the first stream is made. */
  prepare(): Promise<void>
  stream(): OutboundStream
}

/** The way out of one connection: value → codec → postprocessors → messages, with state of its own. */
export interface OutboundStream {
  /**
   * The messages that an event becomes: one WebSocket message each, in order; none is fine, an empty one is an
   * empty message.
   *
   * @param isText the messages will be sent as text: all of them must be UTF-8, or none is sent
   * @throws CodecError where the event cannot be written; nothing may be sent then
   */
  encode(value: Writable, meta: ContentMeta & { isText: boolean }): Buffer[]
}

/**
 * Checks a definition of the way out.
 *
 * @throws DefinitionError where codec or a stage is missing, unknown, badly configured, its package is absent, or a
 *   stage needs a stream and there is only one event
 */
export function createOutbound(definition: OutboundDefinition, options: OutboundOptions): Outbound {
  const bounds = { ...defaultLimits, ...options.limits }
  const codec = createCodec(definition.codec, bounds)
  const makers = readNamedList(definition.postprocessors, 'postprocessors').map((named) => {
    const maker = postprocessorMaker(named, bounds)
    if (maker.isStreaming && options.life === 'event') {
      throw new DefinitionError(
        `postprocessors: ${named.name} joins events, and here each event stands alone`,
      )
    }
    return maker
  })
  const chain = () => new PostprocessorChain(makers)
  return {
    prepare: async () => {
      for (const maker of makers) await maker.prepare?.()
    },
    stream: () => (options.life === 'stream' ? new Stream(codec, chain()) : new SingleEvents(codec, chain)),
  }
}

/** Stages in their order, with the state of one stream. */
export class PostprocessorChain {
  private readonly stages: Postprocessor[]

  constructor(makers: readonly PostprocessorMaker[]) {
    this.stages = makers.map((maker) => maker.make())
  }

  process(payload: Buffer, ingestNs: bigint): Buffer[] {
    let payloads = [payload]
    for (const stage of this.stages) payloads = payloads.flatMap((one) => stage.process(one, ingestNs))
    return payloads
  }

  /** What comes out when nothing more will come: each stage hands its last payloads to the next one's end. */
  finish(): Buffer[] {
    let payloads: Buffer[] = []
    for (const stage of this.stages) {
      payloads = payloads.length === 0 ? stage.finish() : payloads.flatMap((one) => stage.finish(one))
    }
    return payloads
  }
}

class Stream implements OutboundStream {
  constructor(
    private readonly codec: Codec,
    private readonly chain: PostprocessorChain,
  ) {}

  encode(value: Writable, meta: ContentMeta & { isText: boolean }): Buffer[] {
    return checked(this.chain.process(this.codec.encode(value, meta), meta.ingestNs), meta.isText)
  }
}

class SingleEvents implements OutboundStream {
  constructor(
    private readonly codec: Codec,
    private readonly chain: () => PostprocessorChain,
  ) {}

  encode(value: Writable, meta: ContentMeta & { isText: boolean }): Buffer[] {
    const chain = this.chain()
    const messages = chain.process(this.codec.encode(value, meta), meta.ingestNs)
    return checked([...messages, ...chain.finish()], meta.isText)
  }
}

function checked(messages: Buffer[], isText: boolean): Buffer[] {
  if (isText && !messages.every((message) => isUtf8(message))) {
    throw new CodecError('a text message is not UTF-8')
  }
  return messages
}
