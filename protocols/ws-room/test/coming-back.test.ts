import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type SessionEnd } from '../../../src/connections/link-keeper'
import { Retry } from '../../../src/connections/retry'
import { comingBack } from '../coming-back'
import { RoomError, type RoomTrouble } from '../room-error'

const settings = { minMs: 1_000, maxMs: 60_000, factor: 2 }
const MINUTE = 60_000

const failed = (trouble?: RoomTrouble): SessionEnd => ({
  kind: 'failed',
  error: trouble === undefined ? new Error('refused') : new RoomError(trouble, 'refused'),
  failures: 1,
})
const lost = (openForMs: number, trouble?: RoomTrouble): SessionEnd => ({
  kind: 'lost',
  close: { code: 1006, reason: '', ...(trouble && { cause: new RoomError(trouble, 'out') }) },
  openForMs,
})

/** The delays of a room of its own. */
const away = () => {
  const retry = new Retry(comingBack(settings))
  onTestFinished(() => retry.stop())
  return (end: SessionEnd) => retry.again(end).delayMs
}

describe('coming back', () => {
  it('CN-5: waits longer after each attempt in vain, up to a limit, and starts anew after a useful stay', () => {
    const after = away()
    const bounds = [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000)
    for (const most of bounds) {
      const delay = after(failed())
      expect(delay).toBeGreaterThanOrEqual(500)
      expect(delay).toBeLessThanOrEqual(most)
    }
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    onTestFinished(() => void vi.restoreAllMocks())
    expect(after(lost(10))).toBe(30_250)
    expect(after(lost(10_000))).toBe(750)
  })

  it('asks a full room again after 30 s at the earliest, and every 10 minutes at the least', () => {
    const after = away()
    const delays = Array.from({ length: 12 }, () => after(failed('room-full'))!)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(30_000)
    expect(delays[0]).toBeLessThanOrEqual(MINUTE)
    expect(delays.at(-1)).toBeGreaterThanOrEqual(5 * MINUTE)
    expect(Math.max(...delays)).toBeLessThanOrEqual(10 * MINUTE)
  })

  it('keeps away for five minutes from whoever took its place', () => {
    for (let time = 0; time < 20; time++)
      expect(away()(lost(1_000_000, 'replaced'))).toBeGreaterThanOrEqual(5 * MINUTE)
  })

  it('gives up with a key that has expired', () => {
    expect(away()(failed('key-expired'))).toBeUndefined()
  })

  it.each(['bad-challenge', 'connection-string'] as const)(
    'is long where nothing changes in seconds: %s',
    (trouble) => {
      expect(away()(failed(trouble))).toBeGreaterThanOrEqual(7 * MINUTE)
    },
  )

  it('CN-5: has these delays', () => {
    let draws = 0
    vi.spyOn(Math, 'random').mockImplementation(() => (draws++ % 2) / 2)
    const after = away()
    const full = failed('room-full')
    const ends = [failed(), failed(), full, full, full, failed(), full, lost(999), lost(1_000), lost(0)]
    const delays = [...ends, lost(9_000, 'replaced'), failed('bad-challenge')].map((e) => after(e))
    expect(delays).toEqual([
      500, 1_250, 30_000, 90_000, 120_000, 2_250, 30_000, 4_250, 500, 1_250, 300_000, 600_000,
    ])
    vi.restoreAllMocks()
  })

  it('never comes back at once, whatever happens in whatever order', () => {
    const troubles: RoomTrouble[] = [
      'room-full',
      'login-refused',
      'login-timeout',
      'bad-challenge',
      'replaced',
    ]
    const end = fc.oneof(
      fc.constantFrom(undefined, ...troubles).map(failed),
      fc
        .tuple(fc.nat(100_000), fc.constantFrom(undefined, ...troubles))
        .map(([ms, trouble]) => lost(ms, trouble)),
    )
    fc.assert(
      fc.property(fc.array(end), (ends) => {
        const after = away()
        for (const each of ends) {
          const delay = after(each)
          expect(delay).toBeGreaterThanOrEqual(500)
          expect(delay).toBeLessThanOrEqual(13 * MINUTE)
        }
      }),
    )
  })
})
