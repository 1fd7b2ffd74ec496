import { strictConfig } from '../definition'
import type { PostprocessorMaker } from './postprocessors'
import { readSeparator } from './separator'
import { statelessPostprocessor } from './stateless'

/** `separate` on the way out: appends the separator. */
export function separatorWriting(config: unknown): PostprocessorMaker {
  const end = Buffer.of(readSeparator(strictConfig(config, ['separator'], 'separate')))
  return statelessPostprocessor((payload) => [Buffer.concat([payload, end])])
}
