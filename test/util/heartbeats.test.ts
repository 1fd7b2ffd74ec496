import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Heartbeats } from '../../src/util/heartbeats'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})
afterEach(() => vi.useRealTimers())

describe('heartbeats', () => {
  it('LC-1: name the loops that are late, and since when, until they beat again', () => {
    const loops = new Heartbeats()
    const quick = loops.add('quick', 100)
    loops.add('slow', 1_000)
    vi.advanceTimersByTime(100)
    expect(loops.late()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(loops.late()).toEqual([{ loop: 'quick', sinceUnixMs: 1_000_000, withinMs: 100 }])
    quick.beat()
    expect(loops.late()).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(loops.late().map(({ loop, sinceUnixMs }) => [loop, sinceUnixMs])).toEqual([
      ['quick', 1_000_101],
      ['slow', 1_000_000],
    ])
  })

  it('TM-6: go by the monotonic clock, whatever the wall clock is set to', () => {
    const loops = new Heartbeats()
    loops.add('loop', 100)
    vi.setSystemTime(9_000_000)
    expect(loops.late()).toEqual([])
    vi.setSystemTime(5)
    vi.advanceTimersByTime(101)
    expect(loops.late()).toHaveLength(1)
  })

  it('expect nothing of a loop that has stopped, nor of one that is excused', () => {
    const loops = new Heartbeats()
    let isExcused = true
    const stopped = loops.add('stopped', 10)
    loops.add('excused', 10, () => isExcused)
    expect(loops.size).toBe(2)
    vi.advanceTimersByTime(50)
    stopped.stop()
    expect([loops.size, loops.late()]).toEqual([1, []])
    isExcused = false
    expect(loops.late().map(({ loop }) => loop)).toEqual(['excused'])
  })
})
