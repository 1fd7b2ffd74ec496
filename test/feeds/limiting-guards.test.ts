import { describe, expect, it } from 'vitest'
import { holdMsAfter, unlessFlagged } from '../../src/feeds/guard-policy'
import { type GuardMemory, type GuardOptions, Guards, isAboutNumbers } from '../../src/feeds/guards'
import { type AdapterResponse } from '../../src/feeds/responses'

const valueOf = (result: unknown, data: unknown = {}) => ({ result, data }) as AdapterResponse
const ruled = new Guards({})
const ANY = { sign: 'any' } as const

describe('the limits of an operator', () => {
  it('are about numbers when they name any, and their sign is limited unless they say otherwise', () => {
    expect(isAboutNumbers({})).toBe(true)
    expect(isAboutNumbers({ sign: 'positive' })).toBe(true)
    expect(isAboutNumbers(ANY)).toBe(false)
    for (const limit of ['min', 'max', 'maxJump', 'frozenAfterMs'])
      expect(isAboutNumbers({ ...ANY, [limit]: 5 })).toBe(true)
  })

  it('that are about no numbers look at none', () => {
    expect(ruled.judgeBy(ANY, valueOf('page'), false, {}, 0)).toBeUndefined()
    expect(ruled.judgeBy({ ...ANY, max: 10 }, valueOf('page'), false, {}, 0)).toBe('missing')
  })

  it('are for every number of a value, beside the result, too, as far as they are numbers', () => {
    const options = { max: 10 }
    expect(ruled.rangeOf(valueOf(5, { bid: 4, ask: 6 }), options)).toBeUndefined()
    expect(ruled.rangeOf(valueOf(11, { bid: 4 }), options)).toBe('out-of-range')
    expect(ruled.rangeOf(valueOf(5, { bid: 4, ask: 11 }), options)).toBe('out-of-range')
    expect(ruled.rangeOf(valueOf('x', { ask: 11 }), options)).toBe('out-of-range')
    expect(ruled.rangeOf(valueOf('x', { ask: 6 }), options)).toBeUndefined()
    expect(ruled.rangeOf(valueOf(5, null), options)).toBeUndefined()
    for (const data of [{}, null, 'page']) expect(ruled.rangeOf(valueOf('x', data), options)).toBe('missing')
  })

  it('let a value be frozen only as long as the same one has come', () => {
    const options = { frozenAfterMs: 100 }
    const memory = { frozen: { value: 5, sinceMs: 1_000 } }
    expect(ruled.isFrozen(valueOf(5), options, memory, 1_099)).toBe(false)
    expect(ruled.isFrozen(valueOf(5), options, memory, 1_100)).toBe(true)
    expect(ruled.isFrozen(valueOf(6), options, memory, 1_100)).toBe(false)
    expect(ruled.isFrozen(valueOf('x'), options, memory, 1_100)).toBe(false)
    expect(ruled.isFrozen(valueOf(5), options, {}, 1_100)).toBe(false)
    expect(ruled.isFrozen(valueOf('x'), options, {}, 1_100)).toBe(false)
    expect(ruled.isFrozen(valueOf(5), {}, memory, 1_100)).toBe(false)
    expect(ruled.isFrozen(valueOf(5), { ...options, policy: { frozen: 'flag' } }, memory, 1_100)).toBe(false)
  })

  it('are held from the next value on against what is served when they come, and forget what they do not need', () => {
    const after = (options: GuardOptions, served: AdapterResponse | undefined, memory: GuardMemory = {}) => {
      ruled.adjust(options, served, memory, 7)
      return memory
    }
    const [jump, frozen] = [
      { value: 3, atMs: 1 },
      { value: 3, sinceMs: 1 },
    ]
    expect(after({ maxJump: 0.1 }, valueOf(5)).jump).toEqual({ value: 5, atMs: 7 })
    expect(after({ maxJump: 0.1 }, valueOf(5), { jump }).jump).toBe(jump)
    expect(after({ maxJump: 0.1 }, valueOf('x')).jump).toBeUndefined()
    expect(after({ maxJump: 0.1 }, undefined).jump).toBeUndefined()
    expect(after({}, valueOf(5)).jump).toBeUndefined()
    expect(after({}, valueOf(5), { jump, frozen })).toEqual({ jump: undefined, frozen: undefined })
    expect(after({ maxJump: 0.1 }, valueOf(5), { frozen }).frozen).toBeUndefined()
    expect(after({ frozenAfterMs: 1 }, undefined, { jump, frozen })).toEqual({ jump: undefined, frozen })
  })
})

describe('the policy of a guard', () => {
  it('flags also where nobody notes the flag', () => {
    const policy = { jump: 'flag' } as const
    expect(unlessFlagged('jump', { policy }, undefined)).toBeUndefined()
    expect(unlessFlagged('frozen', { policy }, undefined)).toBe('frozen')
    expect(unlessFlagged(undefined, { policy }, [])).toBeUndefined()
  })

  it('holds by the time of the jump guard only after a jump', () => {
    const maxJump = { ratio: 0.1, maxHoldMs: 5 }
    const policy = { frozen: 'hold' } as const
    expect(holdMsAfter('jump', { maxJump, maxHoldMs: 9 })).toBe(5)
    expect(holdMsAfter('jump', { maxJump: { ratio: 0.1 }, maxHoldMs: 9 })).toBe(9)
    expect(holdMsAfter('jump', { maxJump: 0.1 })).toBe(10_000)
    expect(holdMsAfter('frozen', { maxJump, policy, maxHoldMs: 9 })).toBe(9)
    expect(holdMsAfter('frozen', { maxJump, maxHoldMs: 9 })).toBeUndefined()
    expect(holdMsAfter('unwanted', { policy, maxHoldMs: 9 })).toBeUndefined()
  })
})
