import { describe, expect, it } from 'vitest'
import { type Freshness } from '../../../src/feeds/freshness'
import { type GuardOptions } from '../../../src/feeds/guards'
import { feedRule } from '../../../src/feeds/limits/feed-rule'
import { type Limits } from '../../../src/feeds/limits/schema'

const ruleOf = (
  limits: Limits,
  of: { guards?: GuardOptions; freshness?: Freshness; isStrict?: boolean; settings?: object } = {},
) =>
  feedRule(limits, {
    guards: of.guards ?? {},
    freshness: of.freshness,
    isStrict: of.isStrict ?? true,
    settings: of.settings ?? {},
  })

describe('the rule of a feed', () => {
  it('withdraws it where the operator says why', () => {
    expect(ruleOf({ withdrawn: 'halted' }).withdrawal).toBe('The feed is withdrawn: halted')
    expect(ruleOf({ withdrawn: null }).withdrawal).toBeUndefined()
    expect(ruleOf({}).withdrawal).toBeUndefined()
  })

  it('has the limits beside what the endpoint declares and enforces, in the place of the same', () => {
    const guards = { min: 1, max: 9, sign: 'any', fields: ['data.rate'] } as const
    const { enforced } = ruleOf({ max: 5, frozenAfterMs: 7, allowZero: true }, { guards })
    expect(enforced).toEqual({ ...guards, max: 5, frozenAfterMs: 7, allowZero: true })
  })

  it('leaves what the operator does not name as the endpoint declares it', () => {
    const guards = { min: 1, max: 9, maxJump: 0.1, frozenAfterMs: 5, sign: 'any', allowZero: true } as const
    expect(ruleOf({}, { guards }).enforced).toEqual(guards)
  })

  it('has nothing but the limits where the endpoint only reports', () => {
    const of = { guards: { min: 1, max: 9, frozenAfterMs: 5 }, isStrict: false }
    expect(ruleOf({ max: 5 }, of).enforced).toEqual({ sign: 'any', max: 5 })
    expect(ruleOf({ sign: 'positive' }, of).enforced).toEqual({ sign: 'positive' })
    expect(ruleOf({ allowZero: true }, of).enforced).toEqual({ allowZero: true })
  })

  it('reports what the operator does not limit', () => {
    const of = { guards: { min: 1, max: 9 }, isStrict: false }
    expect(ruleOf({ max: 5 }, of).reported).toEqual({ min: 1, max: undefined })
    expect(ruleOf({ sign: 'positive' }, of).reported).toEqual({ min: 1, max: 9, sign: 'any' })
    expect(ruleOf({ allowZero: false }, of).reported).toMatchObject({ sign: 'any', allowZero: undefined })
  })

  it('takes away what is null', () => {
    const nothing = { min: null, max: null, maxJump: null, frozenAfterMs: null, sign: null, allowZero: null }
    const guards = { min: 1, max: 9, maxJump: 0.1, frozenAfterMs: 5, allowZero: true } as const
    expect(ruleOf(nothing, { guards }).enforced).toEqual({ sign: 'any', allowZero: false })
  })

  it('has the largest jump of the operator, and what else the endpoint declares of jumps', () => {
    const jumpOf = (guards: GuardOptions) => ruleOf({ maxJump: 0.5 }, { guards }).enforced.maxJump
    expect(jumpOf({ maxJump: { ratio: 0.1, maxHoldMs: 7 } })).toEqual({ ratio: 0.5, maxHoldMs: 7 })
    expect(jumpOf({ maxJump: 0.1 })).toBe(0.5)
    expect(jumpOf({})).toBe(0.5)
  })

  it.each([
    ['min', 'out-of-range'],
    ['max', 'out-of-range'],
    ['maxJump', 'jump'],
    ['frozenAfterMs', 'frozen'],
    ['sign', 'not-positive'],
    ['allowZero', 'not-positive'],
  ] as const)('%s is enforced where the endpoint only flags %s, and nothing else is', (name, guard) => {
    const flags = {
      'out-of-range': 'flag',
      jump: 'flag',
      frozen: 'flag',
      'not-positive': 'flag',
      crossed: 'flag',
    } as const
    const others = Object.fromEntries(Object.entries(flags).filter(([name]) => name !== guard))
    expect(ruleOf({ [name]: null }, { guards: { policy: flags } }).enforced.policy).toEqual(others)
    const held = { [guard]: 'hold' } as const
    expect(ruleOf({ [name]: null }, { guards: { policy: held } }).enforced.policy).toEqual(held)
    expect(ruleOf({ [name]: null }).enforced).not.toHaveProperty('policy')
  })

  it('has no freshness of its own where the operator names no age, and none at all where it is null', () => {
    const freshness = { mode: 'tick', maxAgeMs: 9 } as const
    expect(ruleOf({ min: 1 }, { freshness }).freshness).toBeUndefined()
    expect(ruleOf({ maxAgeMs: null }, { freshness }).freshness).toBe('none')
  })

  it('limits the age as the setting of the service would', () => {
    const freshness = { mode: 'confirmed', maxAgeMs: 9, hardMaxAgeMs: 99 } as const
    const settings = { FRESHNESS_MAX_AGE: 7, FRESHNESS_HARD_MAX_AGE: 77 }
    expect(ruleOf({ maxAgeMs: 5 }, { freshness }).freshness).toEqual({ ...freshness, maxAgeMs: 5 })
    expect(ruleOf({ maxAgeMs: 5 }, { freshness, settings }).freshness).toEqual({
      mode: 'confirmed',
      maxAgeMs: 5,
      hardMaxAgeMs: 77,
    })
    expect(ruleOf({ maxAgeMs: 5 }).freshness).toEqual({ mode: 'tick', maxAgeMs: 5 })
  })

  it('limits nothing but that age where the endpoint only reports', () => {
    const freshness = { mode: 'confirmed', maxAgeMs: 9, hardMaxAgeMs: 99 } as const
    const limited = { mode: 'confirmed', maxAgeMs: 5, hardMaxAgeMs: Infinity }
    expect(ruleOf({ maxAgeMs: 5 }, { freshness, isStrict: false }).freshness).toEqual(limited)
    expect(ruleOf({ maxAgeMs: 5 }, { isStrict: false }).freshness).toEqual({ ...limited, mode: 'tick' })
  })
})
