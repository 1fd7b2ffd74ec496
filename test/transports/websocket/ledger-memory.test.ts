import { beforeAll, describe, expect, it } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { Ledger } from '../../../src/transports/websocket/batches/ledger'

const SECOND = 1_000
const ACK_MS = 15 * SECOND
const FIRST_MS = 20 * SECOND

beforeAll(() => metrics.initialize())

const ledgerOf = (size = 100) =>
  new Ledger<string>({ size, ackWithinMs: ACK_MS, firstDataMs: FIRST_MS }, (a, b) => a === b)

/** Wants and asks for these symbols. */
const asking = (...symbols: string[]) => {
  const ledger = ledgerOf()
  for (const symbol of symbols) ledger.want(symbol, symbol, 0)
  expect(ledger.orders(0).asks).toEqual([symbols])
  return ledger
}

/** All that is wanted has been accepted. */
const accepted = (...symbols: string[]) => {
  const ledger = asking(...symbols)
  for (const symbol of symbols) ledger.accepted(symbol, 0, false)
  return ledger
}

/** At which seconds it is asked for, where nothing is answered. */
const askedAt = (ledger: Ledger<string>, symbol: string, from: number, to: number, step = 1) => {
  const seconds: number[] = []
  for (let second = from; second <= to; second += step)
    if (
      ledger
        .orders(second * SECOND)
        .asks.flat()
        .includes(symbol)
    )
      seconds.push(second)
  return seconds
}

const leave = (ledger: Ledger<string>, symbol: string, now = 0) => {
  ledger.leave(symbol, symbol)
  const { ends } = ledger.orders(now)
  for (const end of ends) ledger.left(end, now)
  return ends
}

describe('when a symbol is asked for', () => {
  it('is ever later while it is not answered, and from the fifth time on every quarter of an hour', () => {
    const ledger = asking('A')
    expect(askedAt(ledger, 'A', 1, 3_000)).toEqual([15, 45, 105, 225, 1_125, 2_025, 2_925])
  })

  it('is ever later while it is refused, and from the fifth time on every quarter of an hour', () => {
    const ledger = asking('A')
    const pauses: number[] = []
    for (let now = 0, n = 0; n < 6; n++) {
      expect(ledger.refused(['A', 'no'], now * SECOND)?.words).toBe('no')
      const [at] = askedAt(ledger, 'A', now + 1, now + 1_000)
      pauses.push(at! - now)
      now = at!
    }
    expect(pauses).toEqual([60, 120, 240, 480, 900, 900])
  })

  it('counts refusals and silences anew after a value', () => {
    const ledger = asking('A')
    ledger.refused(['A', 'no'], 0)
    ledger.orders(60 * SECOND)
    ledger.heard('A', 60 * SECOND)
    ledger.refused(['A', 'no'], 60 * SECOND)
    expect(askedAt(ledger, 'A', 61, 300)).toEqual([120, 135, 165, 225])
  })

  it('counts refusals anew after it was accepted', () => {
    const ledger = asking('A')
    ledger.refused(['A', 'no'], 0)
    ledger.orders(60 * SECOND)
    ledger.accepted('A', 60 * SECOND, false)
    ledger.refused(['A', 'no'], 61 * SECOND)
    expect(askedAt(ledger, 'A', 62, 122)).toEqual([121])
  })

  it('is a first-data time after it was accepted, and twice that after each time that it was asked for again', () => {
    const ledger = accepted('A')
    expect(askedAt(ledger, 'A', 1, 20)).toEqual([20])
    ledger.accepted('A', 20 * SECOND, false)
    expect(askedAt(ledger, 'A', 21, 60)).toEqual([60])
    ledger.accepted('A', 60 * SECOND, false)
    expect(askedAt(ledger, 'A', 61, 140)).toEqual([140])
  })

  it('is four of its own pauses after the last value, which are forgotten by a tenth with each value', () => {
    const ledger = accepted('A')
    ledger.heard('A', 0)
    ledger.heard('A', 100 * SECOND)
    // The pause of 100 seconds counts for 81 after two quick values.
    for (const second of [101, 102]) ledger.heard('A', second * SECOND)
    expect(askedAt(ledger, 'A', 103, 426)).toEqual([426])
  })

  it('is not sooner than twice the first-data time, nor later than a quarter of an hour, after the last value', () => {
    const quick = accepted('A')
    for (const second of [1, 2, 3]) quick.heard('A', second * SECOND)
    expect(askedAt(quick, 'A', 4, 43)).toEqual([43])
    const slow = accepted('A')
    for (const second of [0, 1_000]) slow.heard('A', second * SECOND)
    expect(askedAt(slow, 'A', 1_001, 1_900)).toEqual([1_900])
  })

  it('is five seconds after the provider had something newer, and twice that where it was silent before', () => {
    const ledger = accepted('A')
    ledger.heard('A', 0)
    ledger.missed('A', SECOND)
    expect(ledger.reasonFor('A', SECOND, undefined)).toBeUndefined()
    expect(askedAt(ledger, 'A', 1, 6)).toEqual([6])
    ledger.accepted('A', 6 * SECOND, false)
    ledger.missed('A', 7 * SECOND)
    expect(ledger.reasonFor('A', 7 * SECOND, undefined)?.message).toContain(
      'although there is something newer',
    )
    expect(askedAt(ledger, 'A', 7, 17)).toEqual([17])
  })

  it('is not put off by what is missing, and not brought about by it where it is not accepted', () => {
    const ledger = accepted('A')
    ledger.missed('A', 18 * SECOND)
    ledger.missed('of nobody', 18 * SECOND)
    expect(askedAt(ledger, 'A', 18, 30)).toEqual([20])
    ledger.missed('A', 21 * SECOND)
    expect(askedAt(ledger, 'A', 21, 34)).toEqual([])
  })

  it('is when it is due, with other symbols only where each is asked for the first time', () => {
    const ledger = asking('A', 'B')
    ledger.want('C', 'C', ACK_MS)
    ledger.want('D', 'D', ACK_MS)
    expect(ledger.orders(ACK_MS).asks).toEqual([
      ['A', 'B'],
      ['C', 'D'],
    ])
    ledger.refused(['A', 'no'], ACK_MS)
    ledger.refused(['B', 'no'], ACK_MS)
    expect(ledger.orders(ACK_MS + 60 * SECOND).asks).toContainEqual(['A'])
  })
})

