import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problems } from '../problems'
import { attemptFailed, connectionLost, parseReconnect, RESTED, type Reconnect } from '../reconnect'
import { vectorsOf } from './vectors'

interface Vector {
  reconnect: unknown
  events: ('fail' | 'ok' | 'lost')[]
  rng?: number[]
  expect: ({ wait_ms: number } | { connected: true } | { give_up: true })[]
}

const parse = (given: unknown): Reconnect => {
  const problems = new Problems('test')
  const reconnect = parseReconnect(given, problems)
  problems.throwIfAny()
  return reconnect
}

const retry = (of: Partial<Extract<Reconnect, { strategy: 'retry' }>>): Reconnect => ({
  strategy: 'retry',
  intervalMs: 100,
  growthRate: 2,
  maxRetries: null,
  randomized: false,
  ...of,
})

describe('when to connect again', () => {
  it.each(vectorsOf<Vector>('reconnect.json'))(
    '$id: $title',
    ({ reconnect, events, rng = [], expect: expected }) => {
      const strategy = parse(reconnect)
      const draws = [...rng]
      const random = () => {
        const drawn = draws.shift()
        if (drawn === undefined) throw new Error('more draws than the vector has')
        return drawn
      }
      let state = RESTED
      const seen = events.map((event) => {
        if (event === 'ok') {
          state = RESTED
          return { connected: true }
        }
        const decide = event === 'fail' ? attemptFailed : connectionLost
        const decision = decide(strategy, state, random)
        ;({ state } = decision)
        return decision.waitMs === undefined ? { give_up: true } : { wait_ms: decision.waitMs }
      })
      expect(seen).toEqual(expected)
      expect(draws).toEqual([])
    },
  )

  it('draws between the last wait and the grown one, both included, whichever is larger', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (last, growthRate, random) => {
          const strategy = retry({ growthRate, randomized: true })
          const { waitMs = NaN } = attemptFailed(strategy, { failures: 1, waitMs: last }, () => random)
          const grown = Math.trunc(last * growthRate)
          expect(Number.isInteger(waitMs)).toBe(true)
          expect(waitMs).toBeGreaterThanOrEqual(Math.min(last, grown))
          expect(waitMs).toBeLessThanOrEqual(Math.max(last, grown))
        },
      ),
    )
  })

  it('stays a whole number however often it grows', () => {
    let state = RESTED
    for (let attempt = 0; attempt < 3_000; attempt++)
      ({ state } = attemptFailed(retry({ growthRate: 9 }), state, () => 0))
    expect(state.waitMs).toBe(Number.MAX_SAFE_INTEGER)
  })

  it.each([
    ['two strategies', { none: null, retry: { interval_ms: 1 } }],
    ['null', null],
    ['a list', ['none']],
    ['another word', 'None'],
    ['a value beside none', { none: {} }],
    ['no growth', { retry: { interval_ms: 1, growth_rate: null } }],
    ['negative growth', { retry: { interval_ms: 1, growth_rate: -1 } }],
    ['endless growth', { retry: { interval_ms: 1, growth_rate: Infinity } }],
    ['half a retry', { retry: { interval_ms: 1, max_retries: 0.5 } }],
    ['a word for a boolean', { retry: { interval_ms: 1, randomized: 'yes' } }],
    ['a number for the record', { retry: 5 }],
  ])('refuses %s', (_what, given) => {
    expect(() => parse(given)).toThrow('reconnect')
  })

  it('takes null for no limit', () => {
    expect(parse({ retry: { interval_ms: 1, max_retries: null } })).toMatchObject({ maxRetries: null })
  })
})
