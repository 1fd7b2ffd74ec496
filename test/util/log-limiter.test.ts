import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LogLimiter } from '../../src/util/log-limiter'

afterEach(() => {
  vi.restoreAllMocks()
})

const clockAt = (start: number): { now: number } => {
  const clock = { now: start }
  vi.spyOn(Date, 'now').mockImplementation(() => clock.now)
  return clock
}

describe('LogLimiter', () => {
  it('OB-4: logs the first occurrence at once and then one line per interval with the count of the rest', () => {
    const clock = clockAt(0)
    const limiter = new LogLimiter(60_000)
    const lines: number[] = []
    for (clock.now = 0; clock.now <= 120_000; clock.now += 1000) {
      limiter.run('connection refused', (repeated) => lines.push(repeated))
    }
    expect(lines).toEqual([0, 59, 59])
  })

  it('OB-4: loses no occurrence and never logs a key twice within an interval', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 50 })))
    fc.assert(
      fc.property(steps, (occurrences) => {
        const clock = clockAt(1000)
        const limiter = new LogLimiter(100)
        const lines: { key: string; at: number; repeated: number }[] = []
        const total = { a: 0, b: 0 }
        for (const [key, elapsed] of occurrences) {
          clock.now += elapsed
          total[key] += 1
          limiter.run(key, (repeated) => lines.push({ key, at: clock.now, repeated }))
        }
        for (const key of ['a', 'b'] as const) {
          const own = lines.filter((line) => line.key === key)
          own.slice(1).forEach((line, at) => expect(line.at - (own[at]?.at ?? 0)).toBeGreaterThanOrEqual(100))
          const told = own.reduce((sum, line) => sum + 1 + line.repeated, 0)
          expect(told).toBeLessThanOrEqual(total[key])
          clock.now += 100
          if (total[key] > 0) limiter.run(key, (repeated) => expect(told + repeated).toBe(total[key]))
        }
      }),
    )
  })

  it('lets all keys over the bound share one line', () => {
    clockAt(0)
    const limiter = new LogLimiter(1000, 2)
    const log = vi.fn()
    for (const key of ['a', 'b', 'c', 'd', 'e']) limiter.run(key, log)
    expect(log).toHaveBeenCalledTimes(3)
  })

  it('makes room for new keys once old ones are quiet', () => {
    const clock = clockAt(0)
    const limiter = new LogLimiter(1000, 2)
    const log = vi.fn()
    for (const key of ['a', 'b', 'c', 'd']) limiter.run(key, log)
    clock.now = 1000
    for (const key of ['e', 'f']) limiter.run(key, log)
    expect(log).toHaveBeenCalledTimes(5)
  })

  it('is not silenced by a clock that was set back', () => {
    const clock = clockAt(1_000_000)
    const limiter = new LogLimiter(1000)
    const log = vi.fn()
    limiter.run('a', log)
    clock.now = 10
    limiter.run('a', log)
    expect(log).toHaveBeenCalledTimes(2)
  })
})
