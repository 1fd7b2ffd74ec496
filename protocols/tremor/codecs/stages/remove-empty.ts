import type { PreprocessorMaker } from './preprocessors'
import { statelessPreprocessor } from './stateless'

/** `remove-empty`: drops chunks of length 0. */
export const emptyRemoving = (): PreprocessorMaker =>
  statelessPreprocessor((chunk) => (chunk.data.length === 0 ? [] : [chunk]))
