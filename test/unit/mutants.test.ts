import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { read, root } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/mutants/groups.mjs')),
  ...(await import('../../scripts/mutants/survivors.mjs')),
})
let mutants: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  mutants = await load()
})

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()

describe('mutants', () => {
  it('are made of files that there are', () => {
    const files = mutants.groups.flatMap((group) => group.files)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
    expect(new Set(files).size).toBe(files.length)
  })

  it('of some files are tried together where the same tests are for them', () => {
    const files = ['src/feeds/guards.ts', 'src/util/clock.ts', 'src/feeds/order.ts']
    expect(mutants.groupsOf(files).map((group) => group.files)).toEqual([
      ['src/feeds/guards.ts', 'src/feeds/order.ts'],
      ['src/util/clock.ts'],
    ])
    expect(mutants.groupsOf([])).toBe(mutants.groups)
  })

  it('that are explained are in lines that there are, each once, with a reason', () => {
    const known = mutants.readEquivalents()
    for (const { file, in: line, mutant, why } of known) {
      const lines = read(file).split('\n').map(oneLine)
      expect(lines, `${file}: ${mutant}`).toContain(line)
      expect(line).toContain(oneLine(mutant.split(' -> ')[0]!))
      expect(why.length).toBeGreaterThan(20)
    }
    const names = known.map(({ file, in: line, mutant }) => [file, line, mutant].join())
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('a report', () => {
  const at = (line: number, from: number, to: number) => ({
    start: { line, column: from },
    end: { line, column: to },
  })
  const report = {
    files: {
      'a.ts': {
        source: 'const x =\n  a < b\nreturn x',
        mutants: [
          { location: at(2, 3, 8), replacement: 'true', status: 'Survived' },
          { location: at(2, 3, 8), replacement: 'a <= b', status: 'Survived' },
          { location: at(3, 1, 9), replacement: '', status: 'NoCoverage' },
          { location: at(2, 3, 8), replacement: 'false', status: 'Killed' },
          { location: at(2, 3, 8), replacement: 'a > b', status: 'Timeout' },
          { location: at(1, 1, 2), replacement: 'y', status: 'Ignored' },
        ],
      },
    },
  }
  const known = (mutant: string) => ({ file: 'a.ts', in: 'a < b', mutant, why: '' })

  it('has what no test noticed, but for what is explained', () => {
    const outcomes = mutants.outcomesOf(report, [known('a < b -> true')])
    expect(outcomes).toMatchObject([
      {
        file: 'a.ts',
        noticed: 2,
        equivalent: 1,
        survivors: [
          { line: 2, in: 'a < b', mutant: 'a < b -> a <= b', isCovered: true },
          { line: 3, in: 'return x', mutant: 'return x ->', isCovered: false },
        ],
      },
    ])
    expect(mutants.scoreOf(outcomes)).toBe(50)
    expect(mutants.scoreOf([])).toBe(100)
    expect(mutants.listOf(outcomes)).toContain('a.ts:2  a < b -> a <= b\n    in: a < b')
    expect(mutants.summaryOf(outcomes)).toMatch(/^a\.ts +50\.0 +2 +2 +1$/m)
  })

  it('tells which explanations are of mutants that are noticed now, of the files that were tried', () => {
    const noticed = known('a < b -> false')
    const elsewhere = { ...noticed, file: 'b.ts' }
    expect(mutants.outdatedIn([report], [known('a < b -> true'), noticed, elsewhere])).toEqual([noticed])
  })
})
