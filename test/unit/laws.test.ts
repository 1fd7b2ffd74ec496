import { describe, expect, it } from 'vitest'
import { lawsOf, titledLaws } from '../helpers/laws'

const titled = titledLaws()

/** Laws that no test is named after, with the reason. */
const WITHOUT: Record<string, string> = {
  'ID-6':
    'the contract says otherwise: as long as a request with the same key is pending, callers share its promise (contract 11), so one ' +
    'outcome and no copies; the key is the author’s, and may be a constant for requests with times and nonces of their own, so that ' +
    'nothing else of them tells whether they are equal; the key of an HTTP transport is laid down, too (contract 10.5)',
  'NU-6':
    'nothing is scaled: every value is a whole decimal of its message; the `decimals` of Versia are passed on beside their value, and ' +
    'the `decimalsSignature` of a proof-of-reserve request is for the adapter that makes it',
  'RS-2': 'only a run of some minutes shows a leak: the soak is not a test of the suite',
  'HT-4':
    'a request asks for one feed: the contract knows no request for several, whose items could fail by themselves',
  'CN-3': 'nothing knows calendars, so that no market is known to be closed',
}

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
      const laws = lawsOf(...sections)
      const explained = Object.keys(WITHOUT).filter((law) => sections.includes(law.slice(0, 2)))
      expect(laws.length).toBeGreaterThan(10)
      expect(laws.filter((law) => !titled.has(law))).toEqual(explained)
    },
  )
})
