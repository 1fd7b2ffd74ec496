import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deferredPromise, MAX_TIMER_MS, sleep, timeoutPromise } from '../../src/util/sleep'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('sleep', () => {
  it('resolves after the given time, not before', async () => {
    const done = vi.fn()
    void sleep(100).then(done)
    await vi.advanceTimersByTimeAsync(99)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
  })

  it('ends early on abort and leaves no timer', async () => {
    const controller = new AbortController()
    const sleeping = sleep(1000, controller.signal)
    controller.abort()
    await sleeping
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not sleep at all when aborted before', async () => {
    await sleep(1000, AbortSignal.abort())
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves no listener on the signal after a full sleep', async () => {
    const { signal } = new AbortController()
    const sleeping = sleep(10, signal)
    await vi.advanceTimersByTimeAsync(10)
    await sleeping
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('takes a wait that no timer can hold for the longest possible one', async () => {
    const done = vi.fn()
    void sleep(Infinity).then(done)
    await vi.advanceTimersByTimeAsync(MAX_TIMER_MS - 1)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
  })
})

describe('timeoutPromise', () => {
  it('passes a result on and clears its timer', async () => {
    await expect(timeoutPromise('Work', Promise.resolve(5), 100)).resolves.toBe(5)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes a failure on unchanged and clears its timer', async () => {
    const reason = new Error('broken')
    await expect(timeoutPromise('Work', Promise.reject(reason), 100)).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with the label and the limit when the time is up', async () => {
    const [promise] = deferredPromise<void>()
    const outcome = expect(timeoutPromise('Background Execute', promise, 90_000)).rejects.toThrow(
      /^The promise "Background Execute" took longer than 90000 ms to execute, /,
    )
    await vi.advanceTimersByTimeAsync(90_000)
    await outcome
  })

  it('keeps quiet about a failure after the time was up', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const [promise, , reject] = deferredPromise<void>()
    const outcome = expect(timeoutPromise('Work', promise, 10)).rejects.toThrow('took longer')
    await vi.advanceTimersByTimeAsync(10)
    await outcome
    reject(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

describe('deferredPromise', () => {
  it('gives the promise, then what resolves it, then what rejects it', async () => {
    const [first, resolve] = deferredPromise<number>()
    resolve(7)
    await expect(first).resolves.toBe(7)
    const [second, , reject] = deferredPromise<number>()
    reject(new Error('no'))
    await expect(second).rejects.toThrow('no')
  })
})
