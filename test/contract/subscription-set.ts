import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SubscriptionSet } from '../../src/feeds/subscription-set'

export interface Pair {
  base: string
  quote: string
}

export interface SubscriptionSetRig {
  set: SubscriptionSet<Pair>
  end: () => Promise<void>
}

export interface SubscriptionSetKind {
  /** @param capacity - for how many members there is room, where there is a limit */
  make: (capacity: number) => Promise<SubscriptionSetRig>
  /** Why there is no limit to what the set holds. No test is made for it. */
  lacks?: { cap?: string }
}

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const TTL_MS = 60_000
const CAPACITY = 3

/** What every subscription set does, wherever it is. */
export const testSubscriptionSet = (name: string, { make, lacks = {} }: SubscriptionSetKind): void => {
  let rig: SubscriptionSetRig

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_700_000_000_000 })
    rig = await make(CAPACITY)
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rig.end()
  })

  const pass = (ms: number) => void vi.advanceTimersByTime(ms)
  const wanted = async () => [...(await rig.set.getAll())].map(({ base }) => base).sort()

  describe(`${name}, as every subscription set,`, () => {
    it('SB-4: wants a feed for as long as it was asked for, to the millisecond', async () => {
      expect(await wanted()).toEqual([])
      await rig.set.add(ETH, TTL_MS, 'eth')
      expect(await rig.set.getAll()).toEqual([ETH])
      pass(TTL_MS - 1)
      expect(await wanted()).toEqual(['ETH'])
      pass(1)
      expect(await wanted()).toEqual([])
    })

    it('SB-4: begins the time of a feed anew whenever it is asked for', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      for (let round = 0; round < 3; round++) {
        pass(TTL_MS - 1)
        await rig.set.add(ETH, TTL_MS, 'eth')
        expect(await wanted()).toEqual(['ETH'])
      }
      pass(TTL_MS)
      expect(await wanted()).toEqual([])
      await rig.set.add(ETH, TTL_MS, 'eth')
      expect(await wanted()).toEqual(['ETH'])
    })

    it('lets the time of each feed end by itself', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      pass(TTL_MS / 2)
      await rig.set.add(BTC, TTL_MS, 'btc')
      expect(await wanted()).toEqual(['BTC', 'ETH'])
      pass(TTL_MS / 2)
      expect(await wanted()).toEqual(['BTC'])
      pass(TTL_MS / 2)
      expect(await wanted()).toEqual([])
    })

    it('ID-1: has a feed once, however it is spelled, and keeps feeds apart that differ in letter case', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      await rig.set.add({ base: 'eth', quote: 'usd' }, TTL_MS, 'eth')
      await rig.set.add({ quote: 'USD', base: 'ETH' }, TTL_MS, 'eth')
      expect(await wanted()).toHaveLength(1)
      await rig.set.add({ base: 'eTH', quote: 'USD' }, TTL_MS, 'another')
      expect(await wanted()).toHaveLength(2)
    })

    it('gives the same objects for as long as the feeds are wanted', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      const [first] = await rig.set.getAll()
      await rig.set.add(BTC, TTL_MS, 'btc')
      expect((await rig.set.getAll()).filter((params) => params === first)).toHaveLength(1)
    })

    it('gives lists that nobody can change it by', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      ;(await rig.set.getAll()).pop()
      expect(await wanted()).toEqual(['ETH'])
    })

    it('tells by key what it knows of it, and nothing else', async () => {
      await rig.set.add(ETH, TTL_MS, 'eth')
      await rig.set.add(BTC, TTL_MS, 'btc')
      // One that is not in this process's memory need not know.
      expect([ETH, undefined]).toContainEqual(rig.set.get('eth'))
      expect(rig.set.get('ETH')).toBeUndefined()
      expect(rig.set.get('toString')).toBeUndefined()
    })

    if (lacks.cap === undefined)
      it('RS-1: holds no more than its capacity, and drops what was asked for longest ago', async () => {
        for (const base of ['A', 'B', 'C', 'D', 'B', 'E']) {
          await rig.set.add({ base, quote: 'USD' }, TTL_MS, base)
          pass(1)
        }
        expect(await wanted()).toEqual(['B', 'D', 'E'])
      })
  })
}
