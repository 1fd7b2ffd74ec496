import FakeTimers from '@sinonjs/fake-timers'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ageMs, arrival, instant, later, leftMs, monotonicMs, ourTime, WallMark } from '../../src/util/clock'

afterEach(() => void vi.useRealTimers())

const passed = (act: () => void): number => {
  const before = monotonicMs()
  act()
  return monotonicMs() - before
}

describe('the monotonic clock', () => {
  it('TM-6: moves with the timers that a test fakes, by whatever ways it fakes them, and not with the wall clock', () => {
    for (const toFake of [
      undefined,
      ['setTimeout', 'clearTimeout'],
      ['setTimeout', 'clearTimeout', 'Date'],
    ] as const) {
      const clock = FakeTimers.install(toFake === undefined ? {} : { toFake: [...toFake] })
      onTestFinished(() => clock.uninstall())
      expect(passed(() => clock.tick(1_500))).toBe(1_500)
      expect(passed(() => clock.setSystemTime(Date.now() - 3_600_000))).toBe(0)
      expect(passed(() => clock.setSystemTime(Date.now() + 7_200_000))).toBe(0)
      clock.uninstall()
    }
  })

  it('does not stand still where Date alone does', () => {
    vi.spyOn(Date, 'now').mockReturnValue(5)
    const started = monotonicMs()
    const before = process.hrtime.bigint()
    while (process.hrtime.bigint() - before < 2_000_000n);
    expect(monotonicMs() - started).toBeGreaterThanOrEqual(2)
    vi.restoreAllMocks()
  })

  it('goes on where it was from one clock to another, and never back', () => {
    const readings = [monotonicMs()]
    for (let round = 0; round < 3; round++) {
      const clock = FakeTimers.install()
      readings.push(monotonicMs())
      clock.tick(86_400_000)
      readings.push(monotonicMs())
      clock.uninstall()
      readings.push(monotonicMs())
    }
    expect([...readings].sort((a, b) => a - b)).toEqual(readings)
    const [first = 0, second = 0, third = 0] = readings
    expect(second - first).toBeLessThan(60_000)
    expect(third - second).toBe(86_400_000)
  })
})

const START = 1_700_000_000_000
const HOUR = 3_600_000

describe('a moment on both clocks', () => {
  const at = { unixMs: 1_000, monotonicMs: 50 }

  it('TM-6: is over when the first clock says so, and as old as the larger of both have counted', () => {
    expect(later(at, 30)).toEqual({ unixMs: 1_030, monotonicMs: 80, era: undefined })
    expect(leftMs(later(at, 30), { unixMs: 1_010, monotonicMs: 75 })).toBe(5)
    expect(leftMs(later(at, 30), { unixMs: 1_028, monotonicMs: 55 })).toBe(2)
    expect(ageMs(at, { unixMs: 900, monotonicMs: 57 })).toBe(7)
    expect(ageMs(at, { unixMs: 4_000, monotonicMs: 57 })).toBe(3_000)
  })
})

describe('the moment of an arrival', () => {
  const busyFor = (ns: bigint) => {
    const before = process.hrtime.bigint()
    while (process.hrtime.bigint() - before < ns);
  }

  it('is one for what is handled without a pause, however long that takes, and never later than now', () => {
    const before = instant()
    const first = arrival()
    busyFor(3_000_000n)
    expect(arrival()).toBe(first)
    expect(first.monotonicMs).toBeGreaterThanOrEqual(before.monotonicMs)
    expect(first.monotonicMs).toBeLessThan(monotonicMs())
  })

  it('is another one for what is handled later', async () => {
    const first = arrival()
    await Promise.resolve()
    await Promise.resolve()
    const second = arrival()
    expect(second).not.toBe(first)
    expect(second.monotonicMs).toBeGreaterThanOrEqual(first.monotonicMs)
  })

  it('is that of each message where a test has taken the place of a clock, even within one task', () => {
    arrival()
    vi.spyOn(Date, 'now').mockReturnValueOnce(5).mockReturnValueOnce(7)
    expect([arrival().unixMs, arrival().unixMs]).toEqual([5, 7])
    vi.restoreAllMocks()
    arrival()
    const clock = FakeTimers.install({ toFake: ['setTimeout'] })
    onTestFinished(() => clock.uninstall())
    const first = arrival()
    clock.tick(50)
    expect(arrival().monotonicMs - first.monotonicMs).toBe(50)
  })
})

describe('what others wrote down of the wall clock', () => {
  const held = () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'Date', 'hrtime'], now: START })
    ourTime.trustsWall = false
    onTestFinished(() => {
      ourTime.trustsWall = undefined
      ourTime.restart()
    })
    return new WallMark()
  }
  const pass = (ms: number) => vi.advanceTimersByTime(ms)
  const step = (ms: number) => vi.setSystemTime(Date.now() + ms)

  it('is as old as it says, and then as the monotonic clock counts', () => {
    const mark = held()
    expect(mark.msSince(0)).toBe(Infinity)
    pass(10_000)
    const written = Date.now() - 4_000
    expect(mark.msSince(written)).toBe(4_000)
    pass(1_000)
    expect(mark.msSince(written)).toBe(5_000)
    pass(500)
    expect(mark.msSince(written + 5_400)).toBe(100)
  })

  it('TM-6: is no older than the last look when it is new, and no younger than now, whatever the wall clock does', () => {
    const mark = held()
    pass(1_000)
    const written = Date.now()
    expect(mark.msSince(written)).toBe(0)
    step(HOUR)
    pass(2_000)
    expect(mark.msSince(written)).toBe(2_000)
    pass(3_000)
    // It was written before the clock was set ahead, and is new.
    expect(mark.msSince(written + 1)).toBe(3_000)
    step(-2 * HOUR)
    pass(400)
    // It was written before the clock was set back.
    expect(mark.msSince(Date.now() + HOUR)).toBe(0)
  })

  it('is what the wall clock says where that has been replaced by a test', () => {
    const mark = held()
    ourTime.trustsWall = undefined
    expect(mark.msSince(START - 700)).toBe(700)
    step(-HOUR)
    expect(mark.msSince(START)).toBe(0)
  })
})
