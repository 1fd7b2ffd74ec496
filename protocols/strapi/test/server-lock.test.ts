import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deferredPromise } from '../../../src/util/sleep'
import { withServer } from '../server-lock'

const never = new AbortController().signal
const options = (owner: string, more: object = {}) => ({ owner, waitMs: 1_000, holdMs: 1_000, ...more })

describe('one transfer at a time with a server', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('goes in the order of asking, and lets other servers pass', async () => {
    const order: string[] = []
    const [held, release] = deferredPromise<void>()
    const work = (name: string, until?: Promise<void>) => async () => {
      order.push(name)
      await until
    }
    const all = [
      withServer('a', options('1'), never, work('a1', held)),
      withServer('a', options('2'), never, work('a2')),
      withServer('a', options('3'), never, work('a3')),
      withServer('b', options('4'), never, work('b1')),
    ]
    await vi.advanceTimersByTimeAsync(0)
    expect(order).toEqual(['a1', 'b1'])
    release()
    await Promise.all(all)
    expect(order).toEqual(['a1', 'b1', 'a2', 'a3'])
  })

  it('gives the turn back when the work fails', async () => {
    const fail = () => Promise.reject(new Error('no'))
    await expect(withServer('a', options('1'), never, fail)).rejects.toThrow('no')
    expect(await withServer('a', options('2'), never, () => Promise.resolve(7))).toBe(7)
  })

  it('names the owner to whoever waits in vain', async () => {
    const [held, release] = deferredPromise<void>()
    const first = withServer('a', options('the pusher', { holdMs: 9_000 }), never, () => held)
    const second = withServer('a', options('2'), never, () => Promise.resolve()).catch(
      (error: unknown) => error,
    )
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await second).toMatchObject({
      reason: 'server-in-use',
      message: expect.stringContaining('the pusher') as string,
    })
    release()
    await first
  })

  it('tells work that takes too long to stop, and is free only when it has', async () => {
    const [ended, end] = deferredPromise<void>()
    let reason: unknown
    const first = withServer('a', options('1'), never, async (signal) => {
      signal.addEventListener('abort', () => void (reason = signal.reason))
      await ended
    })
    let isSecondIn = false
    const second = withServer('a', options('2', { waitMs: 5_000 }), never, () =>
      Promise.resolve(void (isSecondIn = true)),
    )
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reason).toMatchObject({ reason: 'transfer-timeout' })
    expect(isSecondIn).toBe(false)
    end()
    await Promise.all([first, second])
    expect(isSecondIn).toBe(true)
  })

  it('ends the wait and the work when it is stopped', async () => {
    const stop = new AbortController()
    const work = (signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    const [first, second] = ['1', '2'].map((owner) =>
      withServer('a', options(owner), stop.signal, work).catch((error: unknown) => error),
    )
    await vi.advanceTimersByTimeAsync(0)
    stop.abort()
    expect(await first).toMatchObject({ reason: 'stopped' })
    expect(await second).toMatchObject({ reason: 'stopped' })
    await expect(withServer('a', options('3'), stop.signal, work)).rejects.toMatchObject({
      reason: 'stopped',
    })
  })

  it('does not let any number of others wait', async () => {
    const [held, release] = deferredPromise<void>()
    const waiting = Array.from({ length: 100 }, (_, n) =>
      withServer(
        'a',
        options(String(n), { waitMs: 9_000, holdMs: 9_000 }),
        new AbortController().signal,
        () => held,
      ),
    )
    await vi.advanceTimersByTimeAsync(0)
    await expect(
      withServer('a', options('one more'), new AbortController().signal, () => held),
    ).rejects.toMatchObject({
      reason: 'server-in-use',
    })
    release()
    await Promise.all(waiting)
  })
})
