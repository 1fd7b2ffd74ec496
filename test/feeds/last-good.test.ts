import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LocalCache } from '../../src/feeds/local-cache'
import { instant } from '../../src/util/clock'

const step = fc.oneof(
  fc.record({ act: fc.constant('good' as const), value: fc.integer(), ttl: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ act: fc.constant('error' as const), ttl: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ act: fc.constant('read' as const) }),
  fc.record({ act: fc.constant('delete' as const) }),
  fc.record({ act: fc.constant('extend' as const), ttl: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 100 }) }),
)

describe('the last good value of a key', () => {
  it('FR-5: is the one that was written last, whatever becomes of it: never an error, never an older one', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cache = new LocalCache<{ result?: number; errorMessage?: string }>(10)
        // Far ahead of both clocks, which only read and setTTL look at.
        let now = { unixMs: Date.now() + 1e9, monotonicMs: 1e12 }
        let last: number | undefined
        for (const one of steps) {
          if (one.act === 'good') {
            cache.store('key', { result: one.value }, one.ttl, now)
            last = one.value
          } else if (one.act === 'error') cache.store('key', { errorMessage: 'no' }, one.ttl, now)
          else if (one.act === 'read') cache.read('key', undefined, now)
          else if (one.act === 'delete') void cache.delete('key')
          else if (one.act === 'extend') void cache.setTTL('key', one.ttl)
          else now = { unixMs: now.unixMs + one.ms, monotonicMs: now.monotonicMs + one.ms }
          expect(cache.lastGood('key')?.value.result).toBe(last)
        }
      }),
    )
  })

  it('RS-1: is remembered of as many keys as the cache holds', () => {
    const cache = new LocalCache<{ result: number }>(2)
    const now = instant()
    for (const key of ['a', 'b', 'c']) {
      cache.store(key, { result: 1 }, 1, now)
      void cache.delete(key)
    }
    expect(['a', 'b', 'c'].map((key) => cache.lastGood(key)?.value)).toEqual([
      undefined,
      { result: 1 },
      { result: 1 },
    ])
  })
})
