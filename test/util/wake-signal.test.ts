import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WakeSignal } from '../../src/util/wake-signal'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('WakeSignal', () => {
  it('ends a wait at the deadline when nothing happens', async () => {
    const signal = new WakeSignal()
    const woken = vi.fn()
    void signal.wait(50).then(woken)
    await vi.advanceTimersByTimeAsync(49)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toHaveBeenCalledOnce()
  })

  it('wakes nobody, now or later, while it is muted', async () => {
    const signal = new WakeSignal()
    const woken = vi.fn()
    signal.isMuted = true
    void signal.wait(50).then(woken)
    signal.wake()
    await vi.advanceTimersByTimeAsync(49)
    expect(woken).not.toHaveBeenCalled()
    expect(signal.isPending).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toHaveBeenCalledOnce()
    signal.isMuted = false
    const waiting = signal.wait(50)
    signal.wake()
    await waiting
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a wait at the wake, without leaving a timer', async () => {
    const signal = new WakeSignal()
    const waiting = signal.wait(50)
    signal.wake()
    await waiting
    expect(vi.getTimerCount()).toBe(0)
  })

  it('wakes everybody who waits', async () => {
    const signal = new WakeSignal()
    const all = Promise.all([signal.wait(50), signal.wait(60), signal.wait(70)])
    signal.wake()
    await all
    expect(vi.getTimerCount()).toBe(0)
  })

  it('remembers a wake until it is cleared, whoever has slept meanwhile', async () => {
    const signal = new WakeSignal()
    const waiting = signal.wait(50)
    signal.wake()
    signal.wake()
    await waiting
    expect(signal.isPending).toBe(true)
    await signal.wait(50)
    expect(signal.isPending).toBe(true)
    signal.clear()
    void signal.wait(50)
    expect(vi.getTimerCount()).toBe(1)
  })

  it('forgets a remembered wake when cleared', () => {
    const signal = new WakeSignal()
    signal.wake()
    signal.clear()
    expect(signal.isPending).toBe(false)
    void signal.wait(50)
    expect(vi.getTimerCount()).toBe(1)
  })

  it('lets who was woken wait again once the wake is cleared', async () => {
    const signal = new WakeSignal()
    const rounds: number[] = []
    const sleeper = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await signal.wait(1000)
        signal.clear()
        rounds.push(round)
      }
    }
    const sleeping = sleeper()
    for (let round = 0; round < 3; round++) {
      signal.wake()
      await vi.advanceTimersByTimeAsync(0)
    }
    await sleeping
    expect(rounds).toEqual([0, 1, 2])
  })
})
