import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  afterLives,
  atOnceThen,
  type Delay,
  lazyRule,
  Retry,
  type RetryRule,
} from '../../src/connections/retry'
import { between, exact, exponentialBackoff, longerBy, steadyBackoff } from '../../src/util/backoff'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const growing = () => exponentialBackoff({ minMs: 100, maxMs: 1_000, factor: 2, jitter: exact })

describe('Retry', () => {
  it('waits as long as its rule says, each time as it goes on', async () => {
    const retry = new Retry(growing())
    expect(retry.isWaiting).toBe(false)
    for (const delayMs of [100, 200, 400, 800, 1_000, 1_000]) {
      const onDue = vi.fn()
      expect(retry.again(undefined, onDue).delayMs).toBe(delayMs)
      await vi.advanceTimersByTimeAsync(delayMs - 1)
      expect([retry.isWaiting, onDue.mock.calls.length]).toEqual([true, 0])
      await vi.advanceTimersByTimeAsync(1)
      expect([retry.isWaiting, onDue.mock.calls.length]).toEqual([false, 1])
    }
  })

  it('begins anew when it is reset, by its own rule or another, and lets a wait go on', () => {
    const retry = new Retry(growing())
    retry.again()
    retry.again()
    retry.reset()
    expect(retry.isWaiting).toBe(true)
    expect(retry.again().delayMs).toBe(100)
    retry.reset(steadyBackoff(7, exact))
    expect([retry.again().delayMs, retry.again().delayMs]).toEqual([7, 7])
    retry.reset()
    expect(retry.again().delayMs).toBe(100)
    retry.stop()
  })

  it('gives up where its rule does: there is no wait, and no call', () => {
    const twice: RetryRule<void, Delay> = {
      next: () => ({ delayMs: 5, next: { next: () => ({ delayMs: undefined, next: twice }) } }),
    }
    const retry = new Retry(twice)
    expect(retry.again().delayMs).toBe(5)
    vi.advanceTimersByTime(5)
    expect(retry.again().delayMs).toBeUndefined()
    expect([retry.isWaiting, vi.getTimerCount()]).toEqual([false, 0])
  })

  it('says whether it is time within a limit', async () => {
    const retry = new Retry(growing())
    await expect(retry.isDueWithin(0)).resolves.toBe(true)
    retry.again()
    const [soon, late] = [retry.isDueWithin(99), retry.isDueWithin(100)]
    await vi.advanceTimersByTimeAsync(100)
    expect([await soon, await late]).toEqual([false, true])
  })

  it('pauses until the time has come, and no longer than the signal, stop and new information let it', async () => {
    const whole = new Retry(growing())
    const passed = vi.fn()
    void whole.pause().then(passed)
    await vi.advanceTimersByTimeAsync(99)
    expect(passed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(passed).toHaveBeenCalledOnce()

    const ends: ((retry: Retry, aborting: AbortController) => void)[] = [
      (_, aborting) => aborting.abort(),
      (retry) => retry.stop(),
      (retry) => retry.now(),
    ]
    for (const end of ends) {
      const [retry, aborting] = [new Retry(growing()), new AbortController()]
      const pause = retry.pause(undefined, aborting.signal)
      end(retry, aborting)
      await pause
      expect(vi.getTimerCount()).toBe(0)
    }
    await new Retry(growing()).pause(undefined, AbortSignal.abort())
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not ended by the signal of a pause that is over', async () => {
    const [retry, aborting] = [new Retry(growing()), new AbortController()]
    const pause = retry.pause(undefined, aborting.signal)
    await vi.advanceTimersByTimeAsync(100)
    await pause
    retry.again()
    aborting.abort()
    expect(retry.isWaiting).toBe(true)
    retry.stop()
  })

  it('leaves no timer when it is stopped, and begins none', () => {
    const retry = new Retry(growing())
    const onDue = vi.fn()
    retry.again(undefined, onDue)
    retry.stop()
    retry.again(undefined, onDue)
    expect(vi.getTimerCount()).toBe(0)
    expect(onDue).not.toHaveBeenCalled()
  })
})

describe('a rule', () => {
  it('CN-5: begins anew after a life that was used and lasted, not after one that was only open or only quick', () => {
    const retry = new Retry(afterLives(growing(), { usefulLifeMs: 1_000 }))
    const lives = [
      { livedMs: 0 },
      { livedMs: 999 },
      { livedMs: 60_000, wasUsed: false },
      { livedMs: 1_000 },
      { livedMs: 0 },
    ]
    expect(lives.map((life) => retry.again(life).delayMs)).toEqual([100, 200, 400, 100, 200])
    retry.stop()
  })

  it('takes a second for a useful life, and a life for used, where nothing else is said', () => {
    const retry = new Retry(afterLives(growing()))
    const delays = [0, 999, 1_000, 999].map((livedMs) => retry.again({ livedMs }).delayMs)
    expect(delays).toEqual([100, 200, 100, 200])
    retry.stop()
  })

  it('may let the first failure be repeated at once', () => {
    const retry = new Retry(atOnceThen(growing()))
    expect([1, 2, 3].map(() => retry.again().delayMs)).toEqual([0, 100, 200])
    retry.stop()
  })

  it('may have other delays after a useful life than at the start', () => {
    const retry = new Retry(afterLives(growing(), { rested: steadyBackoff(7, exact) }))
    const lives = [0, 5_000, 0, 5_000].map((livedMs) => retry.again({ livedMs }).delayMs)
    expect(lives).toEqual([100, 7, 7, 7])
    retry.stop()
  })

  it('may be made of what the first end brings', () => {
    const make = vi.fn(({ minMs }: { minMs: number }) =>
      exponentialBackoff({ minMs, maxMs: 1e9, factor: 2, jitter: exact }),
    )
    const retry = new Retry(lazyRule(make))
    const delays = [5, 9, 9].map((minMs) => retry.again({ minMs }).delayMs)
    expect(delays).toEqual([5, 10, 20])
    expect(make).toHaveBeenCalledOnce()
    retry.stop()
  })
})

describe('jitter', () => {
  it('is drawn between two multiples, by default from the upper half, or added, or absent', () => {
    const ends = (jitter?: (nominalMs: number, drawn: number) => number) =>
      [0, 0.5].map((drawn) => {
        const backoff = exponentialBackoff({ minMs: 100, maxMs: 100, factor: 1, jitter, random: () => drawn })
        return backoff.next().delayMs
      })
    expect(ends()).toEqual([50, 75])
    expect(ends(between(1, 0.5))).toEqual([100, 75])
    expect(ends(longerBy((delayMs) => delayMs / 10))).toEqual([100, 105])
    expect(ends(exact)).toEqual([100, 100])
  })

  it('does not touch what it is drawn from, which may grow by another factor for once', () => {
    const { nominalMs, nextBy } = exponentialBackoff({
      minMs: 100,
      maxMs: 1_000,
      factor: 4,
      random: () => 0,
    }).next()
    const second = nextBy(1.5).next()
    expect([nominalMs, second.nominalMs, second.delayMs]).toEqual([100, 150, 75])
    expect([second.next.next().nominalMs, second.next.next().next.next().nominalMs]).toEqual([600, 1_000])
  })
})
