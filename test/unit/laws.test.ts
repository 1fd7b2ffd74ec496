import { describe, expect, it } from 'vitest'
import { filesBelow, read } from '../helpers/repository'

/** The laws about prices, times and failover, of level A or S, in their order; without those about decimal text, which is not there yet. */
const laws = [
  ...read('docs/contributing/invariants.md').matchAll(/^\*\*((?:FR|TM|ID|NU|FO)-\d+) · .* · [AS]\*\*/gm),
]
  .map(([, law = '']) => law)
  .filter((law) => !/^NU-[345]$/.test(law))

const titled = new Set(
  ['test', 'protocols']
    .flatMap((folder) => filesBelow(folder, /\.ts$/))
    .filter(
      (file) =>
        /(^|\/)test\//.test(file) && !/fixtures\/|\/app\/|test\/compat\/|unit\/(citations|laws)/.test(file),
    )
    .flatMap((file) => [...read(file).matchAll(/['"`]((?:[A-Z]{2}-\d+(?:, )?)+): /g)])
    .flatMap(([, ids = '']) => ids.split(', ')),
)

/** Laws that no test is named after, with the reason. */
const WITHOUT: Record<string, string> = {
  'ID-6':
    'callers with the same key share one promise, as the contract has it (contract 11), and the key is the author’s',
  'NU-6': 'nothing takes a scale from another message than the value',
}

describe('the laws about prices, times and failover', () => {
  it('have tests that begin with their names, each of them but those that are explained', () => {
    expect(laws.length).toBeGreaterThan(33)
    expect(laws.filter((law) => !titled.has(law))).toEqual(Object.keys(WITHOUT))
  })
})
