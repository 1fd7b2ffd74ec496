import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Standing } from '../../../src/transports/peer/terms'
import { PriceOrder } from '../price-order'
import { wsProvider } from '../../../src/testing/ws-provider'
import { processReplayMemory, ReplayMemory } from '../replay-memory'
import { PriceGate } from '../price-gate'
import { type VersiaEntity } from '../entity'
import { ETH, handled, priceMessage, serveVersia } from './support'
import { PRICE_TYPE } from './vectors'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the memory of messages', () => {
  it('keeps each up to and including the last moment at which it could come again', () => {
    const memory = new ReplayMemory()
    expect(memory.take('a', 'x', 10_000, 9_000)).toBe('new')
    expect(memory.take('a', 'x', 10_000, 10_000)).toBe('replay')
    expect(memory.take('b', 'x', 10_000, 10_000)).toBe('new')
    expect(memory.take('a', 'y', 20_000, 11_000)).toBe('new')
    expect(memory.size).toBe(1)
  })

  it('RS-1: refuses what is new when it is full, and has room again when something has ended', () => {
    const memory = new ReplayMemory(2)
    memory.take('a', 'x', 10_000, 0)
    memory.take('a', 'y', 20_000, 0)
    expect(memory.take('a', 'z', 20_000, 0)).toBe('full')
    expect(memory.take('a', 'x', 10_000, 0)).toBe('replay')
    expect(memory.take('a', 'z', 20_000, 11_000)).toBe('new')
    expect(memory.take('a', 'w', 20_000, 11_000)).toBe('full')
  })

  it('never takes a message twice while it could come, whatever the clock does, and never holds more than it may', () => {
    const step = fc.record({ text: fc.integer({ min: 0, max: 20 }), now: fc.integer({ min: 0, max: 100 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const memory = new ReplayMemory(10)
        const takenUntil = new Map<number, number>()
        let latest = 0
        for (const { text, now } of steps) {
          latest = Math.max(latest, now)
          const expiresAt = (text + 50) * 1_000
          const outcome = memory.take('a', String(text), expiresAt, now * 1_000)
          const until = takenUntil.get(text)
          // What a clock that ran ahead has ended is gone, also when the clock comes back.
          if (outcome === 'new' && until !== undefined) expect(latest * 1_000).toBeGreaterThan(until)
          if (outcome === 'new') takenUntil.set(text, expiresAt)
          expect(memory.size).toBeLessThanOrEqual(10)
        }
      }),
    )
  })

  it('is one for the process: what came to one adapter does not count a second time at another', async () => {
    await using provider = await wsProvider()
    const options = { connect: { url: provider.url }, replayMemory: undefined }
    await using one = await serveVersia(options)
    await using two = await serveVersia(options)
    const [first, second] = [await provider.connection(), await provider.connection()]
    const before = processReplayMemory.size
    const message = priceMessage()
    first.send(message)
    await handled(first)
    second.send(message)
    await handled(second)
    expect(processReplayMemory.size).toBe(before + 1)
    const answers = await Promise.all([one.post(ETH), two.post(ETH)])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 504])
  })
})