describe('a symbol that is left', () => {
  it('and wanted again after that was sent, is taken for asked for, and asked for when no answer comes', () => {
    const ledger = accepted('A')
    ledger.leave('A', 'A')
    ledger.orders(0)
    ledger.want('A', 'A', 10 * SECOND)
    expect([ledger.isUnanswered('A'), ledger.wanted()[0]?.feeds]).toEqual([true, ['A']])
    expect(askedAt(ledger, 'A', 10, 25)).toEqual([25])
  })

  it('and wanted again before it was answered or unsubscribed, stays as it is', () => {
    const ledger = asking('A', 'B')
    for (const symbol of ['A', 'B']) ledger.leave(symbol, symbol)
    ledger.want('A', 'A', SECOND)
    const { ends, asks } = ledger.orders(SECOND)
    expect([ends, asks]).toEqual([[{ symbol: 'B', channel: undefined }], []])
    expect(askedAt(ledger, 'A', 2, 16)).toEqual([16])
  })

  it('is not late any more when it is wanted again', () => {
    const ledger = accepted('A')
    leave(ledger, 'A')
    expect(ledger.isLate('A')).toBe(true)
    ledger.want('A', 'A', 0)
    expect(ledger.isLate('A')).toBe(false)
  })

  it('is unsubscribed once more when it is accepted after that, and given up when it is refused', () => {
    const ledger = asking('A', 'B')
    for (const symbol of ['A', 'B']) ledger.leave(symbol, symbol)
    ledger.orders(0)
    expect(ledger.accepted('A', 0, false)?.symbol).toBe('A')
    expect(ledger.orders(0).ends).toEqual([{ symbol: 'A', channel: undefined }])
    expect(ledger.refused(['B', 'no'], 0)).toBeUndefined()
    ledger.want('B', 'B', 0)
    expect(ledger.orders(0).asks).toEqual([['B']])
  })

  it('stays left where only a channel of it was given up', () => {
    const ledger = accepted('A')
    ledger.left({ symbol: undefined, channel: 7 }, 0)
    expect([ledger.isLate(7), ledger.wanted().length]).toEqual([true, 1])
    ledger.left({ symbol: 'A', channel: undefined }, 0)
    expect([ledger.isLate('A'), ledger.wanted().length]).toEqual([false, 1])
  })

  it('is unsubscribed again when the provider says that it is subscribed, though nobody asked', () => {
    const ledger = accepted('A')
    leave(ledger, 'A')
    expect(ledger.accepted('A', ACK_MS - 1, false)).toBeUndefined()
    expect(ledger.orders(ACK_MS - 1).ends).toEqual([])
    ledger.accepted('A', ACK_MS, false)
    expect(ledger.orders(ACK_MS).ends).toEqual([{ symbol: 'A', channel: undefined }])
  })

  it('RS-1: is remembered of ten thousand, the last ones', async () => {
    metrics.get('boundsOverflow').reset()
    const ledger = ledgerOf()
    for (let n = 0; n <= 10_000; n++) {
      ledger.want(`S${n}`, `S${n}`, 0)
      ledger.orders(0)
      leave(ledger, `S${n}`)
    }
    expect([ledger.isLate('S0'), ledger.isLate('S1'), ledger.isLate('S10000')]).toEqual([false, true, true])
    expect((await metrics.get('boundsOverflow').get()).values).toMatchObject([
      { labels: { bound: 'left_symbols' }, value: 1 },
    ])
  })
})

