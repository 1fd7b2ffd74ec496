import type { StageBudget } from '../stage-budget'
import { lookUp, type Named } from '../definition'
import type { CodecLimits } from '../limits'
import type { Preprocessor } from '../processor'
import * as rare from '../without-prices'
import { base64Decoding } from './base64'
import { decompressing } from './decompress'
import { ingestNsReading } from './ingest-ns'
import { lengthPrefixReading } from './length-prefix-reading'
import { emptyRemoving } from './remove-empty'
import { separating } from './separating'
import { textualPrefixReading } from './textual-prefix-reading'

/** A checked configuration of a stage of the way in. */
export interface PreprocessorMaker {
  /** Loads what can only be loaded asynchronously; to be awaited before the first `make`. */
  prepare?(): Promise<void>
  /** The stage with fresh state for one stream, whose stages share the budget. */
  make(budget: StageBudget): Preprocessor
}

type Check = (config: unknown, limits: CodecLimits) => PreprocessorMaker

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['separate', separating],
  ['remove-empty', emptyRemoving],
  ['base64', base64Decoding],
  ['length-prefixed', lengthPrefixReading],
  ['textual-length-prefixed', textualPrefixReading],
  ['ingest-ns', ingestNsReading],
  ['decompress', decompressing],
  ['gelf-chunking', (config, limits) => rare.gelfAssembling(config, limits)],
])

/** @throws DefinitionError */
export const preprocessorMaker = ({ name, config }: Named, limits: CodecLimits): PreprocessorMaker =>
  lookUp(checks, name, 'preprocessors')(config, limits)
