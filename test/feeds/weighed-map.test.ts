import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { KnownRoom } from '../../src/feeds/feed-rooms'
import { WeighedMap } from '../../src/feeds/weighed-map'
import { metrics } from '../../src/metrics/registry'

beforeEach(() => {
  metrics.initialize()
  metrics.get('boundsOverflow').reset()
})

const forgotten = async () => {
  const { values } = await metrics.get('boundsOverflow').get()
  return values.find(({ labels }) => labels['bound'] === 'reverse_mappings')?.value
}

const mapIn = (room: KnownRoom | undefined, limit = 1_000, isUsed?: (value: number) => boolean) =>
  new WeighedMap<string, number>({
    limit,
    bound: 'reverse_mappings',
    room: () => room,
    ...(isUsed && { isUsed }),
  })

const keysOf = (map: WeighedMap<string, number>) => [...map].map(([key]) => key)
const large = (n: number) => `${n} ${'x'.repeat(10_000)}`

describe('a map whose entries are weighed', () => {
  it('forgets the oldest beyond its limit, whether or not there is a room, and counts it', async () => {
    for (const room of [undefined, new KnownRoom(1_000_000)]) {
      const map = mapIn(room, 2)
      for (const [n, key] of ['a', 'b', 'a', 'c'].entries()) map.set(key, n)
      expect([...map]).toEqual([
        ['b', 1],
        ['c', 3],
      ])
    }
    expect(await forgotten()).toBe(2)
  })

  it('RS-1: takes no more memory than the room has, and forgets first what is not used, from the oldest on', async () => {
    const room = new KnownRoom(100_000)
    const map = mapIn(room, 1_000, (n) => n === 0)
    for (let n = 0; n < 50; n++) map.set(large(n), n)
    const kept = [...map].map(([, n]) => n)
    expect(kept[0]).toBe(0)
    expect(kept.slice(1)).toEqual(
      Array.from({ length: kept.length - 1 }, (_, at) => 50 - kept.length + 1 + at),
    )
    expect(kept.length).toBeLessThan(6)
    expect(await forgotten()).toBe(50 - kept.length)
  })

  it('forgets what is used, too, where nothing else is left, and one that alone is too large', () => {
    const room = new KnownRoom(100_000)
    const map = mapIn(room, 1_000, () => true)
    for (let n = 0; n < 50; n++) map.set(large(n), n)
    expect(map.size).toBeGreaterThan(0)
    expect(map.size).toBeLessThan(6)
    map.set('x'.repeat(100_000), 50)
    expect(keysOf(map)).toEqual([])
  })

  it('leaves its room as it was, whatever comes and goes', () => {
    const step = fc.record({
      do: fc.constantFrom('set', 'set', 'delete', 'forget'),
      key: fc.nat(8),
      bytes: fc.nat(5_000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isClosed) => {
        const room = new KnownRoom(1_000_000)
        const map = mapIn(room, 5)
        for (const { do: what, key, bytes } of steps) {
          if (what === 'set') map.set(`${key}`, key, bytes)
          else if (what === 'delete') map.delete(`${key}`)
          else map.forgetUnused(bytes)
        }
        if (isClosed) map.close()
        else for (const key of keysOf(map)) map.delete(key)
        // Whatever was still counted would be asked to go.
        let asked = 0
        const other = { forgetUnused: () => void asked++ }
        room.add(other, 1_000_000)
        expect(asked).toBe(0)
        room.add(other, 1)
        expect(asked).toBe(1)
      }),
    )
  })

  it('takes nothing any more once it is closed', () => {
    const room = new KnownRoom(1_000_000)
    const map = mapIn(room)
    map.set('a', 1)
    map.close()
    map.set('b', 2)
    expect([map.size, map.get('a'), map.has('b')]).toEqual([0, undefined, false])
  })
})
