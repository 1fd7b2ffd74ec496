import type { Value, Writable } from './value'

/** What a codec may need to know about a chunk or an event beside its content. */
export interface ContentMeta {
  /** Ingest time, Unix nanoseconds, 0 .. 2^64 - 1. */
  ingestNs: bigint
}

/**
 * A format: one chunk of bytes to one value and back. Codecs keep nothing between calls: the same codec serves any
 * number of streams, and a failed call leaves nothing behind.
 */
export interface Codec {
  /**
   * @returns undefined where nothing was in the chunk (an empty line, a comment), which is no error
   * @throws CodecError where the chunk is not of this format
   */
  decode(chunk: Buffer, meta: ContentMeta): { value: Value } | undefined
  /** @throws CodecError where the format has no way to write the value */
  encode(value: Writable, meta: ContentMeta): Buffer
}
