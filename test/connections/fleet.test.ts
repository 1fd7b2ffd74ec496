import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Retry } from '../../src/connections/retry'
import { afterClose, afterFailedPass } from '../../src/transports/stream-retries'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const [MIN_MS, MAX_MS, FACTOR] = [100, 60_000, 2]
const settings = {
  STREAM_HANDLER_RETRY_MIN_MS: MIN_MS,
  STREAM_HANDLER_RETRY_MAX_MS: MAX_MS,
  STREAM_HANDLER_RETRY_EXP_FACTOR: FACTOR,
}
const CYCLES = 1_000
/** Below this no delay is drawn after an open connection has closed. */
const FLOOR_MS = MIN_MS / 4

/** Random numbers that are the same in every run. */
const drawEvenly = () => {
  let state = 1
  vi.spyOn(Math, 'random').mockImplementation(() => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  })
}

/** The share of a fleet that is in the fullest tenth of the range of its delays. */
const fullestTenth = (delays: readonly number[], fromMs: number, toMs: number): number => {
  const counts = Array.from({ length: 10 }, () => 0)
  for (const ms of delays) counts[Math.floor((10 * (ms - fromMs)) / (toMs - fromMs))]!++
  return Math.max(...counts) / delays.length
}

describe('CN-5: connecting again is paced and spread', () => {
  it('a provider that accepts and closes at once is connected to ever more slowly, up to the limit, a thousand times', () => {
    drawEvenly()
    const retry = new Retry(afterClose)
    // An open connection that brings nothing changes nothing, and neither does one that is useful but short.
    const lives = [{ livedMs: 0 }, { livedMs: 3_600_000, wasUsed: false }, { livedMs: 500, wasUsed: true }]
    const delays = Array.from({ length: CYCLES }, (_, n) => {
      const { delayMs } = retry.again({ settings, pauseMs: undefined, ...lives[n % 3]! })
      const nominalMs = Math.min((MIN_MS / 2) * FACTOR ** n, MAX_MS)
      expect(delayMs).toBeGreaterThanOrEqual(FLOOR_MS)
      expect(delayMs).toBeLessThan(nominalMs)
      return delayMs
    })
    const late = delays.slice(20)
    expect(fullestTenth(late, FLOOR_MS, MAX_MS)).toBeLessThan(0.15)
    // They grow: on average as fast as what they are drawn from.
    expect(late.reduce((sum, ms) => sum + ms) / late.length).toBeGreaterThan(0.45 * MAX_MS)
    // A useful life begins anew, once.
    const useful = { settings, pauseMs: undefined, livedMs: 3_600_000, wasUsed: true }
    expect(retry.again(useful).delayMs).toBeLessThanOrEqual(MIN_MS / 10)
    expect(retry.again({ ...useful, livedMs: 0 }).delayMs).toBeLessThan(MIN_MS)
    retry.stop()
  })

  it.each<[string, (attempt: Retry<never>) => number, (nominalMs: number) => number]>([
    [
      'closed',
      (retry) => retry.again({ settings, livedMs: 0, pauseMs: undefined } as never).delayMs,
      () => FLOOR_MS,
    ],
    [
      'failed',
      (retry) => retry.again({ settings, wasUnheard: false } as never).delayMs,
      (nominalMs) => 0.75 * nominalMs,
    ],
  ])(
    'a fleet whose connections %s in one moment is spread evenly over its delay, each time',
    (end, next, from) => {
      drawEvenly()
      const rule = (end === 'closed' ? afterClose : afterFailedPass) as never
      const fleet = Array.from({ length: CYCLES }, () => new Retry<never>(rule))
      let nominalMs = end === 'closed' ? MIN_MS / 2 : MIN_MS
      for (let attempt = 0; attempt < 12; attempt++) {
        const delays = fleet.map(next)
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(from(nominalMs))
        expect(Math.max(...delays)).toBeLessThanOrEqual(nominalMs)
        expect(fullestTenth(delays, from(nominalMs), nominalMs)).toBeLessThan(0.15)
        nominalMs = Math.min(nominalMs * FACTOR, MAX_MS)
      }
      for (const retry of fleet) retry.stop()
    },
  )
})
