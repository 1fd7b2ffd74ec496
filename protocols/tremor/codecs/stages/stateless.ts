import type { PostprocessorMaker } from './postprocessors'
import type { PreprocessorMaker } from './preprocessors'
import type { Chunk } from '../processor'

/**
 * A stage of the way in that keeps nothing. At the end of a stream it gives nothing, and drops what the stage
 * before it still had (tremor spec 8.2).
 */
export const statelessPreprocessor = (process: (chunk: Chunk) => Chunk[]): PreprocessorMaker => {
  const stage = { process, finish: () => [] }
  return { make: () => stage }
}

/** A stage of the way out that keeps nothing. A payload that comes with the end is treated like any other. */
export const statelessPostprocessor = (process: (payload: Buffer) => Buffer[]): PostprocessorMaker => {
  const stage = { process, finish: (data?: Buffer) => (data ? process(data) : []) }
  return { isStreaming: false, make: () => stage }
}
