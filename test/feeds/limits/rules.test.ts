import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matcherOf, namesOf } from '../../../src/feeds/limits/pattern'
import { LimitsError, RulesReader } from '../../../src/feeds/limits/rules'
import { hostile } from '../../helpers/hostile'

const reader = new RulesReader()

const problemsOf = (text: string): readonly string[] => {
  try {
    reader.read(text)
    return []
  } catch (error) {
    if (!(error instanceof LimitsError)) throw error
    return error.problems
  }
}

const limitsOf = (rules: object, feed: string, endpoints = ['price', 'crypto']) =>
  reader.read(JSON.stringify(rules)).limitsFor(namesOf({ adapter: 'KRAKEN', endpoints, feed }))

/** The simple model: the pattern as a regular expression over each name. */
const modelMatches = (pattern: string, name: string): boolean => {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replaceAll('*', '[^:]*')
  return new RegExp(`^${escaped}$`, 'is').test(name)
}

const piece = fc.constantFrom('a', 'b', 'A', '/', ':', '.', 'ab')
const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
const pattern = fc
  .array(fc.oneof(piece, fc.constant('*')), { minLength: 1, maxLength: 7 })
  .map((pieces) => pieces.join(''))

it('IS-2: whatever a file holds is limits, or has problems that are said', () => {
  fc.assert(
    fc.property(hostile('{"ETH/USD":{"min":1,"max":"2"},"kraken:*":{"withdrawn":"why"}}'), ({ bytes }) => {
      const problems = problemsOf(String(bytes))
      expect(problems.length).toBeLessThanOrEqual(10)
    }),
    { numRuns: 50, endOnFailure: true },
  )
})

