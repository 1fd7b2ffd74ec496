import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FIXTURES } from './vectors'

/** Those of stages and codecs are read by pattern, and tested with them. */
const OF_THE_CODECS = /^(codec|pre|post)(-[a-z]+)?\.json$/

it('every file of test data is read by a test', () => {
  const sources = readdirSync(__dirname)
    .filter((name) => name.endsWith('.test.ts') && name !== 'vectors.test.ts')
    .map((name) => readFileSync(join(__dirname, name), 'utf8'))
  const unread = readdirSync(FIXTURES).filter(
    (file) => !OF_THE_CODECS.test(file) && !sources.some((source) => source.includes(`('${file}')`)),
  )
  expect(unread).toEqual([])
})
