import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { type WantedFeed } from '../../../src/service/workers/messages'
import { WantedFeeds } from '../../../src/service/workers/wanted-feeds'
import { type WantedSet, WantedSetFactory } from '../../../src/service/workers/wanted-set'

const NOW = 1_700_000_000_000
const TTL = 30_000
const settings = { CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 3 }

const setUp = () => {
  const told: WantedFeed[] = []
  const sets: WantedSet<unknown>[] = []
  const announcer = {
    announce: (feed: WantedFeed) => told.push(feed),
    follow: (set: WantedSet<unknown>) => sets.push(set),
  }
  const set = new WantedSetFactory(settings, 'ACME', announcer).buildSet('price', 'ws') as WantedSet<object>
  return { set, told, sets }
}

beforeEach(() => {
  LoggerFactoryProvider.set()
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the feeds that clients of a worker want', () => {
  it('are told at once, with all that the writer needs to know', () => {
    const { set, told, sets } = setUp()
    set.add({ base: 'ETH' }, TTL, 'k')
    expect(told).toEqual([
      { adapter: 'ACME', endpoint: 'price', transport: 'ws', key: 'k', ttlMs: TTL, params: { base: 'ETH' } },
    ])
    expect(sets).toEqual([set])
  })

  it.each([
    ['add', (set: WantedSet<object>) => set.add({ base: 'eth' }, TTL, 'k')],
    ['refresh', (set: WantedSet<object>) => set.refresh('k', TTL)],
  ])(
    'are told again at most three times in their life, however often they are asked for by %s',
    (_name, ask) => {
      const { set, told } = setUp()
      set.add({ base: 'ETH' }, TTL, 'k')
      for (let ms = 0; ms < 10 * TTL; ms += 100) {
        ask(set)
        vi.advanceTimersByTime(100)
      }
      expect(told).toHaveLength(30)
      expect(told.every(({ params }) => (params as { base: string }).base === 'ETH')).toBe(true)
    },
  )

  it('TM-6: are told again when a third of their life is over, whatever the wall clock does', () => {
    const { set, told } = setUp()
    set.add({}, TTL, 'k')
    vi.setSystemTime(NOW + 3_600_000)
    set.refresh('k', TTL)
    expect(told).toHaveLength(1)
    vi.setSystemTime(NOW - 3_600_000)
    vi.advanceTimersByTime(TTL / 3)
    set.refresh('k', TTL)
    expect(told).toHaveLength(2)
  })

  it('are told anew to another writer while they are wanted, and not after', () => {
    const { set, told } = setUp()
    set.add({}, TTL, 'old')
    vi.advanceTimersByTime(TTL - 1)
    set.add({}, TTL, 'new')
    vi.advanceTimersByTime(1)
    told.length = 0
    expect([...set.all()].map(({ key }) => key)).toEqual(['new'])
    set.refresh('new', TTL)
    expect(told).toEqual([])
    set.add({}, TTL, 'old')
    expect(told.map(({ key }) => key)).toEqual(['old'])
  })

  it('RS-1: are as many as the set holds, and those that have ended make room without a word', () => {
    const { set } = setUp()
    for (const key of ['a', 'b', 'c', 'd']) set.add({}, TTL, key)
    expect([...set.all()].map(({ key }) => key)).toEqual(['b', 'c', 'd'])
    vi.advanceTimersByTime(TTL)
    set.add({}, TTL, 'e')
    expect(set.size).toBe(1)
  })
})

describe('the feeds that a writer is told of', () => {
  const feed = {
    adapter: 'ACME',
    endpoint: 'price',
    transport: 'ws',
    key: 'k',
    ttlMs: TTL,
    params: { base: 'ETH' },
  }

  it('reach the set of their transport, which hears of new ones only', () => {
    const wanted = new WantedFeeds()
    const set = wanted.factoryFor('ACME', settings).buildSet<object>('price', 'ws')
    const onAdded = vi.fn()
    ;(set as unknown as { follow: (onAdded: () => void) => void }).follow(onAdded)
    wanted.want(feed)
    wanted.want({ ...feed, params: { base: 'eth' } })
    expect(set.getAll()).toEqual([{ base: 'ETH' }])
    expect(onAdded).toHaveBeenCalledTimes(1)
  })

  it('stay for as long as some worker asks', () => {
    const wanted = new WantedFeeds()
    const set = wanted.factoryFor('ACME', settings).buildSet<object>('price', 'ws')
    wanted.want(feed)
    vi.advanceTimersByTime(TTL / 3)
    wanted.want(feed)
    vi.advanceTimersByTime((TTL * 2) / 3)
    expect(set.getAll()).toHaveLength(1)
    vi.advanceTimersByTime(TTL / 3)
    expect(set.getAll()).toEqual([])
  })

  it.each([{ adapter: 'ZETA' }, { endpoint: 'volume' }, { transport: 'http' }, { endpoint: '__proto__' }])(
    'IS-2: are ignored when there is no such transport here: %j',
    (other) => {
      const wanted = new WantedFeeds()
      const set = wanted.factoryFor('ACME', settings).buildSet('price', 'ws')
      wanted.want({ ...feed, ...other })
      expect(set.getAll()).toEqual([])
    },
  )
})
