import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep } from '../../../src/util/sleep'
import {
  runAllUntil,
  runAllUntilSettled,
  runAllUntilTime,
  runPeriodicAsyncBackgroundExecution,
  waitUntilResolved,
} from '../../../src/public/util/testing-utils'

let clock: Clock

beforeEach(() => {
  clock = FakeTimers.install({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
})

afterEach(() => {
  clock.uninstall()
})

describe('runAllUntil', () => {
  it('fires what is due, and moves nothing when the predicate holds already', async () => {
    const due = vi.fn()
    setTimeout(due, 0)
    setTimeout(due, 1)
    await runAllUntil(clock, () => true)
    expect(due).toHaveBeenCalledOnce()
    expect(clock.now).toBe(0)
  })

  it('goes from timer to timer', async () => {
    const fired: number[] = []
    for (const at of [5, 70, 900]) setTimeout(() => fired.push(at), at)
    await runAllUntil(clock, () => fired.length === 2)
    expect(fired).toEqual([5, 70])
    expect(clock.now).toBe(70)
  })

  it('waits for something real when there is no timer', async () => {
    let isDone = false
    setImmediate(() => (isDone = true))
    await runAllUntil(clock, () => isDone)
    expect(clock.now).toBe(0)
  })
})

describe('runAllUntilTime', () => {
  it('ends exactly there, having fired all up to there and none after', async () => {
    const fired: number[] = []
    for (const at of [10, 35, 36]) setTimeout(() => fired.push(at), at)
    await runAllUntilTime(clock, 35)
    expect([clock.now, fired]).toEqual([35, [10, 35]])
    await runAllUntilTime(clock, 0)
    expect(clock.now).toBe(35)
  })
})

describe('runAllUntilSettled', () => {
  it('returns and throws what comes of a promise', async () => {
    expect(
      await runAllUntilSettled(
        clock,
        sleep(90_000).then(() => 'late'),
      ),
    ).toBe('late')
    expect(clock.now).toBe(90_000)
    const failing = sleep(1).then(() => Promise.reject(new Error('no')))
    await expect(runAllUntilSettled(clock, failing)).rejects.toThrow('no')
  })

  it('hears a rejection that was there before it', async () => {
    const heard = vi.fn()
    process.once('unhandledRejection', heard)
    try {
      await expect(runAllUntilSettled(clock, Promise.reject(new Error('early')))).rejects.toThrow('early')
      await new Promise((resolve) => setImmediate(resolve))
      expect(heard).not.toHaveBeenCalled()
    } finally {
      process.removeListener('unhandledRejection', heard)
    }
  })
})

describe('waitUntilResolved', () => {
  it('returns and throws what comes of a call', async () => {
    expect(await waitUntilResolved(clock, () => sleep(50).then(() => 1))).toBe(1)
    const failing = () => sleep(50).then(() => Promise.reject(new Error('no')))
    await expect(waitUntilResolved(clock, failing)).rejects.toThrow('no')
    expect(clock.now).toBe(100)
  })
})

describe('runPeriodicAsyncBackgroundExecution', () => {
  it('looks after each interval, and waits for the step', async () => {
    let runs = 0
    const interval = setInterval(() => (runs += 1), 100)
    const steps: number[] = []
    await runPeriodicAsyncBackgroundExecution(clock, {
      interval: 100,
      times: 3,
      stepValidation: (iteration) => {
        steps.push(iteration)
        return runs >= 2 * (iteration + 1)
      },
    })
    clearInterval(interval)
    expect(runs).toBe(6)
    expect(new Set(steps)).toEqual(new Set([0, 1, 2]))
    expect(clock.now).toBe(600)
  })
})
