import { expect, it, vi } from 'vitest'
import { Patience } from '../links'

it('CN-5: dials again after a second, then ever later up to a minute, and leaves a bad peer alone for a minute', () => {
  let draws = 0
  vi.spyOn(Math, 'random').mockImplementation(() => (draws++ % 2) / 2)
  const patience = new Patience()
  const next = (times: number) => Array.from({ length: times }, () => patience.next())
  expect(next(8)).toEqual([500, 1_500, 2_000, 6_000, 8_000, 24_000, 30_000, 45_000])
  patience.exhaust()
  expect(next(2)).toEqual([30_000, 45_000])
  patience.reset()
  expect(next(2)).toEqual([500, 1_500])
  vi.restoreAllMocks()
})
