import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalCache } from '../../src/feeds/local-cache'
import { pollResponseFromCache } from '../../src/feeds/poll'
import { type AdapterResponse } from '../../src/feeds/responses'
import { Waiters } from '../../src/feeds/waiters'
import { runUntilSettled, viClock } from '../../src/testing/clock'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

describe('waiters', () => {
  it('ER-6: are all given what is written to their key, and leave no timer', async () => {
    const waiters = new Waiters<number>()
    const waits = [waiters.wait('a', 100), waiters.wait('a', 100), waiters.wait('b', 100)]
    waiters.wake('c', 0)
    waiters.wake('a', 1)
    expect(await Promise.all(waits.slice(0, 2))).toEqual([1, 1])
    expect([waiters.size, vi.getTimerCount()]).toEqual([1, 1])
    waiters.wake('b', 2)
    expect(await waits[2]).toBe(2)
    expect([waiters.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('give up when their time is over', async () => {
    const waiters = new Waiters<number>()
    const wait = waiters.wait('a', 100)
    const started = Date.now()
    expect(await runUntilSettled(viClock(vi), wait)).toBeUndefined()
    expect(Date.now() - started).toBe(100)
    expect(waiters.size).toBe(0)
  })

  it('give up when they are told to, before or meanwhile', async () => {
    const waiters = new Waiters<number>()
    const leaving = new AbortController()
    const wait = waiters.wait('a', 100, leaving.signal)
    leaving.abort()
    expect(await wait).toBeUndefined()
    expect(await waiters.wait('a', 100, leaving.signal)).toBeUndefined()
    expect([waiters.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('RS-1: are bounded: one too many is answered at once', async () => {
    const waiters = new Waiters<number>()
    const waits = Array.from({ length: 100_000 }, (_, n) => waiters.wait(`k${n}`, 1_000))
    expect(await waiters.wait('one more', 1_000)).toBeUndefined()
    waiters.wake('k5', 5)
    expect(await waits[5]).toBe(5)
    expect(waiters.size).toBe(99_999)
  })

  it('may come and go in any order: none is lost, none is left', async () => {
    const keys = fc.constantFrom('a', 'b', 'c')
    const step = fc.oneof(
      fc.record({ do: fc.constant('wait' as const), key: keys, ms: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ do: fc.constant('wake' as const), key: keys }),
      fc.record({ do: fc.constant('abort' as const), key: keys }),
      fc.record({ do: fc.constant('move' as const), ms: fc.integer({ min: 1, max: 30 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const waiters = new Waiters<string>()
        let waiting: {
          key: string
          until: number
          leave: AbortController
          result: Promise<string | undefined>
        }[] = []
        const end = async (ended: typeof waiting, value: string | undefined) => {
          for (const { result } of ended) expect(await result).toBe(value)
          waiting = waiting.filter((one) => !ended.includes(one))
        }
        for (const s of steps) {
          if (s.do === 'wait') {
            const leave = new AbortController()
            const result = waiters.wait(s.key, s.ms, leave.signal)
            waiting.push({ key: s.key, until: Date.now() + s.ms, leave, result })
          } else if (s.do === 'wake') {
            waiters.wake(s.key, `to ${s.key}`)
            await end(
              waiting.filter(({ key }) => key === s.key),
              `to ${s.key}`,
            )
          } else if (s.do === 'abort') {
            const leaving = waiting.filter(({ key }) => key === s.key)
            for (const { leave } of leaving) leave.abort()
            await end(leaving, undefined)
          } else {
            await vi.advanceTimersByTimeAsync(s.ms)
            await end(
              waiting.filter(({ until }) => until <= Date.now()),
              undefined,
            )
          }
          expect(waiters.size).toBe(waiting.length)
        }
        await vi.advanceTimersByTimeAsync(100)
        expect([waiters.size, vi.getTimerCount()]).toEqual([0, 0])
      }),
      { numRuns: 200 },
    )
  })
})

describe('polling a cache', () => {
  const value = { result: 1, statusCode: 200 } as never as AdapterResponse
  const polling = async (maxRetries: number, hitAt?: number) => {
    const cache = new LocalCache<AdapterResponse>(1)
    let gets = 0
    cache.get = () => Promise.resolve(gets++ === hitAt ? value : undefined)
    const started = Date.now()
    let ms: number | undefined
    const polled = pollResponseFromCache(cache, 'k', { maxRetries, sleep: 200 }).then((result) => {
      ms = Date.now() - started
      return result
    })
    const result = await runUntilSettled(viClock(vi), polled)
    return { result, gets, ms }
  }

  it('looks once more than it may retry, with a pause after every miss', async () => {
    expect(await polling(10)).toEqual({ result: undefined, gets: 11, ms: 2_200 })
    expect(await polling(2)).toEqual({ result: undefined, gets: 3, ms: 600 })
  })

  it('looks exactly once and does not pause when it may not retry', async () => {
    const cache = new LocalCache<AdapterResponse>(1)
    const get = vi.spyOn(cache, 'get')
    expect(await pollResponseFromCache(cache, 'k', { maxRetries: 0, sleep: 200 })).toBeUndefined()
    expect(get).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends with the first hit', async () => {
    expect(await polling(10, 0)).toEqual({ result: value, gets: 1, ms: 0 })
    expect(await polling(10, 3)).toEqual({ result: value, gets: 4, ms: 600 })
  })
})
