import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from '../../../src/transports/http/failures'
import { HoldOff } from '../../../src/transports/http/hold-off'
import { AdapterDataProviderError } from '../../../src/validation/errors'

const TIMES = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 2,
  providerIndicatedTimeUnixMs: undefined,
}
const refused = (status: number) =>
  new AdapterDataProviderError({ cause: { response: { status, data: {} } } }, TIMES)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('what failed', () => {
  it.each([400, 401, 403, 404, 410, 422])(
    'RL-3: with status %d is repeated after an interval that doubles for its key, from a second to a minute, and others are not held',
    (status) => {
      fc.assert(
        fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), (drawn) => {
          vi.spyOn(Math, 'random').mockReturnValue(drawn)
          const { intervalMs } = failureOf(refused(status), 90_000)
          const holds = new HoldOff(() => {})
          for (let n = 0; n < 12; n++) {
            const nominalMs = Math.min(60_000, 1_000 * 2 ** n)
            const delayMs = holds.failed('bad', intervalMs!.min, intervalMs!.max)
            expect(delayMs).toBeCloseTo(nominalMs * (0.5 + drawn / 2), 6)
            expect(holds.isHeld('good')).toBe(false)
            vi.advanceTimersByTime(Math.floor(delayMs) - 1)
            expect(holds.isHeld('bad')).toBe(true)
            vi.advanceTimersByTime(2)
            expect(holds.isHeld('bad')).toBe(false)
          }
          holds.stop()
        }),
        { numRuns: 20 },
      )
    },
  )

  it.each([
    [404, 90_000, { min: 1_000, max: 60_000 }],
    [404, 30_000, { min: 1_000, max: 20_000 }],
    [404, 300, { min: 1_000, max: 1_000 }],
    [429, 90_000, { min: 1_000, max: 10_000 }],
    [408, 90_000, { min: 100, max: 5_000 }],
    [503, 90_000, { min: 100, max: 5_000 }],
  ])(
    'with status %d, where values live for %d ms, is repeated within these limits',
    (status, lifeMs, limits) => {
      expect(failureOf(refused(status), lifeMs).intervalMs).toEqual(limits)
    },
  )

  it('begins with the short interval again once it succeeded, and says when an interval is over', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const opened = vi.fn()
    const holds = new HoldOff(opened)
    expect([1, 2].map(() => holds.failed('k', 1_000, 60_000))).toEqual([500, 1_000])
    vi.advanceTimersByTime(1_000)
    expect(opened).toHaveBeenCalledOnce()
    expect(holds.failed('k', 1_000, 60_000)).toBe(2_000)
    holds.succeeded('k')
    expect(holds.isHeld('k')).toBe(false)
    expect(holds.failed('k', 1_000, 60_000)).toBe(500)
    holds.stop()
    expect(vi.getTimerCount()).toBe(0)
    expect(holds.failed('k', 1_000, 60_000)).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is forgotten when it is not requested any more, but not before its interval is over', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const holds = new HoldOff(() => {})
    holds.failed('k', 1_000, 60_000)
    holds.retain(() => false)
    expect(holds.isHeld('k')).toBe(true)
    vi.advanceTimersByTime(500)
    holds.retain(() => true)
    expect(holds.failed('k', 1_000, 60_000)).toBe(1_000)
    vi.advanceTimersByTime(1_000)
    holds.retain(() => false)
    expect(holds.failed('k', 1_000, 60_000)).toBe(500)
    holds.stop()
  })
})
