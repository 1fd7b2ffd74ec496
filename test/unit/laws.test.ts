import { describe, expect, it } from 'vitest'
import { coverage, explained, laws, titlesIn } from '../../scripts/laws/laws.cjs'
import { lawsOf, titledLaws } from '../helpers/laws'
import { read } from '../helpers/repository'

const titled = titledLaws()

describe('the laws', () => {
  it.each([
    ['prices and times', ['FR', 'TM', 'ID', 'NU']],
    ['subscriptions and connections', ['SB', 'CN']],
    ['several sources, limits and retries', ['FO', 'RL']],
    ['errors, isolation, resources and caches', ['ER', 'IS', 'RS', 'CA']],
    ['secrets, the HTTP contract, life cycle and observability', ['SC', 'HT', 'LC', 'OB']],
  ])(
    'about %s have tests that begin with their names, each of them but those that are explained',
    (_, sections) => {
      const ids = lawsOf(...sections)
      expect(ids.length).toBeGreaterThan(10)
      expect(ids.filter((id) => !titled.has(id))).toEqual([])
    },
  )

  it('that are explained are there, and are explained in words', () => {
    const names = [...laws.map(({ id }) => id), ...laws.map(({ section }) => section)]
    for (const [name, why] of Object.entries(explained)) {
      expect(names).toContain(name)
      expect(why.split(' ').length, name).toBeGreaterThan(3)
    }
  })
})

describe('the list of laws', () => {
  it('has every law of the page, with its tests, its mutants and why it may be without', () => {
    const mutant = { law: 'FR-2', file: 'a.ts', find: 'a', replace: 'b', test: 'c', breaks: 'it is so' }
    const list = coverage([mutant])
    const ids = read('docs/contributing/invariants.md').match(/(?<=^\*\*)[A-Z]{2}-\d+/gm)
    expect(list.map(({ id }) => id)).toEqual(ids)
    const of = (wanted: string) => list.find(({ id }) => id === wanted)
    expect(of('FR-2')).toMatchObject({ level: 'A', failsInReference: true, mutants: [mutant] })
    expect(of('FR-2')!.tests.length).toBeGreaterThan(0)
    expect(of('FR-1')).toMatchObject({ level: 'S', mutants: [] })
    expect(of('PU-1')).toMatchObject({ level: 'O', explained: explained['PU'] })
    expect(of('CN-3')).toMatchObject({ failsInReference: false, explained: explained['CN-3'] })
  })
})

describe('a title', () => {
  it('is a text that begins with laws, or with a section of the contract and laws, and says something', () => {
    const text = `
      it('FR-1: is so', test)
      it.each([])("8.5, IS-1, ER-2: is 'so'", test)
      // FR-2: is no title, nor is what 'is so (FR-3)'
      it(\`TM-1: costs \${count}\`, test)`
    expect(titlesIn(text)).toEqual([
      { ids: ['FR-1'], title: 'is so' },
      { ids: ['IS-1', 'ER-2'], title: "is 'so'" },
      { ids: ['TM-1'], title: 'costs ${count}' },
    ])
  })
})
