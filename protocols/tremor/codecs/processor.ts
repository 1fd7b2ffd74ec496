/** A piece of bytes between two stages of the way in. */
export interface Chunk {
  data: Buffer
  /** Ingest time, Unix nanoseconds; every chunk has its own, since a stage may read it from the content. */
  ingestNs: bigint
}

/** One stage of the way in. It has the state of one stream. */
export interface Preprocessor {
  /** True for a stage that cannot find the next message in its stream any more: every later call fails. */
  readonly isLost?: boolean
  /** @throws CodecError, which fails the whole message; what the stage has kept so far stays */
  process(chunk: Chunk): Chunk[]
  /**
   * The stream has ended.
   *
   * @param ingestNs time of the end, for what has none of its own
   * @param data a chunk that the stage before gave at its end
   */
  finish(ingestNs: bigint, data?: Chunk): Chunk[]
}

/** One stage of the way out. It has the state of one stream. */
export interface Postprocessor {
  /** @throws CodecError, which fails the event */
  process(payload: Buffer, ingestNs: bigint): Buffer[]
  /**
   * Nothing more will come.
   *
   * @param data a payload that the stage before gave at its end
   */
  finish(data?: Buffer): Buffer[]
}
