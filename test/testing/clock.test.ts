import { install } from '@sinonjs/fake-timers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { advance, type FakeClock, runUntil, runUntilSettled, viClock } from '../../src/testing'

let uninstall = () => {}

const clocks: [string, () => FakeClock][] = [
  [
    'fake-timers',
    () => {
      const clock = install({
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
      })
      uninstall = () => clock.uninstall()
      return clock
    },
  ],
  [
    'vitest',
    () => {
      vi.useFakeTimers({
        now: 0,
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
      })
      uninstall = () => vi.useRealTimers()
      return viClock(vi)
    },
  ],
]

afterEach(() => uninstall())

describe.each(clocks)('a clock of %s', (_name, makeClock) => {
  it('advances by exactly what is asked for, firing what is due and letting promises settle', async () => {
    const clock = makeClock()
    const fired: number[] = []
    const chain = async () => {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        fired.push(Date.now())
      }
    }
    void chain()
    await advance(clock, 250)
    expect(fired).toEqual([100, 200])
    expect(clock.now).toBe(250)
  })

  it('runs no further than to the timer that makes a predicate true', async () => {
    const clock = makeClock()
    let count = 0
    const timer = setInterval(() => count++, 1_000)
    await runUntil(clock, () => count === 3)
    expect([count, clock.now]).toEqual([3, 3_000])
    await runUntil(clock, () => Promise.resolve(count === 3))
    expect(clock.now).toBe(3_000)
    clearInterval(timer)
  })

  it('gives up after a limit of fake time, whether timers are set or not', async () => {
    const clock = makeClock()
    await expect(runUntil(clock, () => false, 500)).rejects.toThrow('after 500 ms of fake time')
    expect(clock.now).toBe(500)
    const timer = setInterval(() => {}, 200)
    await expect(runUntil(clock, () => false, 500)).rejects.toThrow('after 500 ms of fake time')
    clearInterval(timer)
  })

  it('runs until a promise is settled, and has its outcome', async () => {
    const clock = makeClock()
    const late = new Promise((resolve) => setTimeout(() => resolve('done'), 5_000))
    expect(await runUntilSettled(clock, late)).toBe('done')
    expect(clock.now).toBe(5_000)
    const failing = new Promise((_resolve, reject) => setTimeout(() => reject(new Error('no')), 10))
    await expect(runUntilSettled(clock, failing)).rejects.toThrow('no')
  })
})

describe('a clock of vitest', () => {
  it('is not there without fake timers', () => {
    expect(() => viClock(vi)).toThrow('vi.useFakeTimers()')
  })
})
