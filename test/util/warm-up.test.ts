import { install } from '@sinonjs/fake-timers'
import { expect, it, vi } from 'vitest'
import { warmUpTicks } from '../../src/util/warm-up'

it('runs its ticks once in a process, and never on a clock of a test', () => {
  const clock = install({ toFake: ['nextTick'] })
  warmUpTicks()
  expect(clock.countTimers()).toBe(0)
  clock.uninstall()
  const ticks = vi.spyOn(process, 'nextTick')
  warmUpTicks()
  const first = ticks.mock.calls.length
  expect(first).toBeGreaterThan(1_000)
  warmUpTicks()
  expect(ticks).toHaveBeenCalledTimes(first)
  ticks.mockRestore()
})
