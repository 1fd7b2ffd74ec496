import { beforeAll, describe, expect, it } from 'vitest'
import { KnownRoom } from '../../../src/feeds/feed-rooms'
import { metrics } from '../../../src/metrics/registry'
import { POISON_TERMS, PoisonSearch, type Probe } from '../../../src/transports/websocket/care/poison-search'

beforeAll(() => metrics.initialize())

const all = () => true
const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `F${from + n}`)
const searchOf = (terms = {}) => new PoisonSearch({ ...POISON_TERMS, ...terms })

/** Suspects, as one close soon after the subscription of many makes them, and two of few. */
const suspecting = (count: number, terms = {}) => {
  const search = searchOf(terms)
  while (!search.isSearching) search.closed(names(count))
  expect(search.suspectCount).toBe(count)
  return search
}
const feedsOf = (probe: Probe | undefined) => probe?.feeds
const nextOf = (search: PoisonSearch, isStepwise = false) => feedsOf(search.next(0, all, isStepwise))
const tried = (search: PoisonSearch) => search.next(0, all)!

describe('after a close', () => {
  it('few feeds are suspects when it is the second soon after their subscription, many at once', () => {
    const search = searchOf()
    expect(search.closed(names(12))).toEqual([])
    expect([search.isSearching, search.isIdle, search.isSuspect('F0'), search.isAway('F0')]).toEqual([
      false,
      true,
      false,
      false,
    ])
    expect(search.closed(names(12))).toEqual(names(12))
    expect([search.isSearching, search.isIdle, search.isSuspect('F0'), search.isAway('F0')]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(searchOf().closed(names(13))).toEqual(names(13))
  })

  it('those are that were not subscribed without harm in between', () => {
    const search = searchOf()
    search.closed(['a', 'b'])
    search.trust('a')
    expect(search.closed(['a', 'b'])).toEqual(['b'])
    expect(search.isSuspect('a')).toBe(false)
  })

  it('those that were subscribed a little longer before are, only where nothing of the last is', () => {
    const search = searchOf()
    for (let n = 0; n < 3; n++) search.closed(['a'], ['b'])
    expect([search.isSuspect('a'), search.isSuspect('b')]).toEqual([true, false])
    const other = searchOf()
    other.trust('a')
    for (let n = 0; n < 2; n++) other.closed(['a'], ['b'])
    expect([other.isSuspect('a'), other.isSuspect('b')]).toEqual([false, true])
  })

  it('those that were good before are, when it is the third that nothing else explains', () => {
    const search = searchOf()
    for (const feed of ['a', 'b']) search.trust(feed)
    expect([search.closed(['a'], ['b']), search.closed(['a'], ['b'])]).toEqual([[], []])
    expect(search.closed(['a'], ['b'])).toEqual(['a', 'b'])
    // They have lost what was known of them.
    for (const feed of ['a', 'b']) search.lived({ feeds: [feed], isReadmission: false })
    search.forget(['a', 'b'])
    expect(search.closed(['a'], ['b'])).toEqual([])
  })

  it('those are not where all went well for long enough, or nothing was subscribed', () => {
    const search = searchOf()
    search.trust('a')
    for (let n = 0; n < 2; n++) search.closed(['a'])
    search.calm()
    for (let n = 0; n < 5; n++) expect(search.closed([])).toEqual([])
    expect([search.closed(['a']), search.closed(['a'])]).toEqual([[], []])
    expect(search.closed(['a'])).toEqual(['a'])
  })

  it('that comes during a search, with feeds that may be the cause, proves nothing against it', () => {
    const search = suspecting(2)
    search.closed(['x'])
    search.closed(['y'])
    expect(search.suspectCount).toBe(2)
    search.closed([])
    search.closed([])
    expect(search.suspectCount).toBe(0)
  })

  it('is none of the feeds that nobody wants any more: they begin anew', () => {
    const search = searchOf()
    search.closed(['a', 'b'])
    search.keepOnly((feed) => feed !== 'a')
    expect(search.closed(['a', 'b'])).toEqual(['b'])
    search.keepOnly(() => false)
    expect(search.isIdle).toBe(true)
    const trusted = searchOf()
    trusted.trust('a')
    trusted.keepOnly(() => false)
    for (let n = 0; n < 2; n++) trusted.closed(['a'])
    expect(trusted.isSuspect('a')).toBe(true)
  })
})

describe('what is tried next', () => {
  it('is nothing without a suspect', () => {
    expect(searchOf().next(0, all)).toBeUndefined()
  })

  it('is half of a group of which one is bad, the larger one', () => {
    expect(nextOf(suspecting(5))).toEqual(names(3))
    expect(tried(suspecting(5)).isReadmission).toBe(false)
  })

  it('is a quarter of those of which nothing is known, thirty-two at least, and no more than fit', () => {
    expect(nextOf(suspecting(32))).toHaveLength(16)
    expect(nextOf(suspecting(33))).toEqual(names(32))
    expect(nextOf(suspecting(201))).toHaveLength(51)
    expect(nextOf(suspecting(201, { mostAtOnce: 40 }))).toHaveLength(40)
    expect(nextOf(suspecting(20, { mostAtOnce: 10 }))).toHaveLength(10)
    expect(nextOf(suspecting(10, { mostAtOnce: 10 }))).toHaveLength(5)
  })

  it('is as many as fit where the answers tell which of them ends the connection', () => {
    expect(nextOf(suspecting(201), true)).toHaveLength(201)
    expect(nextOf(suspecting(201, { mostAtOnce: 40 }), true)).toHaveLength(40)
    expect(nextOf(suspecting(5), true)).toEqual(names(5))
  })

  it('is the other half where the first lived, and the first again where it died; the others are in no hurry', () => {
    const lived = suspecting(4)
    lived.lived(tried(lived))
    expect([nextOf(lived), lived.suspectCount]).toEqual([['F2'], 2])
    const died = suspecting(4)
    died.died(tried(died), 0, 0)
    expect([nextOf(died), died.suspectCount]).toEqual([['F0'], 4])
    died.lived(tried(died))
    // It is the other of the two, and it takes two deaths alone.
    expect(nextOf(died)).toEqual(['F1'])
    died.died(tried(died), 0, 0)
    expect(died.sentenceOf('F1')).toBeUndefined()
    died.died(tried(died), 5, 7)
    expect(died.sentenceOf('F1')).toEqual({ sinceUnixMs: 7, kills: 2, pauseMs: 60_000, nextMs: 60_005 })
    expect([nextOf(died), died.isSuspect('F1'), died.isAway('F1')]).toEqual([['F2', 'F3'], false, true])
    died.lived(tried(died))
    expect([died.isSearching, died.isIdle]).toEqual([false, false])
  })

  it('is those of a trial that were not answered, where it has died', () => {
    const search = suspecting(8)
    const probe = search.next(0, all, true)!
    search.died(probe, 0, 0, ['F5'])
    expect(nextOf(search, true)).toEqual(['F5'])
    search.died(search.next(0, all, true)!, 0, 0)
    expect(search.sentenceOf('F5')?.kills).toBe(2)
    // Of the rest nothing is known.
    expect(nextOf(search)).toEqual(['F0', 'F1', 'F2', 'F3', 'F4', 'F6', 'F7'])
  })

  it('is less at a time where the answers were wrong or said nothing, twice', () => {
    const search = suspecting(8)
    const miss = () => {
      const probe = search.next(0, all, true)!
      search.died(probe, 0, 0, [])
      return probe.feeds.length
    }
    expect([search.trustsAnswers, miss(), search.trustsAnswers]).toEqual([true, 8, true])
    expect([miss(), search.trustsAnswers]).toEqual([8, false])
    expect(nextOf(search, true)).toHaveLength(4)
    // An answer is not listened to any more.
    search.died(tried(search), 0, 0, ['F0'])
    expect(nextOf(search)).toHaveLength(2)
  })

  it('is less at a time where those that the answers pointed at were innocent, twice; a conviction sets that right', () => {
    const search = suspecting(20)
    const pointAtInnocent = (feed: string) => {
      search.died(search.next(0, all, true)!, 0, 0, [feed])
      search.lived({ feeds: [feed], isReadmission: false })
    }
    pointAtInnocent('F0')
    expect(search.trustsAnswers).toBe(true)
    pointAtInnocent('F1')
    expect(search.trustsAnswers).toBe(false)
    for (let n = 0; n < 2; n++) search.died({ feeds: ['F2'], isReadmission: false }, 0, 0)
    expect([search.sentenceOf('F2')?.kills, search.trustsAnswers]).toEqual([2, true])
  })

  it('is not less for one of several that were pointed at, nor for a trial of one, nor for those that lived later', () => {
    const several = suspecting(20)
    several.died({ feeds: names(20), isReadmission: false }, 0, 0, ['F0', 'F1'])
    for (const feed of ['F0', 'F1']) several.lived({ feeds: [feed], isReadmission: false })
    several.died({ feeds: names(18, 2), isReadmission: false }, 0, 0, ['F2', 'F3'])
    for (const feed of ['F2', 'F3']) several.lived({ feeds: [feed], isReadmission: false })
    expect(several.trustsAnswers).toBe(true)
    const single = suspecting(3)
    for (const feed of names(3)) single.died({ feeds: [feed], isReadmission: false }, 0, 0)
    expect(single.trustsAnswers).toBe(true)
    const whole = suspecting(4)
    whole.died({ feeds: names(4), isReadmission: false }, 0, 0)
    whole.lived({ feeds: names(4), isReadmission: false })
    expect(whole.trustsAnswers).toBe(true)
    for (let n = 0; n < 2; n++) whole.closed(['x', 'y'])
    whole.died({ feeds: ['x', 'y'], isReadmission: false }, 0, 0)
    expect(whole.trustsAnswers).toBe(false)
  })

  it('has no feed that was forgotten during its trial, and goes on with the other groups', () => {
    const search = suspecting(2)
    for (let n = 0; n < 2; n++) search.closed(['x', 'y'])
    const probe = tried(search)
    search.forget(names(2))
    search.died(probe, 0, 0)
    expect([nextOf(search), search.suspectCount]).toEqual([['x'], 2])
    const other = suspecting(33)
    const many = tried(other)
    other.forget(['F0'])
    other.died(many, 0, 0)
    expect(nextOf(other)).toEqual(names(16, 1))
  })

  it('is a group that became suspect during a trial of others, after those of that trial', () => {
    const search = suspecting(33)
    const probe = tried(search)
    for (let n = 0; n < 2; n++) search.closed(['x', 'y'])
    search.died(probe, 0, 0)
    expect(nextOf(search)).toEqual(names(16))
    search.lived({ feeds: names(32), isReadmission: false })
    expect(nextOf(search)).toEqual(['x'])
    search.lived({ feeds: ['x', 'y'], isReadmission: false })
    expect(nextOf(search)).toEqual(['F32'])
  })
})

describe('a trial that proves nothing', () => {
  it('gives all back when it is the second in a row', () => {
    const search = suspecting(4)
    search.provedNothing(tried(search), 0)
    search.lived(tried(search))
    search.provedNothing(tried(search), 0)
    search.died(tried(search), 0, 0)
    search.provedNothing(tried(search), 0)
    expect(search.isSearching).toBe(true)
    search.provedNothing(tried(search), 0)
    expect(search.isIdle).toBe(true)
    // The count begins anew.
    for (let n = 0; n < 2; n++) search.closed(['x'])
    search.provedNothing(tried(search), 0)
    expect(search.isSuspect('x')).toBe(true)
  })

  it('puts off a feed in quarantine by its pause, without a further kill', () => {
    const search = suspecting(1)
    for (let n = 0; n < 2; n++) search.died(tried(search), 0, 7)
    expect([search.next(59_999, all), search.next(60_000, () => false)]).toEqual([undefined, undefined])
    const probe = search.next(60_000, all)!
    expect(probe).toEqual({ feeds: ['F0'], isReadmission: true })
    search.provedNothing(probe, 61_000)
    expect(search.sentenceOf('F0')).toEqual({ sinceUnixMs: 7, kills: 2, pauseMs: 60_000, nextMs: 121_000 })
    search.provedNothing({ feeds: ['other'], isReadmission: true }, 0)
    expect(search.sentenceOf('other')).toBeUndefined()
  })
})

describe('a feed in quarantine', () => {
  it('has one kill more, and a longer pause, for each readmission that ends the connection', () => {
    const search = suspecting(1)
    for (let n = 0; n < 2; n++) search.died(tried(search), 0, 7)
    const readmission = { feeds: ['F0'], isReadmission: true }
    search.died(readmission, 60_000, 9)
    expect(search.sentenceOf('F0')).toEqual({
      sinceUnixMs: 7,
      kills: 3,
      pauseMs: 180_000,
      nextMs: 240_000,
    })
    search.lived(readmission)
    expect([search.sentenceOf('F0'), search.isIdle]).toEqual([undefined, true])
    // It is trusted again, and what it did is forgotten.
    expect([search.closed(['F0']), search.closed(['F0'])]).toEqual([[], []])
  })

  it('is given back its innocence by a life beside others that are tried', () => {
    const search = suspecting(2)
    for (let n = 0; n < 2; n++) search.died({ feeds: ['F0'], isReadmission: false }, 0, 0)
    expect(search.sentenceOf('F0')).toBeDefined()
    search.lived({ feeds: ['F0', 'F1'], isReadmission: false })
    expect(search.isIdle).toBe(true)
  })

  it('RS-1: is one of ten thousand; the first is forgotten for another', async () => {
    metrics.get('boundsOverflow').reset()
    const search = searchOf()
    for (const feed of names(10_001)) search.died({ feeds: [feed], isReadmission: true }, 0, 0)
    expect([search.sentenceOf('F0'), search.sentenceOf('F1')?.kills]).toEqual([undefined, 2])
    expect((await metrics.get('boundsOverflow').get()).values).toMatchObject([
      { labels: { bound: 'quarantined_feeds' }, value: 1 },
    ])
  })

  it('RS-1: takes no more memory than what is known of feeds may; the first are forgotten for others', () => {
    const room = new KnownRoom(200_000)
    const search = new PoisonSearch(undefined, () => room)
    const feeds = names(50).map((name) => name + 'x'.repeat(10_000))
    for (const feed of feeds) search.died({ feeds: [feed], isReadmission: true }, 0, 0)
    const held = feeds.filter((feed) => search.sentenceOf(feed) !== undefined)
    expect(held).toEqual(feeds.slice(-held.length))
    expect(held.length).toBeGreaterThan(0)
    expect(held.length).toBeLessThan(11)
    search.stop()
    expect(search.isIdle).toBe(true)
  })
})
