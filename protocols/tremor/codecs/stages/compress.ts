import type { Algorithm } from '../compression/algorithm'
import { snappy } from '../compression/snappy'
import { brotli, gzip, zlib } from '../compression/zlib'
import { zstd } from '../compression/zstd'
import { isJsonRecord, lookUp } from '../definition'
import { DefinitionError } from '../errors'
import * as rare from '../without-prices'
import type { PostprocessorMaker } from './postprocessors'
import { statelessPostprocessor } from './stateless'

interface Format {
  open(): Algorithm
  /** Smallest and largest level; absent where the format takes none. */
  levels?: readonly [number, number]
}

const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['gzip', { open: gzip }],
  ['zlib', { open: zlib }],
  ['snappy', { open: snappy }],
  ['br', { open: brotli }],
  ['xz2', { open: () => rare.xz(), levels: [0, 9] }],
  ['zstd', { open: zstd, levels: [-7, 22] }],
  ['lz4', { open: () => rare.lz4(), levels: [0, Infinity] }],
])

/** `compress`: one compressed object per payload. What comes out is no text. */
export function compressing(config: unknown): PostprocessorMaker {
  if (!isJsonRecord(config) || typeof config.algorithm !== 'string') {
    throw new DefinitionError('compress: an algorithm is needed')
  }
  const format = lookUp(formats, config.algorithm, 'compress: algorithm')
  // A level that is not a whole number is ignored.
  const level = Number.isInteger(config.level) ? (config.level as number) : undefined
  refuseLevel(config.algorithm, format, level)
  const algorithm = format.open()
  return {
    prepare: async () => algorithm.prepare?.(),
    ...statelessPostprocessor((payload) => [algorithm.compress(payload, level)]),
  }
}

function refuseLevel(name: string, { levels }: Format, level: number | undefined): void {
  if (level === undefined) return
  if (!levels) throw new DefinitionError(`compress: ${name} takes no level`)
  if (level < levels[0] || level > levels[1]) {
    throw new DefinitionError(`compress: the level of ${name} is ${levels[0]} to ${levels[1]}`)
  }
}
