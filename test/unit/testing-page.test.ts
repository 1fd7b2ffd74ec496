import { describe, expect, it } from 'vitest'
import { answers, conformanceChecks, matchers } from '../../src/testing'
import { checkTitles } from '../../src/testing/conformance/check-names'
import { read } from '../helpers/repository'
import { httpVenue, wsVenue } from '../testing/venues'

const page = read('docs/testing.md')

/** The file as a user of the package would write it. */
const asWritten = (file: string): string =>
  read(file)
    .replaceAll(/^ *\/\/ eslint-disable.*\n/gm, '')
    .replaceAll(
      /'(\.\.\/\.\.\/\.\.\/src|@chainlink\/external-adapter-framework)\/testing'/g,
      "'tickwell/testing'",
    )

const table = (name: string): string[] => {
  const [, rows = ''] = new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`).exec(page) ?? []
  return rows
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.replaceAll(/ +/g, ' '))
}

describe('the page about testing', () => {
  it('has no code but that of tests which run, here or under jest', () => {
    const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code)
    const named = [...page.matchAll(/^<!-- (test\/\S+\.test\.ts) -->\n\n```ts$/gm)].map(([, file]) => file!)
    expect(named.length).toBeGreaterThan(3)
    expect(blocks).toEqual(named.map(asWritten))
  })

  it('has every answer of a provider', () => {
    const named = table('answers').map((row) => /`answers\.(\w+)\(/.exec(row)?.[1])
    expect(named).toEqual(Object.keys(answers))
  })

  it('has every matcher', () => {
    const named = [...page.matchAll(/^\| `(to\w+)\(/gm)].map(([, name]) => name)
    expect(named).toEqual(Object.keys(matchers))
  })

  it('has every check, with where it is made', () => {
    const names = (venue: Parameters<typeof conformanceChecks>[0]) =>
      new Set(conformanceChecks(venue).map(({ name }) => name))
    const [stream, http] = [names(wsVenue()), names(httpVenue())]
    const where = (name: keyof typeof checkTitles): string => {
      if (name === 'batch') return 'a venue with `batch`'
      if (!http.has(name)) return 'WebSocket, SSE'
      return stream.has(name) ? 'all' : 'HTTP'
    }
    const rows = (Object.keys(checkTitles) as (keyof typeof checkTitles)[]).map(
      (name) => `| \`${name}\` | ${checkTitles[name]} | ${where(name)} |`,
    )
    expect(table('checks')).toEqual(rows)
  })
})
