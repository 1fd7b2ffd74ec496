import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type GuardOptions } from '../../src/feeds/guards'
import { ProcessState } from '../../src/http/process-state'
import { ageMs, instant, ourTime } from '../../src/util/clock'
import { responseCacheOf, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000
const HOUR = 3_600_000
const TTL = 10_000

/** Both clocks stand still unless they are moved. `step` moves the wall clock alone, as setting it does, and a machine that sleeps. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START })
  ourTime.trustsWall = false
  ourTime.restart()
})
afterEach(() => {
  vi.useRealTimers()
  ourTime.trustsWall = undefined
  ourTime.restart()
})

const pass = (ms: number) => vi.advanceTimersByTime(ms)
const step = (ms: number) => vi.setSystemTime(Date.now() + ms)

type Command = { do: 'pass' | 'step'; ms: number } | { do: 'tick' }

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat({ max: TTL }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      ms: fc.oneof(fc.integer({ min: -TTL, max: TTL }), fc.integer({ min: -24 * HOUR, max: 24 * HOUR })),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'tick' as const }) },
)

/**
 * Plays commands, and gives after each of them what is served, and what may be.
 *
 * @param isTimed - whether the provider gives its own, true, time
 */
const play = async (commands: Command[], isTimed: boolean, guards?: GuardOptions) => {
  vi.setSystemTime(START)
  ourTime.restart()
  const { cache, responseCache } = responseCacheOf({ guards, settings: { CACHE_MAX_AGE: TTL } })
  const key = responseCache.getCacheKey(T, ETH)
  const seen: { command: Command; served: unknown; expected: unknown; mayBeOver: boolean }[] = []
  let [real, ahead, count] = [0, 0, 0]
  let last: { result: number; real: number; ahead: number; wall: number } | undefined
  for (const command of commands) {
    if (command.do === 'pass') {
      real += command.ms
      pass(command.ms)
    } else if (command.do === 'step') {
      ahead += Math.max(0, command.ms)
      step(command.ms)
    } else {
      last = { result: ++count, real, ahead, wall: Date.now() }
      await responseCache.write(T, [valueOf(ETH, count, isTimed ? START + real : undefined)])
    }
    const isOver = last === undefined || Math.max(real - last.real, Date.now() - last.wall) >= TTL
    if (isOver) last = undefined
    // By how much the wall clock went ahead, the machine may have slept, whatever it shows now.
    const mayBeOver = last !== undefined && real - last.real + ahead - last.ahead >= TTL
    seen.push({ command, served: cache.read(key)?.value.result, expected: last?.result, mayBeOver })
  }
  return seen
}

describe('values and the clocks', () => {
  it('FR-1, TM-6: a value lives as long as the larger of what both clocks have counted allows, whatever steps there are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        for (const { served, expected, mayBeOver } of await play(commands, false))
          if (mayBeOver) expect([expected, undefined]).toContain(served)
          else expect(served).toBe(expected)
      }),
    )
  })

  it('FR-1, TM-6: a machine that sleeps makes no value younger, whenever and however far the wall clock is set back after it', async () => {
    const { cache, responseCache } = responseCacheOf({ settings: { CACHE_MAX_AGE: TTL } })
    const key = responseCache.getCacheKey(T, ETH)
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: TTL - 1 }),
        fc.integer({ min: 2_000, max: 24 * HOUR }),
        fc.integer({ min: 1_000, max: 48 * HOUR }),
        fc.nat({ max: TTL - 1 }),
        async (before, slept, back, after) => {
          // Set back by as much as it slept, the wall clock may just as well have been wrong for a while.
          fc.pre(Math.abs(slept - back) >= 1_100)
          ourTime.restart()
          await responseCache.write(T, [valueOf(ETH, 1)])
          pass(before)
          step(slept)
          ourTime.now()
          step(-back)
          pass(after)
          expect(cache.read(key)?.value.result).toBe(before + slept + after < TTL ? 1 : undefined)
        },
      ),
    )
  })

  it.each<[string, () => void]>([
    ['whoever reads the clocks', () => void instant()],
    [
      'the watch of the event loop',
      () => {
        const state = new ProcessState()
        state.watchEventLoop()
        pass(1_000)
        state.stopping()
      },
    ],
  ])('a sleep is noticed by %s, so that a moment before it is as old as it is', (_who, notice) => {
    vi.useFakeTimers({ now: START })
    const at = instant()
    pass(1_000)
    step(600_000)
    notice()
    step(-HOUR)
    expect(ageMs(at)).toBeGreaterThanOrEqual(601_000)
    expect(ageMs(at)).toBeLessThanOrEqual(602_000)
  })

  it('a wall clock that was wrong for a while, and is set back to where it was, makes no value older', async () => {
    const { cache, responseCache } = responseCacheOf({ settings: { CACHE_MAX_AGE: TTL } })
    const key = responseCache.getCacheKey(T, ETH)
    await responseCache.write(T, [valueOf(ETH, 1)])
    step(HOUR)
    ourTime.now()
    step(-HOUR)
    pass(TTL - 1)
    expect(cache.read(key)?.value.result).toBe(1)
  })

  it('TM-3: honest ticks are served at once after any steps, and none of them longer than it may be', async () => {
    const guards = { maxAgeMs: 2 * TTL }
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        for (const { command, served, expected } of await play(commands, true, guards))
          if (command.do === 'tick') expect(served).toBe(expected)
          else expect([expected, undefined]).toContain(served)
      }),
    )
  })

  it('TM-3: what was accepted by a clock that was wrong is void as soon as it is set right, and does not hold up what follows', async () => {
    const { cache, responseCache } = responseCacheOf({
      guards: {},
      settings: { CACHE_MAX_AGE: HOUR },
    })
    const key = responseCache.getCacheKey(T, ETH)
    const served = () => cache.read(key)?.value.result
    const tick = (result: number, indicated: number) =>
      responseCache.write(T, [valueOf(ETH, result, indicated)])
    step(HOUR)
    // A provider whose clock is as wrong as ours, and nobody who knows better.
    await tick(1, START + HOUR)
    expect(served()).toBe(1)
    step(-HOUR)
    pass(1_000)
    await tick(2, START + 1_000)
    expect(served()).toBe(2)
    await tick(3, START + HOUR)
    expect([served(), responseCache.refusalsOf(T).count('future')]).toEqual([2, 1])
  })

  it('TM-3: a value of the future is void as soon as the tick of any feed shows that our clock was wrong, and no other value', async () => {
    const { cache, responseCache } = responseCacheOf({ guards: {}, settings: { CACHE_MAX_AGE: 24 * HOUR } })
    const pairs = ['ETH', 'BTC', 'SOL', 'DAI'].map((base) => ({ base, quote: 'USD' }))
    const [future, timed, untimed, ticking] = pairs as [typeof ETH, typeof ETH, typeof ETH, typeof ETH]
    const served = () => pairs.map((pair) => cache.read(responseCache.getCacheKey(T, pair))?.value.result)
    await responseCache.write(T, [valueOf(timed, 2, START), valueOf(untimed, 3)])
    await cache.set('not a response', 7 as never, 24 * HOUR)
    step(HOUR)
    await responseCache.write(T, [valueOf(future, 1, START + HOUR)])
    step(-HOUR)
    pass(1_000)
    await responseCache.write(T, [valueOf(ticking, 4, START + 1_000)])
    for (let time = 0; time < 2; time++) expect(served()).toEqual([undefined, 2, 3, 4])
    expect(await cache.get('not a response')).toBe(7)
  })

  it('TM-2: a time that an endpoint allows to be ahead is served as long as no clock was set', async () => {
    const { cache, responseCache } = responseCacheOf({
      guards: { futureToleranceMs: 60_000 },
      settings: { CACHE_MAX_AGE: TTL },
    })
    await responseCache.write(T, [valueOf(ETH, 1, START + 30_000)])
    expect(cache.read(responseCache.getCacheKey(T, ETH))?.value.result).toBe(1)
  })

  it('TM-3: an endpoint that judges no times tells of the clock, too', async () => {
    const { responseCache } = responseCacheOf({ settings: { CACHE_MAX_AGE: HOUR } })
    const tick = (indicated?: number) => responseCache.write(T, [valueOf(ETH, 1, indicated)])
    await tick(START)
    step(-HOUR)
    pass(1_000)
    await tick()
    expect(ourTime.lastStep?.agreed).toBeUndefined()
    await tick(START + 1_000)
    expect(ourTime.lastStep?.agreed).toBe('kept')
  })

  it('is heard of the clock ten times a second where no time is judged, and with every message where one is', async () => {
    const heard = vi.spyOn(ourTime, 'heard')
    const limits = { limits: {}, withdrawal: undefined, enforced: {}, reported: {}, freshness: undefined }
    for (const [guards, rule, expected] of [
      [undefined, undefined, [1, 1, 2, 2, 3]],
      [{}, undefined, [1, 2, 3, 4, 5]],
      [undefined, limits, [1, 2, 3, 4, 5]],
    ] as const) {
      heard.mockClear()
      const { responseCache } = responseCacheOf({ guards, settings: { CACHE_MAX_AGE: HOUR } })
      responseCache.feed(T, ETH).rule = rule
      const counts: number[] = []
      for (const ms of [0, 99, 1, 99, 1]) {
        pass(ms)
        await responseCache.write(T, [valueOf(ETH, 1, Date.now())])
        counts.push(heard.mock.calls.length)
      }
      expect(counts).toEqual(expected)
    }
    heard.mockRestore()
  })

  it('FR-1: says by whose time a value is too old, and that our own clock was set', async () => {
    const { responseCache } = responseCacheOf({ guards: { maxAgeMs: 30_000 } })
    const feed = responseCache.feed(T, ETH)
    step(-HOUR)
    await responseCache.write(T, [valueOf(ETH, 2, START - 60_000)])
    expect(feed.absence).toMatchObject({
      code: 'STALE_VALUE',
      class: 'clock',
      message: expect.stringMatching(
        /^The last value was refused: too-old \(60 s by the provider's time, 30 s allowed\); our own clock was set by -3600 s at /,
      ),
    })
  })

  it('FR-5: says of a value that is over when it came and for how long it was good', async () => {
    const { responseCache } = responseCacheOf({ settings: { CACHE_MAX_AGE: TTL } })
    const feed = responseCache.feed(T, ETH)
    await responseCache.write(T, [valueOf(ETH, 1)])
    expect(feed.absence).toBeUndefined()
    pass(TTL + 5_000)
    expect(feed.absence).toEqual({
      code: 'STALE_VALUE',
      message: 'The last value is stale: it came 15 s ago and was good for 10 s',
      sinceUnixMs: START + TTL,
    })
  })

  it('lays to our own clock what may be its fault, and nothing else', async () => {
    const { responseCache } = responseCacheOf({ settings: { CACHE_MAX_AGE: TTL }, guards: { max: 10 } })
    const feed = responseCache.feed(T, ETH)
    await responseCache.write(T, [valueOf(ETH, 1)])
    step(-HOUR)
    await responseCache.write(T, [valueOf(ETH, 11)])
    expect(feed.absence).toMatchObject({ code: 'REFUSED_VALUE' })
    expect(feed.absence).not.toHaveProperty('class')
    await responseCache.write(T, [valueOf(ETH, 2)])
    pass(TTL)
    expect(feed.absence).toMatchObject({ code: 'STALE_VALUE', class: 'clock' })
  })
})
