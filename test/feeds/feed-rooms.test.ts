import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { FeedIndex } from '../../src/feeds/feed-index'
import { KnownRoom, WantedRoom } from '../../src/feeds/feed-rooms'
import { fullFor } from '../../src/feeds/full-set'
import { weightOf } from '../../src/feeds/weight'
import { LoggerFactoryProvider } from '../../src/util/logging'

LoggerFactoryProvider.set({ child: () => ({ warn: () => {} }) } as never)

const TTL = 60_000
const large = (n: number) => ({ base: `${n}${'x'.repeat(10_000)}` })
const small = (n: number) => ({ base: `${n}` })

const indexIn = (room: KnownRoom, names = ['base']) => {
  const settings = { MAX_COMMON_KEY_SIZE: 300, FEED_ID_JSON: false, DEFAULT_CACHE_KEY: 'D' }
  const of = { adapterName: 'TEST', endpointName: 'e', transportName: 't', settings, withMeta: false, room }
  return new FeedIndex(of, names)
}

/** The sum of all texts that are reachable from an object. */
const textsIn = (root: object): number => {
  const [seen, texts] = [new Set<unknown>(), new Set<string>()]
  const look = (one: unknown): void => {
    if (typeof one === 'string') return void texts.add(one)
    if (typeof one !== 'object' || one === null || seen.has(one)) return
    seen.add(one)
    if (one instanceof Map) for (const pair of one as Map<unknown, unknown>) pair.forEach(look)
    else for (const name of Object.keys(one)) look((one as Record<string, unknown>)[name])
  }
  look(root)
  return [...texts].reduce((sum, { length }) => sum + length, 0)
}

describe('the weight of params', () => {
  it('is never less than their characters, whatever they are made of', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => weightOf(value) >= JSON.stringify(value).length / 4))
  })

  it('counts what is empty: a body of many empty objects takes much more memory than its text', () => {
    const empty = Array.from({ length: 1_000 }, () => ({}))
    expect(weightOf(empty)).toBeGreaterThan(10 * JSON.stringify(empty).length)
  })
})

describe('the room for wanted feeds', () => {
  it('refuses a large one that is new where it is full, and takes those that are in, and small ones', () => {
    const set = new ExpiringSortedSet(1_000, new WantedRoom(50_000))
    for (const n of [0, 1]) set.add(large(n), TTL, `large ${n}`)
    expect(fullFor(set, 'large 2', large(2))).toMatchObject({
      code: 'CAPACITY',
      message:
        'The parameters of the wanted feeds take as much memory as they may, and those of this one are large: there is room when one is no longer asked for',
    })
    expect(fullFor(set, 'large 1', large(1))).toBeUndefined()
    expect(fullFor(set, 'small', small(1))).toBeUndefined()
    set.delete('large 0')
    expect(fullFor(set, 'large 2', large(2))).toBeUndefined()
  })

  it('has room again when one has expired', () => {
    const set = new ExpiringSortedSet(1_000, new WantedRoom(30_000))
    set.add(large(0), -1, 'large 0')
    expect(fullFor(set, 'large 1', large(1))).toBeUndefined()
  })

  it('is one for all sets that share it', () => {
    const room = new WantedRoom(30_000)
    const [one, other] = [new ExpiringSortedSet(1_000, room), new ExpiringSortedSet(1_000, room)]
    one.add(large(0), TTL, 'large 0')
    expect(fullFor(other, 'large 1', large(1))).toMatchObject({ code: 'CAPACITY' })
    one.delete('large 0')
    expect(fullFor(other, 'large 1', large(1))).toBeUndefined()
  })

  it('is as empty as before, whatever came and went', () => {
    const step = fc.record({
      do: fc.constantFrom('add', 'add', 'delete', 'refresh', 'expire'),
      key: fc.nat(5),
      size: fc.nat(5_000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const room = new WantedRoom(1_000_000)
        const set = new ExpiringSortedSet(4, room)
        for (const { do: what, key, size } of steps) {
          if (what === 'add') set.add({ base: 'x'.repeat(size) }, TTL, `${key}`)
          else if (what === 'delete') set.delete(`${key}`)
          else if (what === 'refresh') set.refresh(`${key}`, TTL)
          else set.add({ base: 'x'.repeat(size) }, -1, `${key}`)
        }
        for (let key = 0; key < 6; key++) set.delete(`${key}`)
        expect(room.hasFor(1_000_000)).toBe(true)
        expect(room.hasFor(1_000_000 + 2_048)).toBe(false)
      }),
    )
  })
})

describe('the room for known feeds', () => {
  it('OB-1: is not exceeded by large feeds, in whatever spelling and order of parameters', () => {
    const room = new KnownRoom(1_000_000)
    const index = indexIn(room, ['base', 'quote'])
    for (let n = 0; n < 300; n++) {
      const { base } = large(n)
      index.find({ base, quote: 'USD' })
      index.find({ base: base.toUpperCase(), quote: 'USD' })
      index.find({ base: 'ETH', quote: base })
    }
    expect(textsIn(index)).toBeLessThan(1_000_000)
    expect(index.size).toBeGreaterThan(0)
  })

  it('is not exceeded by small feeds either, nor by ever new spellings of one', () => {
    const room = new KnownRoom(200_000)
    const index = indexIn(room)
    for (let n = 0; n < 2_000; n++) index.find(small(n))
    for (let n = 0; n < 2_000; n++)
      index.find({ base: [...n.toString(2).padStart(12, '0')].map((bit) => 'aA'[+bit]).join('') })
    expect(index.size).toBeLessThan(300)
    expect(textsIn(index)).toBeLessThan(200_000)
  })

  it('forgets those that are not used: one that is asked for or written to stays the same', () => {
    const room = new KnownRoom(200_000)
    const index = indexIn(room)
    const used = [small(-1), large(-1)].map((params) => ({ params, feed: index.find(params) }))
    for (let n = 0; n < 1_000; n++) {
      used[0]!.feed.sets++
      used[1]!.feed.gets++
      index.find(large(n))
      index.find(small(n))
    }
    for (const { params, feed } of used) {
      expect(feed.isForgotten).toBe(false)
      expect(index.find(params)).toBe(feed)
    }
  })

  it('is taken from the transport that knows most', () => {
    const room = new KnownRoom(400_000)
    const [quiet, flooded] = [indexIn(room), indexIn(room)]
    const feeds = [1, 2, 3].map((n) => quiet.find(small(n)))
    for (let n = 0; n < 100; n++) flooded.find(large(n))
    expect(feeds.map(({ isForgotten }) => isForgotten)).toEqual([false, false, false])
    room.remove(flooded)
    for (let n = 0; n < 100; n++) quiet.find(small(n + 10))
    expect(quiet.size).toBe(103)
  })
})
