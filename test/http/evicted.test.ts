import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serve } from '../../src/testing/serve'
import { stillAdapter, stoppable } from './support'

const CAPACITY = 8

const command = fc.record({
  act: fc.constantFrom('value', 'value', 'error', 'refused', 'wait'),
  feed: fc.nat({ max: 11 }),
})
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

/** The feeds by when they were written last; those beyond the capacity are out. */
class Room {
  kept: number[] = []
  readonly out = new Set<number>()
  evictions = 0

  write(feed: number): void {
    this.kept = [...this.kept.filter((one) => one !== feed), feed]
    this.out.delete(feed)
    if (this.kept.length <= CAPACITY) return
    this.out.add(this.kept.shift()!)
    this.evictions++
  }
}

const params = (feed: number) => ({ base: `F${feed}`, quote: 'USD' })

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const start = async () => {
  const still = stillAdapter({ endpoint: { guards: { onlyWanted: false } } })
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
  still.local().capacity = CAPACITY
  return stoppable({ still, service })
}

const overflows = async (service: { metric: (name: string) => Promise<number | undefined> }) =>
  (await service.metric('cache_overflow_count')) ?? 0

describe('a full cache', () => {
  it('CA-3: lets go what was updated longest ago, counts it, and gives its clients that reason until there is another', async () => {
    const run = async (commands: Command[]) => {
      await using started = await start()
      const { still, service } = started
      const before = await overflows(service)
      const room = new Room()
      const isError = new Set<number>()
      for (const { act, feed } of commands) {
        const isNew = !room.kept.includes(feed)
        if (act === 'wait') vi.advanceTimersByTime(10)
        else if (act === 'refused') {
          await still.transport.put(params(feed), 0)
          room.out.delete(feed)
        } else if (act === 'error' && (isNew || isError.has(feed))) {
          await still.transport.putError(params(feed), 502, 'down')
          isError.add(feed)
          room.write(feed)
        } else if (act === 'value') {
          await still.transport.put(params(feed), feed + 1)
          isError.delete(feed)
          room.write(feed)
        }
        for (const one of room.kept) {
          const { statusCode } = await service.post(params(one))
          expect(statusCode).toBe(isError.has(one) ? 502 : 200)
        }
        for (const one of room.out) {
          const { statusCode, json } = await service.post(params(one))
          expect([statusCode, json.error.reason.code, json.error.reason.class]).toEqual([
            504,
            'CAPACITY',
            'capacity',
          ])
          expect(json.error.reason.message).toContain('CACHE_MAX_ITEMS')
        }
      }
      expect((await overflows(service)) - before).toBe(room.evictions)
    }
    await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 60 }), run), {
      numRuns: 15,
    })
  })
})
