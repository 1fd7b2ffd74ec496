import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/transports/websocket/batches/ledger'

const SECOND = 1_000
const MINUTE = 60_000

const ledgerOf = (limits: { size?: number; ackWithinMs?: number; firstDataMs?: number } = {}) =>
  new Ledger<string>(
    { size: 100, ackWithinMs: 15 * SECOND, firstDataMs: 15 * SECOND, ...limits },
    (a, b) => a === b,
  )

/** Wants and asks for these symbols. */
const asking = (...symbols: string[]) => {
  const ledger = ledgerOf()
  for (const symbol of symbols) ledger.want(symbol, symbol, 0)
  expect(ledger.orders(0).asks).toEqual([symbols])
  return ledger
}

const dueOf = (ledger: Ledger<string>, now: number) => ledger.orders(now).asks.flat()

describe('what was asked for', () => {
  it('SB-3: is asked for again when there was no answer for a while, each time later and with fewer others', () => {
    const ledger = asking('A', 'B')
    ledger.accepted('B', 1, false)
    ledger.heard('B', 1)
    expect(dueOf(ledger, 14 * SECOND)).toEqual([])
    expect(dueOf(ledger, 15 * SECOND)).toEqual(['A'])
    expect(dueOf(ledger, 29 * SECOND)).toEqual([])
    expect(ledger.reasonFor('A', 29 * SECOND, undefined)).toMatchObject({ code: 'UNANSWERED' })
    const many = asking(...Array.from({ length: 100 }, (_, index) => `${index}`))
    const sizes = [15, 45, 105].map((at) => many.orders(at * SECOND).asks[0]!.length)
    expect(sizes).toEqual([25, 6, 1])
  })

  it('is asked for anew for each feed that joins it, which is no silence', () => {
    const ledger = asking('A')
    ledger.accepted('A', 1, false)
    ledger.heard('A', 1)
    for (const [feed, now] of [
      ['second', 2],
      ['third', 4],
    ] as const) {
      ledger.want('A', feed, now)
      const { asks, ends, silent } = ledger.orders(now)
      expect([asks, ends.length, silent]).toEqual([[['A']], 1, []])
      ledger.accepted('A', now + 1, false)
      expect(ledger.reasonFor('A', now + 1, undefined)?.code).not.toBe('SILENT')
    }
    // It is silent when nothing comes in time.
    expect(ledger.orders(20 * SECOND).asks).toEqual([['A']])
    expect(ledger.reasonFor('A', 20 * SECOND, undefined)?.code).toBe('SILENT')
  })

  it.each([
    [undefined, 'SUBSCRIBE_FAILED'],
    ['symbol', 'SUBSCRIBE_FAILED'],
    ['quota', 'SUBSCRIPTION_LIMIT'],
  ] as const)('SB-3: has the reason %s of the provider when it is refused, as %s', (kind, code) => {
    const ledger = asking('A')
    ledger.refused(kind === undefined ? ['A', 'no'] : ['A', 'no', kind], SECOND)
    expect(ledger.reasonFor('A', SECOND, undefined)).toMatchObject({ code, message: 'no' })
  })

  it('ER-4: is asked for again a minute after a refusal, not sooner, and then less and less often', () => {
    const ledger = asking('A')
    expect(ledger.refused(['A', 'no'], SECOND)).toMatchObject({ symbol: 'A', words: 'no' })
    expect(dueOf(ledger, 60 * SECOND)).toEqual([])
    expect(dueOf(ledger, 61 * SECOND)).toEqual(['A'])
    ledger.refused(['A', 'no'], 61 * SECOND)
    expect(dueOf(ledger, 180 * SECOND)).toEqual([])
    expect(dueOf(ledger, 181 * SECOND)).toEqual(['A'])
  })

  it('concerns nobody when it was not asked for', () => {
    const ledger = ledgerOf()
    expect(ledger.refused(['A', 'no'], 0)).toBeUndefined()
    ledger.accepted('A', 0, false)
    expect(ledger.orders(1_000 * SECOND)).toMatchObject({ ends: [], asks: [], says: [] })
  })

  it('is asked for alone where it is not in the whole set, and something was refused', () => {
    const ledger = asking('A', 'B', 'C')
    ledger.accepted('A', 0, false)
    ledger.whole(new Set(['A']), false, 0)
    expect(ledger.isPressed).toBe(false)
    ledger.refused(['B', 'no'], 0)
    ledger.whole(new Set(['A']), true, 0)
    expect(ledger.orders(0).asks).toEqual([['C']])
    ledger.whole(new Set(['A']), true, 1)
    expect(ledger.orders(1).asks).toEqual([])
    expect(['A', 'B', 'C'].map((symbol) => ledger.isUnanswered(symbol))).toEqual([false, false, true])
  })

  it('is asked for alone where it was in the whole set, is not any more, and nothing comes', () => {
    const ledger = asking('A', 'B')
    for (const symbol of ['A', 'B']) ledger.heard(symbol, 0)
    ledger.whole(new Set(), false, 0)
    ledger.heard('B', 1)
    expect(ledger.orders(4 * SECOND).asks).toEqual([])
    expect(ledger.orders(5 * SECOND).asks).toEqual([['A']])
  })

  it('is unsubscribed, unless it was refused', () => {
    const ledger = asking('A', 'B', 'C')
    ledger.accepted('A', 0, false)
    ledger.refused(['B', 'no'], 0)
    for (const symbol of ['A', 'B', 'C', 'D']) ledger.leave(symbol, symbol)
    expect(ledger.orders(0).ends.map(({ symbol }) => symbol)).toEqual(['A', 'C'])
  })

  it('is unsubscribed again when it goes on sending long after', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, false)
    ledger.leave('A', 'A')
    for (const end of ledger.orders(0).ends) ledger.left(end, 0)
    ledger.heard('A', 14 * SECOND)
    expect(ledger.orders(14 * SECOND).ends).toEqual([])
    ledger.heard('A', 15 * SECOND)
    expect(ledger.orders(15 * SECOND).ends).toEqual([{ symbol: 'A', channel: undefined }])
  })

  it('waits where no more messages may be sent', () => {
    const ledger = ledgerOf({ size: 2 })
    for (const symbol of ['A', 'B', 'C', 'D', 'E']) ledger.want(symbol, symbol, 0)
    expect(ledger.orders(0, 1).asks).toEqual([['A', 'B']])
    expect(ledger.isHeldBack).toBe(true)
    expect(ledger.orders(1, 0).asks).toEqual([])
    expect(ledger.orders(2, 9).asks).toEqual([['C', 'D'], ['E']])
    expect(ledger.isHeldBack).toBe(false)
    expect(ledger.orders(15 * SECOND, 1).asks).toEqual([['A']])
    expect(ledger.orders(15 * SECOND + 2, 9).asks).toEqual([['B'], ['C'], ['D'], ['E']])
  })

  it('is subscribed anew where it is left and wanted at once', () => {
    const ledger = asking('A')
    ledger.accepted(['A', 5], 0, false)
    ledger.leave('A', 'A')
    ledger.want('A', 'A', 0)
    expect(ledger.orders(0)).toMatchObject({ ends: [{ symbol: 'A', channel: 5 }], asks: [['A']] })
    ledger.accepted(['A', 6], 0, false)
    expect(ledger.heard(6, 0)?.feeds).toEqual(['A'])
    expect(ledger.heard(5, 0)).toBeUndefined()
  })

  it('is known to be in vain when it was asked for many times', () => {
    const ledger = asking('A')
    const vain = [15, 45, 105, 225].map((at) => ledger.orders(at * SECOND).isVain)
    expect(vain).toEqual([false, false, false, true])
  })

  it('is shared by feeds of the same symbol, and left with the last of them', () => {
    const ledger = ledgerOf()
    ledger.want('A', 'a', 0)
    ledger.want('A', 'other', 0)
    expect(ledger.orders(0).asks).toEqual([['A']])
    ledger.leave('A', 'a')
    expect(ledger.orders(0).ends).toEqual([])
    expect(ledger.heard('A', 0)?.feeds).toEqual(['other'])
    ledger.leave('A', 'other')
    expect(ledger.orders(0).ends).toHaveLength(1)
  })
})

