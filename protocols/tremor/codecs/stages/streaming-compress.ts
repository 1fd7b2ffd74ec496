import { DefinitionError } from '../errors'
import type { PostprocessorMaker } from './postprocessors'

/**
 * `streaming-compress` would be one compressed object for the whole life of a connection, which no price feed needs:
 * it is refused by its name instead of being unknown.
 */
export function streamingCompressing(): PostprocessorMaker {
  throw new DefinitionError(
    'postprocessors: streaming-compress is not offered; compress packs each message alone',
  )
}
