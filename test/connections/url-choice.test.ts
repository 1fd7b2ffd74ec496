import { describe, expect, it } from 'vitest'
import { UrlChoice } from '../../src/connections/url-choice'
import { exponentialBackoff } from '../../src/util/backoff'
import { choiceOf, DWELL_MS, MAX_PAUSE_MS } from './url-choice-support'

describe('which URL is used', () => {
  it('is the first one at first, and for as long as it works', () => {
    const choice = choiceOf(['a', 'b'])
    expect(choice.choose(0)).toEqual({ url: 'a', waitMs: 0 })
    choice.use('a', 0)
    expect(choice.choose(1e9)).toEqual({ url: 'a', waitMs: 0 })
    expect(choice.probe(1e9)).toBeUndefined()
  })

  it('is the next one after a failure, and the first one again after its dwell time and a good probe', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 10, { reason: 'failed' })
    expect(choice.choose(10)).toEqual({ url: 'b', waitMs: 0 })
    expect(choice.use('b', 10)).toBe('a')
    expect(choice.leaveReason).toBe('failed')
    expect(choice.probe(DWELL_MS + 9)).toBeUndefined()
    expect(choice.probe(DWELL_MS + 10)).toBe('a')
    // There is one probe at a time.
    expect(choice.probe(DWELL_MS + 11)).toBeUndefined()
    choice.probed(false, DWELL_MS + 1_000)
    expect(choice.choose(DWELL_MS + 1_000).url).toBe('b')
    expect(choice.probe(3 * DWELL_MS + 9)).toBeUndefined()
    expect(choice.probe(3 * DWELL_MS + 10)).toBe('a')
    choice.probed(true, 3 * DWELL_MS + 20)
    expect(choice.choose(3 * DWELL_MS + 20)).toEqual({ url: 'a', waitMs: 0 })
    expect(choice.use('a', 3 * DWELL_MS + 20)).toBe('b')
    expect(choice.leaveReason).toBe('returned')
  })

  it('stays the same when a useful connection closes, until that happens too often', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    const close = (at: number) =>
      choice.failed('a', at, { reason: 'closed', livedMs: DWELL_MS, wasUseful: true })
    choice.use('a', 0)
    close(DWELL_MS)
    expect(choice.choose(DWELL_MS)).toEqual({ url: 'a', waitMs: 50 })
    choice.use('a', DWELL_MS + 50)
    close(DWELL_MS + 1_050)
    expect(choice.choose(DWELL_MS + 1_050).url).toBe('b')
  })

  it('is none of those that failed a moment ago: each rests first', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'failed' })
    choice.use('b', 0)
    choice.failed('b', 0, { reason: 'failed' })
    expect(choice.choose(0)).toEqual({ url: 'a', waitMs: 50 })
    expect(choice.choose(50)).toEqual({ url: 'a', waitMs: 0 })
    choice.use('a', 50)
    choice.failed('a', 50, { reason: 'failed' })
    expect(choice.choose(50)).toEqual({ url: 'b', waitMs: 0 })
  })

  it('follows the list: a URL that was taken off it is left at once, and what is known of the others stays', () => {
    const choice = choiceOf(['a', 'b', 'c'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'failed' })
    choice.use('b', 0)
    choice.list(['a', 'c'], 10)
    expect(choice.choose(10).url).toBe('c')
    choice.use('c', 10)
    expect(choice.leaveReason).toBe('withdrawn')
    choice.failed('b', 11, { reason: 'closed' })
    expect(choice.choose(11).url).toBe('c')
  })

  it('does not go to and fro when the order of the list changes all the time', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('a', 0)
    let switches = 0
    for (let now = 0; now < 60 * DWELL_MS; now += 1_000) {
      choice.list(now % 2_000 === 0 ? ['a', 'b'] : ['b', 'a'], now)
      if (choice.probe(now) !== undefined) choice.probed(true, now)
      if (choice.use(choice.choose(now).url, now) !== undefined) switches++
    }
    expect(switches).toBeGreaterThan(0)
    expect(switches).toBeLessThanOrEqual(60)
  })
})

