import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeltaTracker, diff, identify } from '../../src/feeds/delta'
import { ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { LoggerFactoryProvider } from '../../src/util/logging'

beforeAll(() => {
  LoggerFactoryProvider.set()
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

const feed = fc.record({
  base: fc.constantFrom('ETH', 'eth', 'BTC', 'sol', 'SOL', '__proto__'),
  quote: fc.constantFrom('USD', 'usd', 'EUR'),
})
const feeds = fc.array(feed, { maxLength: 12 })

const names = (params: object[]) => new Set(params.map(identify))

describe('the difference between wanted and subscribed', () => {
  it('applied to what is subscribed gives what is wanted', () => {
    fc.assert(
      fc.property(feeds, feeds, (desired, subscribed) => {
        const { new: fresh, stale } = diff(desired, subscribed)
        const isStale = names(stale)
        const after = [...subscribed.filter((params) => !isStale.has(identify(params))), ...fresh]
        expect(names(after)).toEqual(names(desired))
      }),
    )
  })

  it('is empty when there is none, names no feed twice as new, and none as both', () => {
    fc.assert(
      fc.property(feeds, feeds, (desired, subscribed) => {
        const none = diff(desired, desired)
        expect([...none.new, ...none.stale]).toEqual([])
        const { new: fresh, stale } = diff(desired, subscribed)
        expect(names(fresh).size).toBe(fresh.length)
        for (const params of stale) expect(names(fresh).has(identify(params))).toBe(false)
      }),
    )
  })

  it('keeps the order of its sources, and their very objects', () => {
    const desired = [{ b: 'Z' }, { b: 'Y' }, { b: 'X' }]
    const subscribed = [{ b: 'y' }, { b: 'W' }, { b: 'A' }]
    const { new: fresh, stale } = diff(desired, subscribed)
    expect(fresh).toEqual([{ b: 'Z' }, { b: 'X' }])
    expect(fresh[0]).toBe(desired[0])
    expect(stale).toEqual([{ b: 'W' }, { b: 'A' }])
    expect(stale[0]).toBe(subscribed[1])
  })

  it('ID-1: knows a feed in any order of members and any letter case', () => {
    expect(identify({ base: 'ETH', quote: 'usd' })).toBe(identify({ quote: 'USD', base: 'eth' }))
    expect(identify({ base: 'ETH', quote: 'USD' })).not.toBe(identify({ base: 'USD', quote: 'ETH' }))
  })
})

type Command =
  | { do: 'want'; at: number }
  | { do: 'evict'; at: number }
  | { do: 'wait'; ms: number }
  | { do: 'pass'; succeeds: boolean }

const at = fc.nat({ max: 7 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('want' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 60 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), succeeds: fc.boolean() }) },
)

describe('DeltaTracker', () => {
  it('hands out what a full comparison would, whatever came, went, succeeded and failed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const all = Array.from({ length: 8 }, (_, i) => ({ base: `B${i}`, quote: 'USD' }))
        const set = new ExpiringSortedSet<object>(6)
        set.add(all[7]!, 100, '7')
        set.follow(() => {})
        const tracker = new DeltaTracker(set)
        let subscribed: object[] = []
        for (const step of commands) {
          vi.setSystemTime(Date.now() + 1)
          if (step.do === 'want') {
            if (!set.refresh(String(step.at), 100)) set.add(all[step.at]!, 100, String(step.at))
          } else if (step.do === 'evict') set.delete(String(step.at))
          else if (step.do === 'wait') vi.setSystemTime(Date.now() + step.ms)
          else {
            const desired = set.getAll()
            const tracked = tracker.take(desired)
            const expected = diff(desired, subscribed)
            expect(tracked.desired).toBe(desired)
            // As sets: a feed that left and came back between two looks keeps its earlier place among what is due.
            expect(names(tracked.new)).toEqual(names(expected.new))
            expect(tracked.new).toHaveLength(expected.new.length)
            expect(names(tracked.stale)).toEqual(names(expected.stale))
            expect(tracked.stale).toHaveLength(expected.stale.length)
            if (!step.succeeds) continue
            tracker.settle()
            subscribed = desired
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
