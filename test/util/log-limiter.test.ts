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

  describe('OB-4: of a problem whose end is told', () => {
    const told = (limiter: LogLimiter) => {
      const lines: string[] = []
      const at = (lastedMs: number, repeated: number) => `${lastedMs / 1_000} s, ${repeated} left out`
      return {
        lines,
        occurs: () =>
          limiter.run('a', (_, { lastedMs, repeated }) => lines.push(`on ${at(lastedMs, repeated)}`)),
        lasts: () =>
          limiter.lasts('a', ({ lastedMs, repeated }) => lines.push(`on ${at(lastedMs, repeated)}`)),
        over: () =>
          limiter.over('a', ({ lastedMs, repeated }) => lines.push(`over ${at(lastedMs, repeated)}`)),
      }
    }

    it('logs one line when it begins, one a minute, and one when it is over', () => {
      const { lines, occurs, over } = told(new LogLimiter())
      for (let second = 0; second < 150; second++) {
        occurs()
        pass(1_000)
      }
      expect(over()).toBe(true)
      expect(lines).toEqual([
        'on 0 s, 0 left out',
        'on 60 s, 59 left out',
        'on 120 s, 59 left out',
        'over 150 s, 29 left out',
      ])
      expect(over()).toBe(false)
      expect(lines).toHaveLength(4)
    })

    it('logs the line of each minute although nothing occurs, if it is asked to', () => {
      const { lines, occurs, lasts } = told(new LogLimiter())
      lasts()
      occurs()
      for (let second = 0; second < 61; second++) {
        pass(1_000)
        lasts()
      }
      expect(lines).toEqual(['on 0 s, 0 left out', 'on 60 s, 0 left out'])
    })

    it('says nothing of the end of a hitch, and has one line a minute of hitches that follow each other', () => {
      const { lines, occurs, over } = told(new LogLimiter())
      for (let second = 0; second < 90; second++) {
        occurs()
        pass(500)
        expect(over()).toBe(false)
        pass(500)
      }
      expect(lines).toEqual(['on 0 s, 0 left out', 'on 0 s, 59 left out'])
    })

    it('tells of one that is no hitch although there was a hitch just before', () => {
      const { lines, occurs, over } = told(new LogLimiter())
      occurs()
      over()
      pass(1_000)
      for (let second = 0; second < 9; second++) {
        occurs()
        pass(1_000)
      }
      over()
      expect(lines).toEqual(['on 0 s, 0 left out', 'on 5 s, 5 left out', 'over 9 s, 3 left out'])
    })

    it('begins anew after its end was told', () => {
      const { lines, occurs, over } = told(new LogLimiter())
      for (let time = 0; time < 2; time++) {
        occurs()
        pass(30_000)
        over()
        pass(6_000)
      }
      expect(lines).toEqual([
        'on 0 s, 0 left out',
        'over 30 s, 0 left out',
        'on 0 s, 0 left out',
        'over 30 s, 0 left out',
      ])
    })
  })
})