describe('what is known of a URL', () => {
  /** Uses a URL that then fails. */
  const lose = (choice: UrlChoice, url: string, at: number, livedMs?: number) => {
    choice.use(url, at)
    choice.failed(url, at, { reason: 'failed', ...(livedMs !== undefined && { livedMs }) })
  }

  it('is its own pause, which grows with each failure until a connection has lived for a dwell time', () => {
    const choice = choiceOf(['a'], () => 0)
    const restAfter = (livedMs?: number) => {
      lose(choice, 'a', 0, livedMs)
      return choice.choose(0).waitMs
    }
    expect([restAfter(), restAfter(), restAfter(DWELL_MS - 1)]).toEqual([50, 250, 1_250])
    expect([restAfter(DWELL_MS), restAfter()]).toEqual([50, 250])
  })

  it('is forgotten by half in each dwell time, and after four of them however bad it was', () => {
    const urlAt = (failures: number, at: number) => {
      const choice = choiceOf(['a', 'b', 'c'], () => 0)
      for (let n = 0; n < failures; n++) lose(choice, 'a', 0)
      lose(choice, 'b', at)
      return choice.choose(at).url
    }
    expect([urlAt(1, DWELL_MS), urlAt(1, DWELL_MS + 1)]).toEqual(['c', 'a'])
    expect([urlAt(2, 2 * DWELL_MS), urlAt(2, 2 * DWELL_MS + 1)]).toEqual(['c', 'a'])
    expect([urlAt(99, 3 * DWELL_MS), urlAt(99, 3 * DWELL_MS + 1)]).toEqual(['c', 'a'])
  })

  it('is that it may be returned to ever later, and sooner again after a long life', () => {
    const pauses = (random: number, of: { maxPauseMs: number } = { maxPauseMs: MAX_PAUSE_MS }) => {
      const choice = new UrlChoice({
        dwellMs: DWELL_MS,
        ...of,
        backoff: exponentialBackoff({ minMs: 1, maxMs: 1, factor: 1 }),
        random: () => random,
      })
      choice.list(['a', 'b'], 0)
      lose(choice, 'a', 0)
      choice.use('b', 0)
      const ends: number[] = []
      for (let now = 0; ends.length < 4; now += 1_000) {
        if (choice.probe(now) === undefined) continue
        ends.push(now / 1_000)
        choice.probed(false, now)
      }
      const seconds = ends.map((end, n) => end - (ends[n - 1] ?? 0))
      const last = ends.at(-1)! * 1_000
      // It was in use for as long as no pause is, and is therefore good again.
      choice.failed('a', last, { reason: 'closed', livedMs: of.maxPauseMs })
      const next = Array.from({ length: 300 }, (_, n) => n).find((n) => choice.probe(last + n * 1_000))
      return [...seconds, next]
    }
    expect(pauses(0)).toEqual([60, 120, 160, 160, 60])
    expect(pauses(1)).toEqual([75, 150, 200, 200, 75])
    expect(pauses(0, { maxPauseMs: DWELL_MS })).toEqual([60, 60, 60, 60, 60])
  })

  it('is that it has failed again and again, without a long life: it is returned to later', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    for (let n = 0; n < 3; n++) lose(choice, 'a', 0, MAX_PAUSE_MS - 1)
    choice.use('b', 0)
    expect([choice.probe(159_999), choice.probe(160_000)]).toEqual([undefined, 'a'])
  })

  it('is for how long it rests: of those that do, the first to be ready is next, and who is ready goes before all', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    for (let n = 0; n < 2; n++) lose(choice, 'a', 0)
    lose(choice, 'b', 10)
    expect(choice.choose(10)).toEqual({ url: 'b', waitMs: 50 })
    expect(choice.choose(100)).toEqual({ url: 'b', waitMs: 0 })
    expect(choice.choose(250)).toEqual({ url: 'a', waitMs: 0 })
  })

  it('is when it was tried: of those that are ready, the one that was tried longest ago is next', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('b', 0)
    choice.use('a', 5)
    for (const url of ['a', 'b']) choice.failed(url, 10, { reason: 'failed' })
    expect(choice.choose(60)).toEqual({ url: 'b', waitMs: 0 })
  })

  it('is nothing before it was listed: it is not returned to for a dwell time', () => {
    const choice = choiceOf(['b'], () => 0)
    choice.use('b', 0)
    choice.list(['a', 'b'], 500_000)
    expect(choice.probe(500_000 + DWELL_MS - 1)).toBeUndefined()
    expect(choice.probe(500_000 + DWELL_MS)).toBe('a')
  })

  it('is that it was never tried: then it is tried before those that were', () => {
    const choice = choiceOf(['a', 'b', 'c'], () => 0)
    lose(choice, 'a', 0)
    lose(choice, 'b', 0)
    choice.failed('c', 0, { reason: 'failed' })
    expect(choice.choose(60)).toEqual({ url: 'c', waitMs: 0 })
  })
})

