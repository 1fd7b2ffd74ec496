import { describe, expect, it } from 'vitest'
import { filesBelow, read } from '../../../test/helpers/repository'
import { fixtureFiles, traces } from './vectors'

describe('the vectors of the room protocol', () => {
  it('are all consumed by a test', () => {
    const tests = filesBelow('protocols/ws-room/test', /\.ts$/)
      .filter((path) => !path.endsWith('/vectors.test.ts'))
      .map(read)
      .join('\n')
    // The traces are replayed by folder, all of them.
    const replayed = new Set(traces().map(({ file }) => file))
    const left = fixtureFiles().filter((file) => !replayed.has(file) && !tests.includes(`'${file}'`))
    expect(left).toEqual([])
    expect(replayed.size).toBe(54)
    expect(tests).toContain('traces()')
  })
})
