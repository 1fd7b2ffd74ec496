import type { Algorithm } from '../compression/algorithm'
import { autodetect } from '../compression/autodetect'
import { snappy } from '../compression/snappy'
import { brotli, gzip, zlib } from '../compression/zlib'
import { zstd } from '../compression/zstd'
import { isJsonRecord, lookUp } from '../definition'
import { DefinitionError } from '../errors'
import type { CodecLimits } from '../limits'
import * as rare from '../without-prices'
import type { PreprocessorMaker } from './preprocessors'

type Decompressor = Pick<Algorithm, 'prepare' | 'decompress'>

const formats: ReadonlyMap<string, () => Decompressor> = new Map<string, () => Decompressor>([
  ['autodetect', autodetect],
  ['gzip', gzip],
  ['zlib', zlib],
  ['zstd', zstd],
  ['xz2', () => rare.xz()],
  ['snappy', snappy],
  ['lz4', () => rare.lz4()],
  ['br', brotli],
])

/** `decompress`: one chunk is one complete compressed object. */
export function decompressing(config: unknown, { maxDecompressedBytes }: CodecLimits): PreprocessorMaker {
  const algorithm = lookUp(formats, readAlgorithm(config), 'decompress: algorithm')()
  return {
    prepare: async () => algorithm.prepare?.(),
    // Keeps nothing, like what `statelessPreprocessor` makes; but pieces are counted for each stream.
    make: ({ countMember }) => ({
      process: ({ data, ingestNs }) => [
        { data: algorithm.decompress(data, maxDecompressedBytes, countMember), ingestNs },
      ],
      finish: () => [],
    }),
  }
}

/** Null counts as no config here, and an algorithm that is not text as none. */
function readAlgorithm(config: unknown): string {
  if (config === undefined || config === null) return 'autodetect'
  if (!isJsonRecord(config)) throw new DefinitionError('decompress: config must be a record')
  return typeof config.algorithm === 'string' ? config.algorithm : 'autodetect'
}