describe('the list of URLs', () => {
  it('may get longer and shorter at its end, and name a URL twice', () => {
    const choice = choiceOf(['a', 'a', 'b'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'failed' })
    expect(choice.choose(0).url).toBe('b')
    choice.list(['a'], 0)
    expect(choice.choose(0)).toEqual({ url: 'a', waitMs: 50 })
    choice.list(['a', 'c'], 0)
    expect(choice.choose(0)).toEqual({ url: 'c', waitMs: 0 })
  })

  it('is followed where one of it is another, and none is probed before one is in use', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    expect(choice.probe(9 * DWELL_MS)).toBeUndefined()
    choice.use('a', 0)
    choice.list(['a', 'c'], 0)
    choice.failed('a', 0, { reason: 'failed' })
    expect(choice.choose(0).url).toBe('c')
  })

  it('knows nothing of others: they are neither used nor blamed', () => {
    const choice = choiceOf(['a'])
    choice.use('a', 0)
    expect(choice.use('b', 1)).toBeUndefined()
    choice.failed('b', 1, { reason: 'closed' })
    choice.probed(true, 1)
    expect([choice.choose(1), choice.leaveReason]).toEqual([{ url: 'a', waitMs: 0 }, 'withdrawn'])
  })

  it('takes with it what is to be moved to, or is being probed', () => {
    for (const isProbed of [true, false]) {
      const choice = choiceOf(['a', 'b'], () => 0)
      choice.use('a', 0)
      choice.failed('a', 0, { reason: 'failed' })
      choice.use('b', 0)
      expect(choice.probe(DWELL_MS)).toBe('a')
      if (isProbed) choice.probed(true, DWELL_MS)
      choice.list(['b'], DWELL_MS)
      if (!isProbed) choice.probed(true, DWELL_MS)
      expect(choice.choose(DWELL_MS).url).toBe('b')
    }
  })
})

