import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mostIn } from './held-clock'
import { numbers, type Sent, setUp, socketOf } from './pacer-rig'

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

  it('SB-7: have in no window more bytes than declared, beside their number, and all go out in the end', async () => {
    const inWindow = (log: Sent[], perMs: number) =>
      log.map(({ atMs: from }) => log.filter(({ atMs }) => atMs >= from && atMs < from + perMs))
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
    const bytes = fc.record({
      count: fc.integer({ min: 20, max: 300 }),
      perMs: fc.integer({ min: 100, max: 60_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.option(limits, { nil: undefined }),
        bytes,
        fc.array(sizes, { maxLength: 4 }),
        async (limit, most, plan) => {
          const { pacer, bulk, socket, log, texts } = setUp(limit, most)
          // Two bytes each.
          const texted = plan.map((some) => some.map((size) => 'é'.repeat(size)))
          for (const some of texted) {
            bulk(...some)
            socket.send('beat')
            await vi.advanceTimersByTimeAsync(most.perMs / 2)
          }
          const count = plan.flat().length + plan.length
          await vi.advanceTimersByTimeAsync((count + 2) * (most.perMs + (limit?.perMs ?? 0) + 500))
          for (const some of inWindow(log, most.perMs)) {
            const sum = some.reduce((total, { text }) => total + Buffer.byteLength(text), 0)
            if (some.length > 1) expect(sum).toBeLessThanOrEqual(most.count)
          }
          if (limit !== undefined) expect(mostIn(log, limit.perMs)).toBeLessThanOrEqual(limit.count)
          expect(texts().filter((text) => text !== 'beat')).toEqual(texted.flat())
          expect(texts()).toHaveLength(count)
          pacer.stop()
          vi.useRealTimers()
        },
      ),
    )
  })
})
