import { describe, expect, it } from 'vitest'
import { citationsIn, sectionsOf } from '../helpers/citations'
import { filesBelow, read } from '../helpers/repository'

const contract = sectionsOf(read('docs/contributing/contract.md'))
const laws = new Set(read('docs/contributing/invariants.md').match(/(?<=^\*\*)[A-Z]{2}-\d+/gm))
const prefixes = new Set([...laws].map((law) => law.slice(0, 2)))

const files = ['src', 'endpoints', 'protocols', 'test', 'bench', 'scripts', 'docs']
  .flatMap((folder) => filesBelow(folder, /\.(ts|mjs|md)$/))
  .filter((file) => !/fixtures\/|\/app\/|test\/compat\/|citations/.test(file))

/** Where a citation of a specification leads: to that of the protocol which the file belongs to. */
const specificationFor = (file: string): string | undefined => {
  const protocol = /^protocols\/([^/]+)\//.exec(file)?.[1]
  return protocol && `protocols/${protocol}/specification.md`
}

describe('what comments and titles cite', () => {
  it('is there: sections of the contract, laws, sections of a protocol’s specification', () => {
    const dangling: string[] = []
    let count = 0
    for (const file of files) {
      const specification = specificationFor(file)
      const spec = specification ? sectionsOf(read(specification)) : new Set<string>()
      for (const { kind, id, line } of citationsIn(read(file), prefixes)) {
        count++
        const known = { contract, law: laws, spec }[kind]
        if (!known.has(id)) dangling.push(`${file}:${line} ${kind} ${id}`)
      }
    }
    expect(dangling).toEqual([])
    expect(count).toBeGreaterThan(500)
  })
})

describe('reading citations', () => {
  const found = (text: string) =>
    citationsIn(text, new Set(['FR', 'CA'])).map(({ kind, id }) => `${kind} ${id}`)

  it('finds sections, lists of them, and laws', () => {
    expect(found('// contract 6.4: an answer')).toEqual(['contract 6.4'])
    expect(found('(contract 4.1, 8.2)')).toEqual(['contract 4.1', 'contract 8.2'])
    expect(found('spec 9.1.')).toEqual(['spec 9.1'])
    expect(found('FR-1, CA-4: stays')).toEqual(['law FR-1', 'law CA-4'])
    expect(found('a contract of 2020, UTF-8, XX-1')).toEqual([])
  })

  it('knows sections by their headings, and numbered items and rows of a part by their numbers', () => {
    const page =
      '# 16. Hidden\n\n1. first\n2. second\n\n# 17. Register\n\n| # | a |\n|---|---|\n| 1 | x |\n\n## 17.9 Named\n'
    expect([...sectionsOf(page)]).toEqual(['16', '16.1', '16.2', '17', '17.1', '17.9'])
  })
})
