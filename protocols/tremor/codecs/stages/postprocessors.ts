import { lookUp, type Named } from '../definition'
import type { CodecLimits } from '../limits'
import type { Postprocessor } from '../processor'
import * as rare from '../without-prices'
import { base64Encoding } from './base64'
import { chunking } from './chunk'
import { collecting } from './collect'
import { compressing } from './compress'
import { ingestNsWriting } from './ingest-ns'
import { lengthPrefixWriting, textualPrefixWriting } from './length-prefix-writing'
import { separatorWriting } from './separator-writing'
import { streamingCompressing } from './streaming-compress'

/** A checked configuration of a stage of the way out. */
export interface PostprocessorMaker {
  /** It joins events, so that it is of no use where each event stands alone. */
  isStreaming: boolean
  /** Loads what can only be loaded asynchronously; to be awaited before the first `make`. */
  prepare?(): Promise<void>
  /** The stage with fresh state for one stream. */
  make(): Postprocessor
}

type Check = (config: unknown, limits: CodecLimits) => PostprocessorMaker

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['separate', separatorWriting],
  ['base64', base64Encoding],
  ['length-prefixed', lengthPrefixWriting],
  ['textual-length-prefixed', textualPrefixWriting],
  ['ingest-ns', ingestNsWriting],
  ['compress', compressing],
  ['gelf-chunking', () => rare.gelfSplitting()],
  ['chunk', chunking],
  ['collect', collecting],
  ['streaming-compress', streamingCompressing],
])

/** @throws DefinitionError */
export const postprocessorMaker = ({ name, config }: Named, limits: CodecLimits): PostprocessorMaker =>
  lookUp(checks, name, 'postprocessors')(config, limits)
