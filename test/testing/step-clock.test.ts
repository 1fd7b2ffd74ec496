import { afterEach, describe, expect, it } from 'vitest'
import { serve, type StepClock, stepClock, wsProvider } from '../../src/testing'
import { instant, monotonicMs, ourTime } from '../../src/util/clock'
import { makeAcme } from './acme'

let clock: StepClock | undefined

afterEach(() => clock?.restore())

/** What the clocks show, and how far they went on by `run`; it takes some time itself, which is real. */
const moved = (run: () => void) => {
  const before = [Date.now(), Number(new Date()), performance.now(), monotonicMs()]
  const [seconds, nanoseconds] = process.hrtime()
  const big = process.hrtime.bigint()
  run()
  const since = process.hrtime([seconds, nanoseconds])
  const after = [Date.now(), Number(new Date()), performance.now(), monotonicMs()]
  const by = after.map((shown, n) => shown - before[n]!)
  return [...by, since[0] * 1_000 + since[1] / 1e6, Number(process.hrtime.bigint() - big) / 1e6]
}

/** No sooner than that, and less than a minute of a busy machine later. */
const by = (ms: number) =>
  expect.toSatisfy((shown: number) => shown >= ms - 2 && shown < ms + 60_000, `by ${ms} ms`) as unknown

describe('a step clock', () => {
  it('moves both clocks by the time that passes, however it is asked for', () => {
    clock = stepClock()
    expect(moved(() => clock!.pass(123_456_789))).toEqual(new Array(6).fill(by(123_456_789)))
  })

  it('moves the wall clock alone when that is set, forward and back', () => {
    clock = stepClock()
    const [wall, monotonic] = [by(3_600_000), by(0)]
    expect(moved(() => clock!.setWall(3_600_000))).toEqual([
      wall,
      wall,
      monotonic,
      monotonic,
      monotonic,
      monotonic,
    ])
    const back = by(-7_200_000)
    expect(moved(() => clock!.setWall(-7_200_000))).toEqual([
      back,
      back,
      monotonic,
      monotonic,
      monotonic,
      monotonic,
    ])
    expect([clock.wallOffsetMs, clock.monotonicOffsetMs]).toEqual([-3_600_000, 0])
  })

  it('lets the monotonic clock stand still while the machine sleeps, which our time takes for a step', () => {
    clock = stepClock()
    const steps = ourTime.steps
    instant()
    clock.suspend(600_000)
    instant()
    expect(ourTime.steps).toBe(steps + 1)
    expect(ourTime.lastStep?.movedMs).toBeGreaterThanOrEqual(599_000)
  })

  it('leaves dates as they are that somebody names, and what makes them', () => {
    const RealDate = Date
    clock = stepClock()
    clock.pass(86_400_000)
    expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z')
    expect(new Date(2026, 0, 2)).toEqual(new RealDate(2026, 0, 2))
    expect(new Date()).toBeInstanceOf(RealDate)
    expect(Date.UTC(2026, 0)).toBe(RealDate.UTC(2026, 0))
    expect(Math.abs(Date.parse(Date()) - Date.now())).toBeLessThan(60_000)
    // Who has kept the class sees the same time.
    expect(RealDate.now() - Date.now()).toBeLessThan(1)
  })

  it('puts everything back, and the monotonic clock of the package does not go back', () => {
    const { Date: RealDate, process: host } = globalThis
    const shownBy = () => [RealDate, Object.getOwnPropertyDescriptors(performance), host.hrtime]
    const before = shownBy()
    const dateNow = Object.getOwnPropertyDescriptor(RealDate, 'now')
    clock = stepClock()
    clock.pass(100_000)
    const shown = monotonicMs()
    clock.restore()
    clock.restore()
    expect(shownBy()).toEqual(before)
    expect(Date).toBe(RealDate)
    expect(Object.getOwnPropertyDescriptor(Date, 'now')?.value).toBe(dateNow?.value)
    expect(monotonicMs()).toBeGreaterThanOrEqual(shown)
    expect(ourTime.lastStep).toBeUndefined()
  })

  it('is there once, and lets no time pass backwards', () => {
    clock = stepClock()
    expect(() => stepClock()).toThrow('There is a step clock already')
    expect(() => clock!.pass(-1)).toThrow('-1 ms cannot pass: only the wall clock goes back, by setWall()')
    expect(() => clock!.suspend(NaN)).toThrow('NaN ms cannot pass')
  })

  it('makes a value old beside real sockets, also when the wall clock is set back', async () => {
    await using provider = await wsProvider()
    provider.onMessage((_text, connection) => connection.send({ s: 'ETH/USD', p: 1 }))
    await using service = await serve(makeAcme, {
      env: { WS_API_ENDPOINT: provider.url, CACHE_POLLING_MAX_RETRIES: '0' },
    })
    const feed = { base: 'ETH', quote: 'USD' }
    using own = stepClock()
    await service.until(feed, ({ statusCode }) => statusCode === 200)
    own.pass(60_000)
    expect((await service.post(feed)).statusCode).toBe(200)
    own.setWall(-3_600_000)
    own.pass(40_000)
    expect((await service.post(feed)).statusCode).toBe(504)
  })
})
