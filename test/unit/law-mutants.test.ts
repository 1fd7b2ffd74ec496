import { beforeAll, describe, expect, it } from 'vitest'
import { laws as all } from '../../scripts/laws/laws.cjs'
import { lawsOf, lawsTitledIn, titledLaws } from '../helpers/laws'
import { read } from '../helpers/repository'

const load = () => import('../../scripts/mutants/law-mutants.mjs')
let of: Awaited<ReturnType<typeof load>>
type LawMutant = ReturnType<typeof of.readLawMutants>[number]
let mutants: LawMutant[]
beforeAll(async () => {
  of = await load()
  mutants = of.readLawMutants()
})

const named = ({ law, breaks }: LawMutant) => `${law}: ${breaks}`

describe('the mutants of laws', () => {
  it('break each law that has tests', () => {
    const titled = titledLaws()
    const broken = new Set(mutants.map(({ law }) => law))
    const laws = lawsOf(...of.SECTIONS)
    expect(laws.length).toBeGreaterThanOrEqual(10)
    expect(laws.filter((law) => titled.has(law) && !broken.has(law))).toEqual([])
    expect([...broken].filter((law) => all.every(({ id }) => id !== law))).toEqual([])
  })

  it('are changes of our own code, at one place each', () => {
    for (const mutant of mutants) {
      expect(mutant.file).toMatch(/^(src|endpoints)\/.*\.ts$/)
      const text = read(mutant.file)
      expect(of.mutated(text, mutant)).not.toBe(text)
    }
  })

  it('are each said once, in words', () => {
    expect(mutants.filter(({ breaks }) => breaks.split(' ').length < 3).map(named)).toEqual([])
    expect(new Set(mutants.map(named)).size).toBe(mutants.length)
    const changes = mutants.map(({ law, file, find, replace }) => [law, file, find, replace].join('\0'))
    expect(new Set(changes).size).toBe(mutants.length)
  })

  it('name tests whose titles begin with the law', () => {
    const without = mutants.filter(({ law, test }) => !lawsTitledIn(read(test)).includes(law))
    expect(without.map(({ law, test }) => `${law} in ${test}`)).toEqual([])
  })
})

describe('a mutant of a law', () => {
  const mutant: LawMutant = {
    law: 'XX-1',
    file: 'a.ts',
    find: 'a < b',
    replace: 'a <= $& b',
    test: 'test/a.test.ts',
    breaks: 'it is so',
  }
  const report = (...statuses: [fullName: string, status: string][]) => ({
    testResults: [
      {
        name: '/somewhere/test/a.test.ts',
        assertionResults: statuses.map(([fullName, status]) => ({ fullName, status })),
      },
    ],
  })

  it('is one change of the text as it is written, and refused where there is not one place for it', () => {
    expect(of.mutated('if (a < b) x', mutant)).toBe('if (a <= $& b) x')
    for (const text of ['if (a > b)', 'a < b && a < b'])
      expect(() => of.mutated(text, mutant)).toThrow('XX-1: is not exactly once in a.ts')
  })

  it('is looked for by the tests that name its law, among others too, and by no others', () => {
    const titles = new RegExp(of.titlesOf(['XX-1', 'YY-2']))
    for (const title of [
      'a suite XX-1: is so',
      'XX-1, ZZ-3: is so',
      'ZZ-3, YY-2: is so',
      'XX-1, 17.4: is so',
    ])
      expect(title).toMatch(titles)
    for (const title of ['XX-11: is so', 'is so (XX-1)', 'ZZ-3: is so']) expect(title).not.toMatch(titles)
  })

  it('is noticed by a test that fails or never ends, and not where none could be run', () => {
    expect(of.verdictOf(report(['one', 'passed'], ['other', 'failed']))).toBe('noticed')
    expect(of.verdictOf(undefined)).toBe('endless')
    expect(of.verdictOf(report(['one', 'passed'], ['other', 'skipped']))).toBe('survived')
    expect(of.verdictOf(report(['one', 'skipped']))).toBe('unrun')
  })

  it('says nothing where its tests do not pass without it, or are not there', () => {
    const unfit = (...statuses: Parameters<typeof report>) =>
      of.unfitIn(report(...statuses), [mutant, mutant])
    expect(unfit(['a XX-1: is so', 'passed'], ['ZZ-3: is so', 'failed'])).toEqual([])
    for (const bad of [
      unfit(['a XX-1: is so', 'passed'], ['XX-1: is so, too', 'failed']),
      unfit(['a XX-1: is so', 'skipped'], ['ZZ-3: is so', 'passed']),
      of.unfitIn(undefined, [mutant]),
    ])
      expect(bad).toEqual(['XX-1 in test/a.test.ts'])
  })
})