describe('a silent symbol', () => {
  it('is subscribed again alone, less and less often, and named', () => {
    const ledger = asking('A', 'B')
    for (const symbol of ['A', 'B']) ledger.accepted(symbol, 0, false)
    ledger.heard('B', 14 * SECOND)
    expect(ledger.reasonFor('A', 0, undefined)).toMatchObject({ code: 'NO_DATA_YET' })
    expect(ledger.orders(15 * SECOND)).toMatchObject({ ends: [{ symbol: 'A' }], asks: [['A']] })
    expect(ledger.reasonFor('A', 15 * SECOND, undefined)).toMatchObject({
      code: 'SILENT',
      message: 'Subscribed, but no data comes: asked for again once',
    })
    ledger.accepted('A', 15 * SECOND, false)
    expect(dueOf(ledger, 43 * SECOND)).toEqual([])
    expect(dueOf(ledger, 45 * SECOND)).toEqual(['A', 'B'])
    ledger.heard('A', 46 * SECOND)
    expect(ledger.reasonFor('A', 46 * SECOND, undefined)).toBeUndefined()
  })

  it('is known by its own cadence', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, false)
    for (const at of [0, 20, 40]) ledger.heard('A', at * SECOND)
    expect(dueOf(ledger, 119 * SECOND)).toEqual([])
    expect(dueOf(ledger, 120 * SECOND)).toEqual(['A'])
  })

  it('is known within seconds where the provider has something newer', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, false)
    ledger.heard('A', 0)
    ledger.missed('A', SECOND)
    ledger.missed('A', 2 * SECOND)
    expect(dueOf(ledger, 5 * SECOND)).toEqual([])
    expect(dueOf(ledger, 6 * SECOND)).toEqual(['A'])
    ledger.heard('A', 7 * SECOND)
    expect(ledger.reasonFor('A', 7 * SECOND, undefined)).toBeUndefined()
  })
})

