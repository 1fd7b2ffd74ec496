import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LogLimiter } from '../../src/util/log-limiter'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => vi.advanceTimersByTime(ms)

describe('LogLimiter', () => {
  it('OB-4: logs the first occurrence at once and then one line per interval with the count of the rest', () => {
    const limiter = new LogLimiter(60_000)
    const lines: number[] = []
    for (let second = 0; second <= 120; second++) {
      limiter.run('connection refused', (repeated) => lines.push(repeated))
      pass(1_000)
    }
    expect(lines).toEqual([0, 59, 59])
  })

  it('OB-4: loses no occurrence and never logs a key twice within an interval', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 50 })))
    fc.assert(
      fc.property(steps, (occurrences) => {
        let now = 0
        const later = (ms: number) => {
          now += ms
          pass(ms)
        }
        const limiter = new LogLimiter(100)
        const lines: { key: string; at: number; repeated: number }[] = []
        const total = { a: 0, b: 0 }
        for (const [key, elapsed] of occurrences) {
          later(elapsed)
          total[key] += 1
          limiter.run(key, (repeated) => lines.push({ key, at: now, repeated }))
        }
        for (const key of ['a', 'b'] as const) {
          const own = lines.filter((line) => line.key === key)
          own.slice(1).forEach((line, at) => expect(line.at - (own[at]?.at ?? 0)).toBeGreaterThanOrEqual(100))
          const told = own.reduce((sum, line) => sum + 1 + line.repeated, 0)
          expect(told).toBeLessThanOrEqual(total[key])
          later(100)
          if (total[key] > 0) limiter.run(key, (repeated) => expect(told + repeated).toBe(total[key]))
        }
      }),
    )
  })

  it('lets all keys over the bound share one line', () => {
    const limiter = new LogLimiter(1000, 2)
    const log = vi.fn()
    for (const key of ['a', 'b', 'c', 'd', 'e']) limiter.run(key, log)
    expect(log).toHaveBeenCalledTimes(3)
  })

  it('makes room for new keys once old ones are quiet', () => {
    const limiter = new LogLimiter(1000, 2)
    const log = vi.fn()
    for (const key of ['a', 'b', 'c', 'd']) limiter.run(key, log)
    pass(1_000)
    for (const key of ['e', 'f']) limiter.run(key, log)
    expect(log).toHaveBeenCalledTimes(5)
  })

  it('TM-6: is neither silenced nor hurried by a wall clock that was set', () => {
    const limiter = new LogLimiter(1000)
    const log = vi.fn()
    limiter.run('a', log)
    vi.setSystemTime(Date.now() + 3_600_000)
    limiter.run('a', log)
    expect(log).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() - 7_200_000)
    pass(1_000)
    limiter.run('a', log)
    expect(log).toHaveBeenCalledTimes(2)
  })
})
