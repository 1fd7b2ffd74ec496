import { expect, it } from 'vitest'
import { warmUpTicks } from '../../src/util/warm-up'

/** How many ticks are asked for while something runs and ends. */
const countTicks = async (nextTick: object, run: () => void): Promise<number> => {
  const original = Reflect.get(process, 'nextTick') as (...args: unknown[]) => void
  let ticks = 0
  const counting = (...args: unknown[]) => {
    ticks++
    original.apply(process, args)
  }
  process.nextTick = Object.assign(counting, nextTick)
  run()
  await new Promise((resolve) => setImmediate(resolve))
  process.nextTick = original
  return ticks
}

it('runs its ticks once in a process, and never on a clock of a test', async () => {
  const clock = {}
  expect(await countTicks({ clock }, warmUpTicks)).toBeLessThan(100)
  expect(await countTicks({}, warmUpTicks)).toBeGreaterThan(1_000)
  expect(await countTicks({}, warmUpTicks)).toBeLessThan(100)
})