describe('channels', () => {
  it('are asked for once, while the answer is awaited and after it', () => {
    const ledger = asking('tA')
    ledger.want('tA', 'tA', 0)
    expect(ledger.orders(0).asks).toEqual([])
    ledger.accepted(['tA', 5], 0, false)
    expect(ledger.heard(5, 0)).toMatchObject({ feeds: ['tA'], state: 'accepted' })
    ledger.want('tA', 'tA', 0)
    expect(ledger.orders(0).asks).toEqual([])
    ledger.leave('tA', 'tA')
    const { ends } = ledger.orders(0)
    expect(ends).toEqual([{ symbol: 'tA', channel: 5 }])
    for (const end of ends) ledger.left(end, 0)
    ledger.want('tA', 'tA', 0)
    expect(ledger.orders(0).asks).toEqual([['tA']])
  })

  it('SB-4: are ended by the answer when they were left before it', () => {
    const ledger = asking('tA')
    ledger.leave('tA', 'tA')
    expect(ledger.orders(0).ends).toEqual([{ symbol: 'tA', channel: undefined }])
    ledger.accepted(['tA', 5], 0, false)
    const { ends } = ledger.orders(0)
    expect(ends).toEqual([{ symbol: 'tA', channel: 5 }])
    for (const end of ends) ledger.left(end, 0)
    ledger.want('tA', 'tA', 0)
    expect(ledger.orders(0).asks).toEqual([['tA']])
  })

  it('SB-4: stay when they were left and wanted again before the answer', () => {
    const ledger = asking('tA')
    ledger.leave('tA', 'tA')
    ledger.orders(0)
    ledger.want('tA', 'tA', 0)
    expect(ledger.orders(0)).toMatchObject({ ends: [], asks: [] })
    ledger.accepted(['tA', 5], 0, false)
    expect(ledger.heard(5, 0)).toMatchObject({ feeds: ['tA'], state: 'accepted' })
  })

  it('SB-4: stay when they were left and wanted again before that was said, and are asked for anew where they were answered', () => {
    const ledger = asking('tA', 'tB')
    ledger.accepted(['tB', 5], 0, false)
    for (const symbol of ['tA', 'tB']) {
      ledger.leave(symbol, symbol)
      ledger.want(symbol, symbol, 0)
    }
    const { ends, asks } = ledger.orders(0)
    expect(ends).toEqual([{ symbol: 'tB', channel: 5 }])
    expect(asks).toEqual([['tB']])
    for (const end of ends) ledger.left(end, 0)
    ledger.accepted(['tA', 6], 1, false)
    ledger.accepted(['tB', 7], 1, false)
    expect([ledger.heard(6, 1)?.feeds, ledger.heard(7, 1)?.feeds]).toEqual([['tA'], ['tB']])
    expect(ledger.orders(1)).toMatchObject({ ends: [], asks: [] })
  })

  it('ER-4: are asked for again a minute after a refusal, if somebody still wants them', () => {
    const ledger = asking('tA', 'tB', 'tC')
    expect(ledger.refused(['tA', 'no'], 0)?.symbol).toBe('tA')
    expect(ledger.refused(['tB', 'no'], 0)?.symbol).toBe('tB')
    ledger.leave('tB', 'tB')
    ledger.leave('tC', 'tC')
    expect(ledger.refused(['tC', 'no'], 0)).toBeUndefined()
    ledger.orders(0)
    expect(dueOf(ledger, MINUTE)).toEqual(['tA'])
    expect(dueOf(ledger, MINUTE)).toEqual([])
    ledger.leave('tA', 'tA')
    expect(ledger.orders(MINUTE).ends).toEqual([{ symbol: 'tA', channel: undefined }])
    ledger.accepted(['tA', 5], MINUTE, false)
    expect(ledger.orders(MINUTE).ends).toEqual([{ symbol: 'tA', channel: 5 }])
  })

  it('are adopted without a number when it can be nobody else’s', () => {
    const ledger = asking('tA', 'tB')
    ledger.accepted(['tB', 1], 0, false)
    ledger.accepted('tA', 0, true)
    expect(ledger.heard(7, 0)?.symbol).toBe('tA')
    expect(ledger.heard(1, 0)?.symbol).toBe('tB')
  })

  it('ID-3: without a number are ended and asked for again where they may be of several', () => {
    const ledger = asking('tA', 'tB')
    ledger.accepted('tA', 0, true)
    ledger.accepted('tB', 0, true)
    expect(ledger.heard(7, 0)).toBeUndefined()
    expect(ledger.heard(7, 0)).toBeUndefined()
    const { ends, asks } = ledger.orders(0)
    expect(ends).toEqual([{ symbol: undefined, channel: 7 }])
    expect(asks).toEqual([])
    for (const end of ends) ledger.left(end, 0)
    ledger.ended(7, 1)
    expect(ledger.orders(1).asks).toEqual([['tA', 'tB']])
    ledger.accepted(['tA', 8], 1, false)
    expect(ledger.heard(8, 1)?.symbol).toBe('tA')
  })

  it('SB-1: are at the server what is wanted here, in whatever order things happen', () => {
    const step = fc.tuple(fc.constantFrom('tA', 'tB'), fc.constantFrom('want', 'leave', 'answer'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ledger = ledgerOf({ size: 1 })
        const wanted = new Set<string>()
        const asked: string[] = []
        const server = new Map<string, number>()
        let lastId = 0
        const send = () => {
          const { ends, asks } = ledger.orders(0)
          for (const end of ends) {
            if (end.channel === undefined) continue
            if (server.get(end.symbol!) === end.channel) server.delete(end.symbol!)
            ledger.left(end, 0)
          }
          asked.push(...asks.flat())
        }
        const answer = (symbol: string) => {
          if (!asked.includes(symbol)) return
          asked.splice(asked.indexOf(symbol), 1)
          server.set(symbol, ++lastId)
          ledger.accepted([symbol, lastId], 0, false)
        }
        for (const [symbol, what] of steps) {
          if (what === 'answer') answer(symbol)
          else if (what === 'want') {
            wanted.add(symbol)
            ledger.want(symbol, symbol, 0)
          } else {
            wanted.delete(symbol)
            ledger.leave(symbol, symbol)
          }
          send()
          expect(new Set(asked).size).toBe(asked.length)
        }
        for (const symbol of [...asked]) answer(symbol)
        send()
        expect(new Set(server.keys())).toEqual(wanted)
      }),
    )
  })
})

