/** How much one stream may make the pipeline hold or do. Passing a limit fails the message. */
export interface CodecLimits {
  /** Bytes that one compressed chunk may become. */
  maxDecompressedBytes: number
  /** Bytes of all chunks of one message between two stages. */
  maxMessageBytes: number
  /** Compressed objects in one message, with the frames and blocks that they are made of: each costs the start of a decoder. */
  maxMembers: number
  /** Chunks that one message may become. */
  maxChunks: number
  /** Length of one message behind a binary length prefix, bytes. */
  maxPrefixedBytes: number
  /** Bytes that all stages of one stream together keep for later. */
  maxBufferedBytes: number
  /** GELF messages that wait for more of their parts. */
  maxGelfMessages: number
  /** Lists and records inside each other. */
  maxDepth: number
  /** Values in one decoded chunk: scalars, lists and records, counted at every depth. */
  maxValues: number
  /** Signs, words and line ends of one YAML document: its package takes some microseconds for each. */
  maxYamlTokens: number
}

const MiB = 1024 * 1024

export const defaultLimits: Readonly<CodecLimits> = {
  maxDecompressedBytes: 8 * MiB,
  maxMessageBytes: 8 * MiB,
  maxMembers: 500,
  maxChunks: 10_000,
  maxPrefixedBytes: MiB,
  maxBufferedBytes: 8 * MiB,
  maxGelfMessages: 256,
  maxDepth: 128,
  maxValues: 50_000,
  maxYamlTokens: 4_000,
}
