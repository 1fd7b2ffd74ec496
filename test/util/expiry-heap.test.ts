import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpiryHeap, type Expiring } from '../../src/util/expiry-heap'

type Command =
  | { do: 'push'; expiresAt: number }
  | { do: 'later' | 'update'; item: number; by: number }
  | { do: 'remove'; item: number }
  | { do: 'popExpired'; now: number }
  | { do: 'popEarliest' }

const time = fc.integer({ min: 0, max: 100 })
const item = fc.nat({ max: 30 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), expiresAt: time }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('later' as const), item, by: time }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('update' as const), item, by: fc.integer({ min: -50, max: 50 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), item }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('popExpired' as const), now: time }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('popEarliest' as const) }) },
)

const earliest = (model: Set<Expiring>): number => Math.min(...[...model].map((entry) => entry.expiresAt))

describe('ExpiryHeap', () => {
  it('gives what a sorted array would give, after any commands', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const heap = new ExpiryHeap()
        const model = new Set<Expiring>()
        const popped = (taken: Expiring | undefined): void => {
          if (!taken) return
          expect(taken.expiresAt).toBe(earliest(model))
          expect(model.delete(taken)).toBe(true)
        }
        for (const step of commands) {
          const chosen = 'item' in step ? [...model][step.item % (model.size || 1)] : undefined
          if (step.do === 'push') {
            const entry = { expiresAt: step.expiresAt }
            model.add(entry)
            heap.push(entry)
          } else if (step.do === 'popExpired') {
            const isDue = model.size > 0 && earliest(model) <= step.now
            const taken = heap.popExpired(step.now)
            expect(taken !== undefined).toBe(isDue)
            popped(taken)
          } else if (step.do === 'popEarliest') {
            const taken = heap.popEarliest()
            expect(taken !== undefined).toBe(model.size > 0)
            popped(taken)
          } else if (chosen && step.do === 'remove') {
            model.delete(chosen)
            heap.remove(chosen)
          } else if (chosen && 'by' in step) {
            chosen.expiresAt += step.by
            if (step.do === 'update') heap.update(chosen)
          }
          expect(heap.size).toBe(model.size)
        }
        while (model.size > 0) popped(heap.popEarliest() ?? { expiresAt: NaN })
        expect(heap.popEarliest()).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  it('evicts the least recently touched when all live equally long', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (touched) => {
        const heap = new ExpiryHeap<Expiring & { id: number }>()
        const items = Array.from({ length: 10 }, (_, id) => ({ id, expiresAt: id + 1000 }))
        const byUse = items.map(({ id }) => id)
        items.forEach((entry) => heap.push(entry))
        touched.forEach((id, at) => {
          ;(items[id] as Expiring).expiresAt = at + 10 + 1000
          byUse.push(...byUse.splice(byUse.indexOf(id), 1))
        })
        expect(byUse.map(() => heap.popEarliest()?.id)).toEqual(byUse)
      }),
    )
  })

  it('gives items of equal expiry in the order in which they came', () => {
    const heap = new ExpiryHeap<Expiring & { id: number }>()
    for (let id = 0; id < 50; id++) heap.push({ id, expiresAt: 5 })
    expect(Array.from({ length: 50 }, () => heap.popExpired(5)?.id)).toEqual(
      Array.from({ length: 50 }, (_, id) => id),
    )
  })

  it('holds an item once, however often it is pushed', () => {
    const heap = new ExpiryHeap()
    const entry = { expiresAt: 10 }
    heap.push(entry)
    entry.expiresAt = 3
    heap.push(entry)
    entry.expiresAt = 20
    heap.push(entry)
    expect(heap.size).toBe(1)
    expect(heap.popExpired(19)).toBeUndefined()
    expect(heap.popExpired(20)).toBe(entry)
    expect(heap.popExpired(Infinity)).toBeUndefined()
  })

  it('keeps no more tombstones than items', () => {
    const heap = new ExpiryHeap()
    const items = Array.from({ length: 1000 }, (_, at) => ({ expiresAt: at }))
    items.forEach((entry) => heap.push(entry))
    const { slots } = heap as unknown as { slots: unknown[] }
    expect(slots).toHaveLength(1000)
    for (const entry of items.slice(10)) {
      heap.remove(entry)
      expect((heap as unknown as { slots: unknown[] }).slots.length).toBeLessThanOrEqual(2 * heap.size)
    }
    expect(heap.size).toBe(10)
  })

  it('bounds the tombstones of items that are updated over and over', () => {
    const heap = new ExpiryHeap()
    const items = Array.from({ length: 10 }, () => ({ expiresAt: 1e6 }))
    items.forEach((entry) => heap.push(entry))
    for (let at = 0; at < 1000; at++) {
      const entry = items[at % 10] as Expiring
      entry.expiresAt -= 1
      heap.update(entry)
    }
    expect((heap as unknown as { slots: unknown[] }).slots.length).toBeLessThanOrEqual(21)
  })
})
