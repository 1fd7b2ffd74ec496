import { describe, expect, it } from 'vitest'
import { filesBelow, read } from '../helpers/repository'

const page = read('docs/contributing/invariants.md')

/** The laws of these sections, of level A or S, in their order; without those about decimal text, which is not there yet. */
const lawsOf = (...sections: string[]) =>
  [...page.matchAll(/^\*\*(([A-Z]{2})-\d+) · .* · [AS]\*\*/gm)]
    .filter(([, , section = '']) => sections.includes(section))
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
  'CN-3': 'nothing knows calendars, so that no market is known to be closed',
  'RL-4':
    'hosts have pauses, which grow, and a probe afterwards (RL-1, RL-3), but nothing counts the failures of a host',
}

describe('the laws', () => {
  it.each([
    ['prices and times', ['FR', 'TM', 'ID', 'NU']],
    ['subscriptions and connections', ['SB', 'CN']],
    ['several sources, limits and retries', ['FO', 'RL']],
  ])(
    'about %s have tests that begin with their names, each of them but those that are explained',
    (_, sections) => {
      const laws = lawsOf(...sections)
      const explained = Object.keys(WITHOUT).filter((law) => sections.includes(law.slice(0, 2)))
      expect(laws.length).toBeGreaterThan(10)
      expect(laws.filter((law) => !titled.has(law))).toEqual(explained)
    },
  )
})
