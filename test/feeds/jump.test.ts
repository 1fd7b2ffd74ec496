import { describe, expect, it } from 'vitest'
import { type JumpGuard, type JumpMemory, jumpReason } from '../../src/feeds/jump'

/** Gives values to one feed, each so many ms after the one before. */
const feed = (guard: number | JumpGuard | undefined, memory: { jump?: JumpMemory } = {}) => {
  let nowMs = 0
  return (value: number, afterMs = 1, hasServed = true) =>
    jumpReason(value, guard, memory, hasServed, (nowMs += afterMs)) === undefined
}

describe('a change from the last value', () => {
  it('is no jump where none is declared, or there is nothing to compare it with', () => {
    const free = feed(undefined)
    expect([free(1), free(1_000)]).toEqual([true, true])
    const first = feed(0.1)
    expect(first(100)).toBe(true)
    expect(first(1_000, 1, false)).toBe(true)
    expect(first(1_050)).toBe(true)
  })

  it('may be as large as declared, up and down, below zero too', () => {
    for (const last of [100, -100]) {
      for (const [part, isTaken] of [
        [1.5, true],
        [0.5, true],
        [1.51, false],
        [0.49, false],
      ] as const) {
        const take = feed(0.5)
        take(last)
        expect(take(last * part)).toBe(isTaken)
      }
    }
  })

  it('grows with the time since the last value, and never below what is declared', () => {
    const start = () => {
      const take = feed({ ratio: 0.1, perMs: 1_000 })
      take(100, 500)
      return take
    }
    expect(start()(110, 10)).toBe(true)
    expect(start()(111, 10)).toBe(false)
    expect(start()(120, 2_000)).toBe(true)
    expect(start()(121, 2_000)).toBe(false)
  })

  it('is taken when a second value agrees with it, and then held against that', () => {
    const take = feed({ ratio: 0.5, agreeWithin: 0.01 })
    expect([take(100), take(1_000), take(1_011), take(1_012)]).toEqual([true, false, false, true])
    expect([take(1_500), take(100), take(1_500)]).toEqual([true, false, true])
  })

  it('is not taken when the second value is another one', () => {
    const take = feed(0.5)
    expect([take(100), take(1_000), take(5), take(1_000), take(5)]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
    expect([take(101), take(1_000)]).toEqual([true, false])
  })

  it('is counted from when it was agreed on', () => {
    const take = feed({ ratio: 0.1, perMs: 1_000 })
    take(100, 0)
    take(1_000, 5_000)
    expect(take(1_000, 10)).toBe(true)
    expect(take(1_200, 1_999)).toBe(false)
  })
})
