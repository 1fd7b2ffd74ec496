import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mostIn } from './held-clock'
import { numbers, setUp, socketOf } from './pacer-rig'

afterEach(() => void vi.useRealTimers())

describe('the messages of a connection, under any limit,', () => {
  const limits = fc.record({
    count: fc.integer({ min: 1, max: 20 }),
    perMs: fc.integer({ min: 1, max: 70_000 }),
  })
  const steps = fc.array(
    fc.record({
      waitShare: fc.double({ min: 0, max: 1.2, noNaN: true }),
      bulk: fc.nat({ max: 30 }),
      urgent: fc.constantFrom('none', 'send', 'ping', 'pong'),
      reconnects: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )

  it('are never more in any window than declared, whoever sends them and on however many connections', async () => {
    await fc.assert(
      fc.asyncProperty(limits, steps, async (limit, plan) => {
        const { pacer, socket: first, log } = setUp(limit)
        let socket = first
        for (const { waitShare, bulk, urgent, reconnects } of plan) {
          await vi.advanceTimersByTimeAsync(Math.round(waitShare * limit.perMs))
          if (reconnects) {
            socket.readyState = 3
            pacer.meter((socket = socketOf(log)))
          }
          pacer.inBulk(() => numbers(bulk).forEach((name) => socket.send(name)))
          if (urgent !== 'none') socket[urgent]('beat')
        }
        await vi.advanceTimersByTimeAsync(limit.perMs * 3)
        expect(mostIn(log, limit.perMs)).toBeLessThanOrEqual(limit.count)
        pacer.stop()
        vi.useRealTimers()
      }),
    )
  })

  it('all go out in the end, in order, each once', async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(fc.nat({ max: 25 }), { maxLength: 6 }), async (limit, sizes) => {
        const { pacer, bulk, texts } = setUp(limit)
        let total = 0
        for (const size of sizes) {
          bulk(...numbers(size, total))
          total += size
        }
        await vi.advanceTimersByTimeAsync((total + 1) * limit.perMs * 1.2 + 1_000)
        expect(texts()).toEqual(numbers(total))
        pacer.stop()
        vi.useRealTimers()
      }),
    )
  })
})