describe('what the ledger says is to be done', () => {
  it('is to tell the clients of a refused symbol again, when that is due or another feed joins them', () => {
    const ledger = asking('A')
    const entry = ledger.refused(['A', 'no'], 0)!
    ledger.sayAt(entry, 30 * SECOND)
    expect(ledger.orders(29 * SECOND).says).toEqual([])
    expect(ledger.orders(30 * SECOND).says).toEqual([entry])
    ledger.sayAt(entry, 50 * SECOND)
    ledger.want('A', 'other', 40 * SECOND)
    expect(ledger.orders(40 * SECOND).says).toEqual([entry])
    ledger.heard('A', 41 * SECOND)
    expect(ledger.orders(50 * SECOND).says).toEqual([])
  })

  it('is to unsubscribe first, within what may be sent, and a silent symbol needs two messages', () => {
    const ledger = ledgerOf({ size: 2 })
    for (const symbol of ['A', 'B', 'C']) ledger.want(symbol, symbol, 0)
    ledger.orders(0)
    for (const symbol of ['A', 'B', 'C']) ledger.accepted(symbol, 0, false)
    expect(ledger.orders(15 * SECOND, 1)).toMatchObject({ ends: [], asks: [] })
    expect(ledger.isHeldBack).toBe(true)
    const { ends, asks } = ledger.orders(15 * SECOND, 3)
    expect([ends.map(({ symbol }) => symbol), asks]).toEqual([['A'], [['A']]])
    for (const symbol of ['A', 'B', 'C']) ledger.leave(symbol, symbol)
    for (const symbol of ['D', 'E', 'F']) ledger.want(symbol, symbol, 0)
    const next = ledger.orders(16 * SECOND, 3)
    expect([next.ends.map(({ symbol }) => symbol), next.asks]).toEqual([['A', 'B', 'C'], [['D', 'E']]])
  })

  it('is nothing for a symbol that is left before it was asked for', () => {
    const ledger = ledgerOf()
    ledger.want('A', 'A', 0)
    expect([ledger.isPressed, ledger.wanted().length]).toEqual([true, 1])
    ledger.leave('A', 'A')
    expect(ledger.orders(0)).toEqual({ ends: [], asks: [], says: [], silent: [], isVain: false })
    expect([ledger.isPressed, ledger.wanted()]).toEqual([false, []])
  })

  it('is pressing where something is to be ended, and not where something is due later', () => {
    const ledger = asking('A')
    expect(ledger.isPressed).toBe(false)
    ledger.leave('A', 'A')
    expect(ledger.isPressed).toBe(true)
    expect(ledger.wanted()).toEqual([])
    expect(ledger.reasonFor('A', 0, undefined)).toBeUndefined()
    expect(ledger.reasonFor('of nobody', 0, undefined)).toBeUndefined()
    expect(ledger.isUnanswered('of nobody')).toBe(false)
  })

  it('SB-6: names a symbol as silent when it was asked for again alone in vain, and not before', () => {
    const ledger = asking('A')
    ledger.accepted('A', 0, false)
    expect(ledger.orders(15 * SECOND).silent).toEqual([])
    ledger.accepted('A', 15 * SECOND, false)
    expect(ledger.orders(45 * SECOND).silent.map(({ symbol }) => symbol)).toEqual(['A'])
  })

  it('is to ask again for what the provider has ended by itself, after a while, and for nothing else', () => {
    const ledger = asking('A', 'B')
    ledger.accepted('A', 0, false)
    ledger.heard('A', 0)
    for (const symbol of ['A', 'B', 'C']) ledger.ended(symbol, SECOND)
    expect(dueOf(ledger, 14 * SECOND)).toEqual([])
    expect(dueOf(ledger, 15 * SECOND)).toEqual(['B'])
    expect(dueOf(ledger, 16 * SECOND)).toEqual(['A'])
  })

  it('is to end a channel that another has taken the place of', () => {
    const ledger = asking('tA', 'tB')
    ledger.accepted(['tA', 5], 0, false)
    ledger.accepted(['tA', 5], 0, false)
    expect(ledger.orders(0).ends).toEqual([])
    ledger.accepted(['tA', 6], 0, false)
    expect(ledger.orders(0).ends).toEqual([{ symbol: undefined, channel: 5 }])
    expect([ledger.heard(5, 0), ledger.heard(6, 0)?.symbol]).toEqual([undefined, 'tA'])
    // A number that is given to another symbol is that one's.
    ledger.accepted(['tB', 6], 0, false)
    expect(ledger.heard(6, 0)?.symbol).toBe('tB')
    ledger.leave('tA', 'tA')
    expect(ledger.orders(0).ends).toEqual([{ symbol: 'tA', channel: undefined }])
  })

  it('is to end again what goes on after it was left, less and less often, and five times at most', () => {
    const ledger = asking('tA')
    ledger.accepted(['tA', 5], 0, false)
    ledger.leave('tA', 'tA')
    for (const end of ledger.orders(0).ends) ledger.left(end, 0)
    expect([ledger.isLate('tA'), ledger.isLate(5), ledger.isLate('tB')]).toEqual([true, true, false])
    const ended: number[] = []
    for (let second = 0; second <= 3_600; second++) {
      ledger.heard(5, second * SECOND)
      if (ledger.orders(second * SECOND).ends.length > 0) ended.push(second)
    }
    expect(ended).toEqual([15, 45, 105, 225])
    ledger.ended(5, 0)
    expect(ledger.isLate(5)).toBe(false)
  })
})