describe('a move to a better URL', () => {
  /** In use is the second URL, and the first is being probed. */
  const probing = (urls = ['a', 'b']) => {
    const choice = choiceOf(urls, () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'failed' })
    choice.use('b', 0)
    expect(choice.probe(DWELL_MS)).toBe('a')
    return choice
  }

  it('is not to be made before it was tried, is made once, and is followed by no probe', () => {
    const choice = probing()
    choice.probed(true, DWELL_MS)
    expect(choice.choose(DWELL_MS).url).toBe('a')
    expect(choice.probe(2 * DWELL_MS)).toBeUndefined()
    expect([choice.use('a', DWELL_MS), choice.use('a', DWELL_MS)]).toEqual(['b', undefined])
    expect(choice.choose(DWELL_MS)).toEqual({ url: 'a', waitMs: 0 })
  })

  it('is not made where the better one fails meanwhile: that in use goes on, and the move is no reason to leave it', () => {
    const choice = probing()
    choice.probed(true, DWELL_MS)
    choice.failed('a', DWELL_MS, { reason: 'closed' })
    expect([choice.choose(DWELL_MS).url, choice.leaveReason]).toEqual(['b', 'failed'])
    // The next probe is not blocked by what was to be moved to.
    expect(choice.probe(9 * DWELL_MS)).toBe('a')
  })

  it('is not made where that in use has failed: the good one is chosen, without a wait', () => {
    const choice = probing()
    choice.failed('b', DWELL_MS, { reason: 'unresponsive' })
    // While it is being probed it is not dialled as well.
    expect(choice.choose(DWELL_MS)).toEqual({ url: 'b', waitMs: 50 })
    expect(choice.probe(DWELL_MS)).toBeUndefined()
    choice.probed(true, DWELL_MS)
    expect(choice.choose(DWELL_MS)).toEqual({ url: 'a', waitMs: 0 })
    expect([choice.use('a', DWELL_MS), choice.leaveReason]).toEqual(['b', 'unresponsive'])
  })

  it('is not made where the order has changed, so that it is the worse one', () => {
    const choice = probing()
    choice.list(['b', 'a'], DWELL_MS)
    choice.probed(true, DWELL_MS)
    expect(choice.choose(DWELL_MS).url).toBe('b')
  })

  it('takes the one that is being probed where the list has no other, and looks for better ones later', () => {
    const choice = probing()
    choice.list(['a'], DWELL_MS)
    expect(choice.choose(DWELL_MS).url).toBe('a')
    choice.use('a', DWELL_MS)
    choice.probed(true, DWELL_MS)
    choice.list(['c', 'a'], DWELL_MS)
    expect(choice.probe(2 * DWELL_MS)).toBe('c')
  })

  it('is still to be made when the list changes, or another fails, that it has nothing to do with', () => {
    const choice = probing(['a', 'b', 'c'])
    choice.probed(true, DWELL_MS)
    choice.failed('c', DWELL_MS, { reason: 'failed' })
    choice.list(['a', 'b'], DWELL_MS)
    expect(choice.choose(DWELL_MS).url).toBe('a')
  })

  it('is not looked for before the one in use has been so for a dwell time', () => {
    const choice = choiceOf(['a', 'b', 'c'], () => 0)
    for (const [url, at] of [
      ['a', 0],
      ['b', 50_000],
    ] as const) {
      choice.use(url, at)
      choice.failed(url, at, { reason: 'failed' })
    }
    choice.use('c', 50_000)
    expect(choice.probe(50_000 + DWELL_MS - 1)).toBeUndefined()
    expect(choice.probe(50_000 + DWELL_MS)).toBe('a')
  })

  it('is not followed by one back for a dwell time, though the order changes', () => {
    const choice = probing()
    choice.probed(true, DWELL_MS)
    choice.use('a', DWELL_MS)
    choice.list(['b', 'a'], DWELL_MS)
    expect(choice.probe(2 * DWELL_MS - 1)).toBeUndefined()
    expect(choice.probe(2 * DWELL_MS)).toBe('b')
  })

  it('is looked for a dwell time after the first failure, however often the one in use is opened again', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'failed' })
    choice.use('b', 0)
    choice.failed('b', 30_000, { reason: 'closed', livedMs: 30_000, wasUseful: true })
    expect(choice.probe(DWELL_MS)).toBeUndefined()
    expect(choice.use('b', 31_000)).toBeUndefined()
    expect(choice.use('b', 32_000)).toBeUndefined()
    expect([choice.leaveReason, choice.probe(DWELL_MS)]).toEqual(['closed', 'a'])
  })

  it('has the reason for which the one in use was left first', () => {
    const choice = choiceOf(['a', 'b'], () => 0)
    choice.use('a', 0)
    choice.failed('a', 0, { reason: 'unresponsive' })
    choice.failed('a', 1, { reason: 'failed' })
    expect(choice.leaveReason).toBe('unresponsive')
  })
})