describe('a pattern of feeds', () => {
  it('matches what a regular expression with [^:]* for each * would', () => {
    fc.assert(
      fc.property(pattern, text, (one, name) => {
        expect(matcherOf(one.toLowerCase())(name.toLowerCase())).toBe(modelMatches(one, name))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['ETH/USD', true],
    ['eth/usd', true],
    ['*/usd', true],
    ['*', true],
    ['eth*', true],
    ['kraken:ETH/USD', true],
    ['kraken:*', true],
    ['kraken:price:ETH/USD', true],
    ['Kraken:Crypto:*', true],
    ['*:*:eth/*', true],
    ['ETH', false],
    ['ETH/USDT', false],
    ['coinbase:ETH/USD', false],
    ['kraken:stock:ETH/USD', false],
    ['kraken:price:', false],
    ['*:*:*:*', false],
  ])('%s matches ETH/USD of an endpoint price (alias crypto) of KRAKEN: %s', (one, isMatch) => {
    expect(limitsOf({ [one]: { min: 1 } }, 'ETH/USD')).toEqual(isMatch ? { min: 1 } : undefined)
  })

  it.each([
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a*b*b', 'ab', false],
    ['a*b*b', 'abb', true],
  ])('%s matches %s, of which no sign counts twice: %s', (one, name, isMatch) => {
    expect(matcherOf(one)(name)).toBe(isMatch)
  })

  it('spells an adapter with hyphens or underscores', () => {
    const names = namesOf({ adapter: 'PUSH_TO_STRAPI', endpoints: [], feed: 'A' })
    expect(names).toEqual(['a', 'push_to_strapi:a', 'push-to-strapi:a'])
    expect(namesOf({ adapter: 'A-B', endpoints: [], feed: 'A' })).toEqual(['a', 'a-b:a', 'a_b:a'])
  })

  it('takes no longer for many stars', () => {
    const matches = matcherOf(`${'*a'.repeat(200)}b`)
    expect(matches(`${'a'.repeat(5_000)}c`)).toBe(false)
  })
})

describe('the limits of a feed', () => {
  const value = fc.record(
    {
      min: fc.option(fc.integer({ max: 0, min: -9 })),
      max: fc.option(fc.integer({ min: 1, max: 9 })),
      maxJump: fc.option(fc.constantFrom(0.1, 0.2)),
      withdrawn: fc.option(fc.constantFrom('why', 'because')),
    },
    { requiredKeys: [] },
  )

  it('are those of all matching rules, each limit of the last rule that names it', () => {
    const rules = fc.uniqueArray(fc.tuple(pattern, value), { selector: ([name]) => name, maxLength: 8 })
    fc.assert(
      fc.property(rules, text, (all, feed) => {
        // Written out by hand, because an object would put names that are numbers first.
        const json = `{${all.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`).join()}}`
        const naming = { adapter: 'a', endpoints: ['b'], feed }
        const names = [feed, `a:${feed}`, `a:b:${feed}`]
        const matching = all.filter(([one]) => names.some((name) => modelMatches(one, name)))
        const expected = matching.map(([, one]) => one).reduce((so, far) => ({ ...so, ...far }), {})
        expect(reader.read(json).limitsFor(namesOf(naming))).toEqual(
          matching.length === 0 ? undefined : expected,
        )
      }),
      { numRuns: 500 },
    )
  })

  it('are named with blanks around, and in any letter case, once more after one another', () => {
    const rules = { ' ETH/USD ': { min: 1, max: 9 }, 'eth/usd': { min: 2 } }
    expect(limitsOf(rules, 'Eth/Usd')).toEqual({ min: 2, max: 9 })
  })

  it('withdraw feeds where a rule says why, and only there', () => {
    const withdraws = (limits: object) => reader.read(JSON.stringify({ a: {}, b: limits })).withdraws
    expect([{ withdrawn: 'why' }, { withdrawn: null }, {}].map(withdraws)).toEqual([true, false, false])
    expect(reader.read('{"a": {"min": 1}, "b": {}}').size).toBe(2)
  })

  it('keep the order in which they are written, for names that are numbers too', () => {
    const names = namesOf({ adapter: 'KRAKEN', endpoints: [], feed: '7' })
    expect(reader.read('{"*": {"min": 1}, "7": {"min": 2}}').limitsFor(names)).toEqual({ min: 2 })
    expect(reader.read('{"7": {"min": 2}, "*": {"min": 1}}').limitsFor(names)).toEqual({ min: 1 })
  })
})

describe('limits that cannot be used', () => {
  it.each([
    ['', 'is no JSON: '],
    ['{"ETH/USD": {"min": 1}', 'is no JSON: '],
    ['[]', 'at the top: [] is not allowed, but an object from patterns of feeds to limits'],
    ['{"ETH/USD": 5}', 'at /ETH~1USD: 5 is not allowed, but an object of limits'],
    ['{"a": {"min": "1"}}', 'at /a/min: "1" is not allowed, but a number, or null'],
    ['{"a\\nb": {"min": "1"}}', 'at /a\nb/min: "1" is not allowed, but a number, or null'],
    ['{"a": {"max": 1e999}}', 'at /a/max: null is not allowed, but a number, or null'],
    ['{"a": {"maxJump": 0}}', 'at /a/maxJump: 0 is not allowed, but a number above 0'],
    ['{"a": {"maxAgeMs": 0.5}}', 'at /a/maxAgeMs: 0.5 is not allowed, but a whole number of ms from 1'],
    ['{"a": {"frozenAfterMs": -1}}', 'at /a/frozenAfterMs: -1 is not allowed, but a whole number'],
    [
      '{"a": {"sign": "negative"}}',
      'at /a/sign: "negative" is not allowed, but "positive" or "any", or null',
    ],
    ['{"a": {"allowZero": 1}}', 'at /a/allowZero: 1 is not allowed, but true or false, or null'],
    ['{"a": {"withdrawn": true}}', 'at /a/withdrawn: true is not allowed, but a text that says why'],
    ['{"a": {"withdrawn": " "}}', 'at /a/withdrawn: " " is not allowed, but a text that says why'],
    ['{"a": {"withdrawm": "x"}}', 'at /a/withdrawm: is no limit; there are min, max, maxJump, maxAgeMs, '],
    ['{"a": {"min": 2, "max": 1}}', 'at /a: min 2 is not allowed, but one up to max 1'],
    ['{" ": {}}', 'at / : an empty pattern is not allowed'],
    ['{"a": {"min": 1}, "a": {"max": 1}}', 'at /a: is there more than once'],
    ['{"a": {"min": 1, "min": 2}}', 'at /a/min: is there more than once'],
    ['{"__proto__": {"min": ""}}', 'at /__proto__/min: "" is not allowed'],
  ])('%j are refused, with the place and what is allowed', (json, expected) => {
    const problems = problemsOf(json)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
  })

  it('are named all at once, up to ten', () => {
    expect(new LimitsError(['one', 'two']).message).toBe('one; two')
    expect(problemsOf('{"a": {"min": ""}, "b": 1}')).toHaveLength(2)
    const many = Object.fromEntries(Array.from({ length: 50 }, (_one, at) => [`p${at}`, 1]))
    expect(problemsOf(JSON.stringify(many))).toHaveLength(10)
  })

  it('are shown as far as sixty characters, and not at all where they are nothing', () => {
    const [problem] = problemsOf(JSON.stringify({ a: { min: 'x'.repeat(100) } }))
    expect(problem).toBe(`at /a/min: "${'x'.repeat(59)}… is not allowed, but a number, or null`)
    expect(problemsOf(JSON.stringify({ a: { min: 'x'.repeat(58) } }))[0]).toContain(`"${'x'.repeat(58)}" is`)
  })

  it.each([
    ['maxAgeMs', 31_536_000_000, 31_536_000_001],
    ['frozenAfterMs', 31_536_000_000, 31_536_000_001],
    ['withdrawn', 'x'.repeat(500), 'x'.repeat(501)],
    ['maxJump', Number.MIN_VALUE, -0],
  ])('are those of %s beyond what it may be', (name, most, more) => {
    expect(limitsOf({ a: { [name]: most } }, 'a')).toEqual({ [name]: most })
    expect(problemsOf(JSON.stringify({ a: { [name]: more } }))).toHaveLength(1)
  })

  it('are not a range of one value, one with one end, or one without', () => {
    for (const one of [
      { min: 1, max: 1 },
      { min: 5 },
      { max: -5 },
      { min: 2, max: null },
      { min: null, max: 1 },
    ])
      expect(limitsOf({ a: one }, 'a')).toEqual(one)
  })

  it('are all but these: every limit there is, and null for each', () => {
    const all = {
      min: -1.5,
      max: 1e6,
      maxJump: 0.2,
      maxAgeMs: 1,
      frozenAfterMs: 60_000,
      sign: 'any',
      allowZero: true,
      withdrawn: 'venue halted',
    }
    const none = Object.fromEntries(Object.keys(all).map((name) => [name, null]))
    expect(limitsOf({ a: all, 'a*': {} }, 'A')).toEqual(all)
    expect(limitsOf({ a: all, '*': none }, 'a')).toEqual(none)
    expect(reader.read('{}').size).toBe(0)
  })
})