describe('the order of prices', () => {
  const ordering = (
    stored: (key: string) => Promise<number | undefined> = () => Promise.resolve(undefined),
  ) => {
    const taken: number[] = []
    const refused: string[] = []
    const order = new PriceOrder(stored, (reason) => refused.push(reason))
    const offer = (place: Standing, value: number, key = 'feed', latest = Infinity) =>
      order.offer(key, { place, latest, take: () => value >= 0 && taken.push(value) > 0 })
    return { offer, taken, refused }
  }

  it('TM-4: at equal times takes the later of one signer, and the first listed of two, whatever came first', async () => {
    for (const ranks of [
      [0, 1, 0],
      [1, 0, 1],
    ]) {
      const { offer, taken, refused } = ordering()
      offer({ timeUnixMs: 0, rank: 0 }, 0)
      await settled()
      ranks.forEach((rank, index) => offer({ timeUnixMs: 5, rank }, 10 * rank + index))
      expect(Math.floor(taken.at(-1)! / 10)).toBe(0)
      expect(taken.length + refused.length).toBe(4)
    }
  })

  it('asks the cache once for a feed that it does not know, and decides on all that came until it answers', async () => {
    let answer!: (time: number | undefined) => void
    let asked = 0
    const { offer, taken, refused } = ordering(() => {
      asked += 1
      return new Promise((resolve) => (answer = resolve))
    })
    for (const timeUnixMs of [5, 9, 7]) offer({ timeUnixMs, rank: 0 }, timeUnixMs)
    await settled()
    expect([asked, taken, refused.length]).toEqual([1, [], 0])
    answer(8)
    await settled()
    expect([taken, refused.length]).toEqual([[9], 2])
    offer({ timeUnixMs: 8, rank: 0 }, 8)
    expect([taken, refused.length]).toEqual([[9], 3])
  })

  it('loses no good price to a newer one that is refused while the cache is being asked', async () => {
    const { offer, taken, refused } = ordering()
    offer({ timeUnixMs: 9, rank: 0 }, -1)
    offer({ timeUnixMs: 7, rank: 0 }, 7)
    await settled()
    expect([taken, refused]).toEqual([[7], []])
  })

  it('RS-1: holds a hundred prices of a feed until the cache answers, and no more', async () => {
    let answer!: (time: undefined) => void
    const { offer, taken, refused } = ordering(() => new Promise((resolve) => (answer = resolve)))
    for (let time = 1; time <= 105; time++) offer({ timeUnixMs: time, rank: 0 }, time)
    expect(refused).toEqual(Array(5).fill('unknown-feed'))
    answer(undefined)
    await settled()
    expect(taken).toHaveLength(100)
  })

  it('takes nothing that is older than what the cache has', async () => {
    const { offer, taken, refused } = ordering(() => Promise.resolve(8))
    offer({ timeUnixMs: 7, rank: 0 }, 7)
    await settled()
    offer({ timeUnixMs: 7, rank: 0 }, 7)
    offer({ timeUnixMs: 8, rank: 3 }, 8)
    expect([taken, refused]).toEqual([[8], ['older_than_current', 'older_than_current']])
  })

  it('is not moved by a price that was not served after all', async () => {
    const { offer, taken, refused } = ordering()
    offer({ timeUnixMs: 5, rank: 0 }, 5)
    await settled()
    offer({ timeUnixMs: 9, rank: 0 }, -9)
    offer({ timeUnixMs: 7, rank: 0 }, 7)
    offer({ timeUnixMs: 6, rank: 0 }, 6)
    expect([taken, refused]).toEqual([[5, 7], ['older_than_current']])
  })

  it('CA-4: goes on without a cache that fails', async () => {
    const { offer, taken } = ordering(() => Promise.reject(new Error('down')))
    offer({ timeUnixMs: 7, rank: 0 }, 7)
    await settled()
    expect(taken).toEqual([7])
  })

  it('TM-3: a time that was taken while our clock ran ahead counts for nothing once it does not', async () => {
    const { offer, taken } = ordering()
    offer({ timeUnixMs: 1_000, rank: 0 }, 1_000, 'feed', 2_000)
    await settled()
    offer({ timeUnixMs: 10, rank: 0 }, 10, 'feed', 500)
    expect(taken).toEqual([1_000, 10])
  })

  it('RS-1: stops asking when ten thousand feeds are new at once', async () => {
    const { offer, taken, refused } = ordering(() => new Promise(() => {}))
    for (let feed = 0; feed < 10_005; feed++) offer({ timeUnixMs: 1, rank: 0 }, 1, `feed ${feed}`)
    await settled()
    expect([taken.length, refused]).toEqual([0, Array<string>(5).fill('unknown-feed')])
  })

  it('TM-1: never goes back, in any order of arrival', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 2 }))),
        async (all) => {
          const { offer, taken, refused } = ordering()
          for (const [timeUnixMs, rank] of all) offer({ timeUnixMs, rank }, timeUnixMs)
          await settled()
          expect(taken).toEqual([...taken].sort((a, b) => a - b))
          expect(taken.length + refused.length).toBe(all.length)
          if (all.length > 0) expect(taken.at(-1)).toBe(Math.max(...all.map(([time]) => time)))
        },
      ),
    )
  })
})

describe('the memory of entities', () => {
  const entity = (id: string, observed = '2026-11-22T05:20:00Z'): VersiaEntity => ({
    type: PRICE_TYPE,
    id,
    created_at: observed,
    feed: 'ETH/USD',
    value: '1',
    observed_at: observed,
  })
  const now = Date.parse('2026-11-22T05:20:00Z')

  it('knows each signer’s entities apart, and forgets the oldest beyond a hundred thousand', () => {
    const gate = new PriceGate(PRICE_TYPE, 0)
    const check = (signedBy: string, id: string) => {
      const price = gate.check({ signedBy, entity: entity(id) }, now)
      return typeof price === 'string' ? price : price?.id
    }
    expect([check('a', 'x'), check('b', 'x'), check('a', 'x')]).toEqual(['x', 'x', 'duplicate_entity'])
    for (let count = 0; count < 100_000; count++) check('a', `y${count}`)
    expect([check('a', 'y99999'), check('a', 'x')]).toEqual(['duplicate_entity', 'x'])
  })

  it('does not count a price that was ahead of our clock: when its time has come, it is news', () => {
    const gate = new PriceGate(PRICE_TYPE, 1_000)
    const late = { signedBy: 'a', entity: entity('x', '2026-11-22T05:20:02Z') }
    expect(gate.check(late, now)).toBe('ahead_of_clock')
    expect(gate.check(late, now + 1_000)).toMatchObject({ id: 'x' })
    expect(gate.check(late, now + 1_000)).toBe('duplicate_entity')
  })
})