describe('a channel of nobody', () => {
  it('is ended again when it goes on, but not before an answer could have come', () => {
    const ledger = asking('A', 'B')
    for (const symbol of ['A', 'B']) ledger.accepted(symbol, 0, true)
    const endsAt = (now: number) => {
      expect(ledger.heard(7, now)).toBeUndefined()
      return ledger.orders(now).ends
    }
    const end = { symbol: undefined, channel: 7 }
    expect([endsAt(0), endsAt(ACK_MS - 1), endsAt(ACK_MS)]).toEqual([[end], [], [end]])
  })

  it('is not ended where every symbol has the number of its channel', () => {
    const ledger = asking('A')
    ledger.accepted(['A', 1], 0, true)
    expect([ledger.heard(7, 0), ledger.orders(0).ends]).toEqual([undefined, []])
  })

  it('is not adopted where a symbol is still to be answered that it may be of', () => {
    const ledger = asking('A', 'B')
    ledger.accepted('A', 0, true)
    expect(ledger.heard(7, 0)).toBeUndefined()
    ledger.refused(['B', 'no'], 0)
    expect(ledger.heard(7, 0)?.symbol).toBe('A')
  })

  it('is not adopted by a symbol that was not said to be subscribed', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, false)
    expect(ledger.heard(7, 0)).toBeUndefined()
  })

  it('is adopted by the one that is being left, and ended with it', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, true)
    ledger.leave('A', 'A')
    ledger.orders(0)
    expect(ledger.heard(7, 0)?.symbol).toBe('A')
    expect(ledger.orders(0).ends).toEqual([{ symbol: 'A', channel: 7 }])
  })

  it('is adopted by nobody after the number of each is known, or it was asked for anew', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, true)
    ledger.accepted(['A', 5], 0, false)
    ledger.ended(5, 0)
    ledger.orders(ACK_MS)
    expect([ledger.heard(7, ACK_MS), ledger.orders(ACK_MS).ends]).toEqual([undefined, []])
  })

  it('that is ended has those asked for again that are wanted and may be it', () => {
    const ledger = asking('A', 'B', 'C')
    for (const symbol of ['A', 'B', 'C']) ledger.accepted(symbol, 0, true)
    ledger.heard(7, 0)
    ledger.leave('C', 'C')
    ledger.orders(0)
    ledger.ended(8, 0)
    expect(ledger.orders(0).asks).toEqual([])
    ledger.ended(7, 0)
    expect(ledger.orders(0).asks).toEqual([['A', 'B']])
    ledger.ended(7, 0)
    expect(ledger.orders(0).asks).toEqual([])
  })
})

describe('what is said of a refused symbol', () => {
  it('is said when that is due, be there nothing to ask for, and once where it is due once', () => {
    const ledger = asking('A')
    const entry = ledger.refused(['A', 'no', 'quota'], 0)!
    expect(ledger.reasonFor('A', 0, undefined)).toMatchObject({ code: 'SUBSCRIPTION_LIMIT', message: 'no' })
    ledger.sayAt(entry, 10 * SECOND)
    expect(ledger.orders(10 * SECOND).says).toEqual([entry])
    ledger.sayAt(entry, 30 * SECOND)
    expect([ledger.orders(20 * SECOND).says, ledger.orders(30 * SECOND).says]).toEqual([[], [entry]])
  })

  it('is not said any more once it was accepted', () => {
    const ledger = asking('A')
    ledger.sayAt(ledger.refused(['A', 'no'], 0)!, 70 * SECOND)
    ledger.orders(60 * SECOND)
    ledger.accepted('A', 61 * SECOND, false)
    expect(ledger.orders(70 * SECOND).says).toEqual([])
  })

  it('takes the words as text, whatever they are', () => {
    const ledger = asking('A')
    expect(ledger.refused(['A', 5 as never], 0)).toMatchObject({ words: '5', kind: 'symbol' })
  })
})

describe('what may be sent', () => {
  it('is less by the messages that unsubscribe', () => {
    const ledger = ledgerOf(2)
    for (const symbol of ['A', 'B', 'C']) ledger.want(symbol, symbol, 0)
    ledger.orders(0)
    for (const symbol of ['A', 'B', 'C']) {
      ledger.accepted(symbol, 0, false)
      ledger.leave(symbol, symbol)
    }
    for (const symbol of ['D', 'E', 'F']) ledger.want(symbol, symbol, 0)
    expect(ledger.orders(0, 4).asks).toEqual([['D', 'E'], ['F']])
    for (const symbol of ['G', 'H', 'I']) ledger.want(symbol, symbol, 0)
    expect(ledger.orders(0, 1).asks).toEqual([['G', 'H']])
    expect([ledger.isHeldBack, ledger.isPressed]).toEqual([true, false])
    expect(ledger.orders(0, 1).asks).toEqual([['I']])
  })

  it('is nothing before anything is due', () => {
    const ledger = asking('A')
    expect(ledger.orders(ACK_MS - 1)).toEqual({ ends: [], asks: [], says: [], silent: [], isVain: false })
  })
})
