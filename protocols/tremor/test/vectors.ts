import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const FIXTURES = join(__dirname, 'fixtures')

/** One file of test data; `T` is the shape of its vectors. */
export const vectorsOf = <T>(file: string): (T & { id: string; title: string })[] =>
  (
    JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as {
      vectors: (T & { id: string; title: string })[]
    }
  ).vectors
