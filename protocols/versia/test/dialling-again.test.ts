import { expect, it, vi } from 'vitest'
import { type SessionEnd } from '../../../src/connections/link-keeper'
import { LONGEST, redial } from '../links'

it('CN-5: dials again after a second, then ever later up to a minute, and leaves a bad peer alone for a minute', () => {
  let draws = 0
  vi.spyOn(Math, 'random').mockImplementation(() => (draws++ % 2) / 2)
  const retry = redial()
  const end: SessionEnd = { kind: 'lost', close: { code: 1006, reason: '' }, openForMs: 10_000 }
  const next = (times: number) => Array.from({ length: times }, () => retry.again(end).delayMs)
  expect(next(8)).toEqual([500, 1_250, 500, 4_250, 500, 16_250, 500, 30_250])
  retry.reset(LONGEST)
  expect(next(2)).toEqual([30_000, 45_000])
  retry.reset()
  expect(next(2)).toEqual([500, 1_250])
  retry.stop()
  vi.restoreAllMocks()
})
