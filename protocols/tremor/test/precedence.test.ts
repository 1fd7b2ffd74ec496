import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Claim, Precedence } from '../precedence'

const FRESH_MS = 1_000

const claim = (of: Partial<Claim>): Claim => ({ peer: 'a', rank: 1, timeUnixMs: 100, receivedAt: 0, ...of })

const after = (first: Claim, next: Claim): boolean => {
  const precedence = new Precedence(FRESH_MS)
  const feed = {}
  precedence.note(feed, first)
  return precedence.admits(feed, next)
}

describe('which of several peers fills a feed', () => {
  it('lets the better rank in at once, and keeps the worse out while the better is fresh', () => {
    const good = claim({ peer: 'good', rank: 1 })
    const other = claim({ peer: 'other', rank: 2, timeUnixMs: 500 })
    expect(after(other, { ...good, receivedAt: 1 })).toBe(true)
    expect(after(good, { ...other, receivedAt: FRESH_MS - 1 })).toBe(false)
    expect(after(good, { ...other, receivedAt: FRESH_MS })).toBe(true)
  })

  it('lets the newer provider time in between equal ranks', () => {
    const first = claim({ peer: 'b', timeUnixMs: 100 })
    expect(after(first, claim({ peer: 'c', timeUnixMs: 101 }))).toBe(true)
    expect(after(first, claim({ peer: 'c', timeUnixMs: 99 }))).toBe(false)
  })

  it('TM-4: equal ranks and times are decided the same way in either order', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, two) => {
        fc.pre(one !== two)
        const ends = [
          [one, two],
          [two, one],
        ].map(([first = '', second = '']) =>
          after(claim({ peer: first }), claim({ peer: second })) ? second : first,
        )
        expect(ends[0]).toBe(ends[1])
      }),
    )
  })

  it('never holds back a peer that is alone', () => {
    expect(after(claim({ timeUnixMs: 100 }), claim({ timeUnixMs: 50 }))).toBe(true)
    expect(new Precedence(FRESH_MS).admits({}, claim({}))).toBe(true)
  })

  it('TM-6: a clock that was set back keeps nobody out', () => {
    expect(after(claim({ receivedAt: 10_000 }), claim({ peer: 'b', rank: 9, receivedAt: 0 }))).toBe(true)
  })

  it('keeps feeds apart', () => {
    const precedence = new Precedence(FRESH_MS)
    precedence.note({}, claim({}))
    expect(precedence.admits({}, claim({ peer: 'z', rank: 2 }))).toBe(true)
  })
})
