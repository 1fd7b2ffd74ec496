import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CacheFactory } from '../../src/adapter/cache-factory'
import { isPlainLocal, LocalCache, localLayerOf, type Place } from '../../src/feeds/local-cache'
import { metrics } from '../../src/metrics/registry'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { instant } from '../../src/util/clock'

const START = 1_700_000_000_000
type Value = { result?: number; errorMessage?: string }
const good = (result: number): Value => ({ result })
const bad = (errorMessage: string): Value => ({ errorMessage })

const warn = vi.fn()

beforeEach(() => {
  LoggerFactoryProvider.set({ child: () => ({ warn }) } as never)
  warn.mockClear()
  metrics.initialize()
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START })
})
afterEach(() => void vi.useRealTimers())

const later = (ms: number) => void vi.setSystemTime(Date.now() + ms)

describe('the local cache', () => {
  it('gives back the very object that was set, until it expires', async () => {
    const cache = new LocalCache<Value>(10)
    const value = good(1)
    await cache.set('k', value, 100)
    later(99)
    expect(await cache.get('k')).toBe(value)
    later(1)
    expect(await cache.get('k')).toBeUndefined()
    expect(cache.cache.size).toBe(0)
  })

  it('has a plain map and a list, as tests expect', async () => {
    const cache = new LocalCache<Value>(10)
    await cache.setMany(
      [
        { key: 'a', value: good(1) },
        { key: 'b', value: good(2) },
      ],
      100,
    )
    expect(cache.type).toBe('local')
    expect(cache.cache).toBeInstanceOf(Map)
    expect([...cache.cache.keys()]).toEqual(['a', 'b'])
    expect(cache.cache.get('a')).toMatchObject({
      key: 'a',
      data: { value: { result: 1 }, expirationTimestamp: START + 100 },
    })
    await cache.delete('a')
    await cache.delete('never there')
    expect([...cache.cache.keys()]).toEqual(['b'])
  })

  it('ER-2: does not let an error replace a live value, nor lengthen its life', async () => {
    const cache = new LocalCache<Value>(10)
    await cache.set('k', good(1), 100)
    later(50)
    expect(cache.store('k', bad('no'), 1_000, instant())).toBe(false)
    expect(await cache.get('k')).toEqual(good(1))
    later(50)
    expect(await cache.get('k')).toBeUndefined()
  })

  it('ER-2: lets an error replace an expired value and another error; ER-3: lets a value replace an error', async () => {
    const cache = new LocalCache<Value>(10)
    await cache.set('k', good(1), 100)
    later(100)
    await cache.set('k', bad('one'), 100)
    expect(await cache.get('k')).toEqual(bad('one'))
    await cache.set('k', bad('two'), 100)
    expect(await cache.get('k')).toEqual(bad('two'))
    await cache.set('k', good(2), 100)
    expect(await cache.get('k')).toEqual(good(2))
  })

  it('ER-2: takes for an error what has a message, and nothing else, whatever is put in', async () => {
    const [error, noError] = [bad('no'), { errorMessage: undefined }]
    for (const other of [null, undefined, 'errorMessage', 5, noError, good(1)] as never[]) {
      const cache = new LocalCache<unknown>(10)
      await cache.set('k', good(1), 100)
      await cache.set('k', other, 100)
      expect(await cache.get('k')).toBe(other)
      await cache.set('k', error, 100)
      expect(await cache.get('k')).toBe(other)
    }
  })

  it('setTTL gives a live entry a new life, ends an expired one, and makes none', async () => {
    const cache = new LocalCache<Value>(10)
    await cache.set('k', good(1), 100)
    later(60)
    await cache.setTTL('k', 100)
    later(99)
    expect(await cache.get('k')).toEqual(good(1))
    later(1)
    await cache.setTTL('k', 100)
    expect(cache.cache.size).toBe(0)
    await cache.setTTL('other', 100)
    expect(await cache.get('other')).toBeUndefined()
  })

  it('drops the entry that was updated longest ago when it is full; reads do not count', async () => {
    const cache = new LocalCache<Value>(3)
    for (const key of ['a', 'b', 'c']) await cache.set(key, good(1), 1_000)
    await cache.get('a')
    await cache.set('b', good(2), 1_000)
    await cache.set('d', good(1), 1_000)
    expect([...cache.cache.keys()].sort()).toEqual(['b', 'c', 'd'])
    await cache.setTTL('c', 1_000)
    await cache.set('e', good(1), 1_000)
    expect([...cache.cache.keys()].sort()).toEqual(['c', 'd', 'e'])
  })

  it('OB-4: names one of those that it drops a minute, and counts the others', async () => {
    const cache = new LocalCache<Value>(3)
    for (let n = 0; n < 100; n++) await cache.set(`key-${n}`, good(1), 1_000)
    expect(warn).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(60_000)
    for (let n = 100; n < 103; n++) await cache.set(`key-${n}`, good(1), 1_000)
    expect(warn.mock.calls.slice(1)).toEqual([[{ repeated: 96 }, expect.stringContaining('dropped "key-')]])
  })

  it('drops in the order of updates, whatever size and capacity have been on the way there', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('set', 'set', 'set', 'extend', 'delete'), key: fc.nat(25) }),
      // Many of one kind, so that sizes go far up and down.
      fc.record({ do: fc.constantFrom('fill', 'empty'), key: fc.nat(25) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(step, { maxLength: 60 }),
        async (capacity, steps) => {
          const cache = new LocalCache<Value>(capacity)
          let model: string[] = []
          const update = async (key: string) => {
            if (!model.includes(key) && model.length === capacity) model.shift()
            model = [...model.filter((other) => other !== key), key]
            await cache.set(key, good(1), 1_000)
          }
          const drop = async (key: string) => {
            model = model.filter((other) => other !== key)
            await cache.delete(key)
          }
          for (const { do: what, key } of steps) {
            const name = `k${key}`
            if (what === 'set') await update(name)
            else if (what === 'delete') await drop(name)
            else if (what === 'fill') for (let at = 0; at < key; at++) await update(`k${(key + at * 7) % 26}`)
            else if (what === 'empty') for (let at = 0; at < key; at++) await drop(`k${at}`)
            else {
              if (model.includes(name)) model = [...model.filter((other) => other !== name), name]
              await cache.setTTL(name, 1_000)
            }
            expect([...cache.cache.keys()].sort()).toEqual([...model].sort())
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('does not move entries at every write before it may get full, nor lose their order', async () => {
    const cache = new LocalCache<Value>(8)
    const moved = vi.spyOn(cache.list, 'remove')
    const write = (keys: string) => Promise.all([...keys].map((key) => cache.set(key, good(1), 1_000)))
    await write('abcabc')
    expect(moved).not.toHaveBeenCalled()
    // Half full.
    await write('d')
    moved.mockClear()
    await write('ab')
    expect(moved).toHaveBeenCalledTimes(2)
    expect(cache.list.removeHead()?.key).toBe('c')
  })

  it('keeps the order until less than a quarter is full', async () => {
    const cache = new LocalCache<Value>(8)
    const moved = vi.spyOn(cache.list, 'remove')
    const moves = async (keys: string) => {
      const before = moved.mock.calls.length
      for (const key of keys) await cache.set(key, good(1), 1_000)
      return moved.mock.calls.length - before
    }
    for (const key of 'abcd') await cache.set(key, good(1), 1_000)
    for (const key of 'abc') await cache.delete(key)
    expect(await moves('edd')).toBe(2)
    for (const key of 'de') await cache.delete(key)
    expect(await moves('aa')).toBe(0)
  })

  it('finds an entry where it last was without looking it up', async () => {
    const cache = new LocalCache<Value>(10)
    const place: Place<Value> = { node: undefined }
    await cache.set('k', good(1), 1_000)
    cache.read('k', place)
    const looked = vi.spyOn(cache.cache, 'get')
    expect(cache.read('k', place)?.value).toEqual(good(1))
    cache.store('k', good(2), 1_000, instant(), place)
    expect(looked).not.toHaveBeenCalled()
  })

  it('finds an entry where it last was, and elsewhere, and elsewhere when it is no longer there', async () => {
    const cache = new LocalCache<Value>(2)
    const place: Place<Value> = { node: undefined }
    const write = (result: number) => cache.store('k', good(result), 1_000, instant(), place)
    write(1)
    expect(place.node).toBe(cache.cache.get('k'))
    expect(cache.read('k', place)?.value).toEqual(good(1))
    await cache.delete('k')
    expect(cache.read('k', place)).toBeUndefined()
    await cache.set('k', good(2), 1_000)
    expect(cache.read('k', place)?.value).toEqual(good(2))
    for (const key of ['a', 'b']) await cache.set(key, good(0), 1_000)
    expect(cache.read('k', place)).toBeUndefined()
    write(3)
    expect(await cache.get('k')).toEqual(good(3))
    cache.cache.clear()
    expect(cache.read('k', place)).toBeUndefined()
    write(4)
    expect(await cache.get('k')).toEqual(good(4))
    const other = new LocalCache<Value>(2)
    expect(other.read('k', place)).toBeUndefined()
  })

  it('counts what it drops', async () => {
    const dropped = async () => (await metrics.get('cacheOverflowCount').get()).values[0]?.value ?? 0
    const before = await dropped()
    const cache = new LocalCache<Value>(1)
    for (const key of ['a', 'b', 'c']) await cache.set(key, good(1), 1_000)
    expect((await dropped()) - before).toBe(2)
  })

  it('goes on when somebody empties its map', async () => {
    const cache = new LocalCache<Value>(2)
    await cache.set('a', good(1), 1_000)
    await cache.set('b', good(1), 1_000)
    cache.cache.clear()
    expect(await cache.get('a')).toBeUndefined()
    for (const key of ['a', 'c', 'd']) await cache.set(key, good(2), 1_000)
    expect([...cache.cache.keys()]).toEqual(['c', 'd'])
    expect(await cache.get('c')).toEqual(good(2))
  })

  it('keeps no more than it may when somebody has emptied its map', async () => {
    const cache = new LocalCache<Value>(2)
    for (const key of ['a', 'b']) await cache.set(key, good(1), 1_000)
    cache.cache.clear()
    for (const key of ['c', 'd', 'e']) await cache.set(key, good(2), 1_000)
    expect([...cache.cache.keys()]).toEqual(['d', 'e'])
  })

  it('has the last entry alone where there is room for none', async () => {
    const cache = new LocalCache<Value>(0)
    for (const key of ['a', 'b']) await cache.set(key, good(1), 1_000)
    expect([...cache.cache.keys()]).toEqual(['b'])
  })

  it('behaves as a plain model does, whatever is done to it', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      fc.record({
        do: fc.constant('set' as const),
        key,
        ttl: fc.integer({ min: 1, max: 100 }),
        isError: fc.boolean(),
      }),
      fc.record({ do: fc.constant('ttl' as const), key, ttl: fc.integer({ min: 0, max: 100 }) }),
      fc.record({ do: fc.constantFrom('get' as const, 'delete' as const), key }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ do: fc.constant('clear' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const cache = new LocalCache<Value>(3)
        // In order of last update.
        let model: { key: string; value: Value; until: number }[] = []
        let n = 0
        for (const s of steps) {
          const at = Date.now()
          if (s.do === 'wait') later(s.ms)
          if (s.do === 'clear') {
            cache.cache.clear()
            model = []
          }
          if (s.do === 'delete') {
            await cache.delete(s.key)
            model = model.filter((entry) => entry.key !== s.key)
          }
          if (s.do === 'get') {
            const found = model.find((entry) => entry.key === s.key)
            if (found !== undefined && found.until <= at) model = model.filter((entry) => entry !== found)
            expect(await cache.get(s.key)).toBe(
              found !== undefined && found.until > at ? found.value : undefined,
            )
          }
          if (s.do === 'ttl') {
            await cache.setTTL(s.key, s.ttl)
            const found = model.find((entry) => entry.key === s.key)
            if (found !== undefined) {
              model = model.filter((entry) => entry !== found)
              if (found.until > at) model.push({ ...found, until: at + s.ttl })
            }
          }
          if (s.do === 'set') {
            const value = s.isError ? bad(`${n++}`) : good(n++)
            await cache.set(s.key, value, s.ttl)
            const found = model.find((entry) => entry.key === s.key)
            const isKept =
              s.isError && found !== undefined && found.until > at && found.value.errorMessage === undefined
            if (!isKept) {
              model = model.filter((entry) => entry !== found)
              if (found === undefined && model.length === 3) model.shift()
              model.push({ key: s.key, value, until: at + s.ttl })
            }
          }
          expect([...cache.cache.keys()].sort()).toEqual(model.map((entry) => entry.key).sort())
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the life of an entry', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))

  const made = () => {
    const cache = new LocalCache<Value>(10)
    cache.store('k', good(1), 100, instant())
    const livesFor = (ms: number) => {
      vi.advanceTimersByTime(ms - 1)
      const isThere = cache.read('k') !== undefined
      vi.advanceTimersByTime(1)
      return isThere && cache.read('k') === undefined
    }
    return { cache, livesFor }
  }

  it('TM-6: ends as soon as one of both clocks says so', () => {
    const behind = made()
    later(-50)
    expect(behind.livesFor(100)).toBe(true)
    const ahead = made()
    later(50)
    expect(ahead.livesFor(50)).toBe(true)
  })

  it('is shortened, and never lengthened', () => {
    const { cache, livesFor } = made()
    expect([cache.shorten('k', 100), cache.shorten('k', 150), cache.shorten('other', 1)]).toEqual([
      false,
      false,
      false,
    ])
    expect(cache.shorten('k', 40)).toBe(true)
    expect(livesFor(40)).toBe(true)
    expect(cache.shorten('k', 1)).toBe(false)
  })

  it('TM-6: is shortened by each clock for itself', () => {
    const behind = made()
    later(-50)
    expect(behind.cache.shorten('k', 100)).toBe(true)
    later(99)
    expect(behind.cache.read('k')).toBeDefined()
    later(1)
    expect(behind.cache.read('k')).toBeUndefined()
    const ahead = made()
    later(50)
    expect(ahead.cache.shorten('k', 60)).toBe(true)
    later(-50)
    expect(ahead.livesFor(60)).toBe(true)
  })
})

describe('the kinds of local cache', () => {
  it('tell whether somebody has put methods of their own in', () => {
    class OwnSet extends LocalCache {
      override set(key: string, value: object, ttl: number) {
        return super.set(key, value, ttl)
      }
    }
    class OwnGet extends LocalCache {
      override get(key: string) {
        return super.get(key)
      }
    }
    const spied = new LocalCache(1)
    vi.spyOn(spied, 'get')
    class OwnSetMany extends LocalCache {
      override setMany = () => Promise.resolve()
    }
    const kinds = [new LocalCache(1), new OwnSet(1), new OwnGet(1), spied, new OwnSetMany(1)]
    expect(kinds.map(isPlainLocal)).toEqual([true, false, true, true, false])
    expect(kinds.map((cache) => localLayerOf(cache) === cache)).toEqual([true, true, false, false, true])
  })

  it('are the only kinds that the factory builds', () => {
    expect(CacheFactory.buildCache({ cacheType: 'local', maxSizeForLocalCache: 7 })).toMatchObject({
      capacity: 7,
    })
    expect(() => CacheFactory.buildCache({ cacheType: 'other', maxSizeForLocalCache: 7 })).toThrow(/"other"/)
  })
})
