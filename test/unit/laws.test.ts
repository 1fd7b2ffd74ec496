import { describe, expect, it } from 'vitest'
import { explained, laws, titlesIn } from '../../scripts/laws/laws.cjs'
import { lawsOf, titledLaws } from '../helpers/laws'

const titled = titledLaws()

describe('the laws', () => {
  it.each([
    ['prices and times', ['FR', 'TM', 'ID', 'NU']],
    ['subscriptions and connections', ['SB', 'CN']],
    ['several sources, limits and retries', ['FO', 'RL']],
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
