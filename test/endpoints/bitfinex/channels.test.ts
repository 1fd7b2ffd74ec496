import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Channels } from '../../../endpoints/bitfinex/channels'

const MINUTE = 60_000

describe('channels', () => {
  it('are asked for once, while the answer is awaited and after it', () => {
    const channels = new Channels<string>()
    expect(channels.want('tA', 'a', 0)).toBe(true)
    expect(channels.want('tA', 'a', 0)).toBe(false)
    expect(channels.opened('tA', 5, 0)).toMatchObject({ params: 'a', isWanted: true })
    expect(channels.want('tA', 'a', 0)).toBe(false)
    expect(channels.leave('tA')).toBe(5)
    expect(channels.want('tA', 'a', 0)).toBe(true)
  })

  it('SB-4: are ended by the answer when they were left before it', () => {
    const channels = new Channels<string>()
    channels.want('tA', 'a', 0)
    expect(channels.leave('tA')).toBeUndefined()
    expect(channels.opened('tA', 5, 0)).toMatchObject({ isWanted: false })
    expect(channels.want('tA', 'a', 0)).toBe(true)
  })

  it('SB-4: stay when they were left and wanted again before the answer', () => {
    const channels = new Channels<string>()
    channels.want('tA', 'a', 0)
    channels.leave('tA')
    expect(channels.want('tA', 'a', 0)).toBe(false)
    expect(channels.opened('tA', 5, 0)).toMatchObject({ isWanted: true })
  })

  it('ER-4: are asked for again a minute after a refusal, if somebody still wants them', () => {
    const channels = new Channels<string>()
    for (const symbol of ['tA', 'tB', 'tC']) channels.want(symbol, symbol, 0)
    expect(channels.refused('tA', 0)).toBe('tA')
    expect(channels.refused('tB', 0)).toBe('tB')
    channels.leave('tB')
    channels.leave('tC')
    expect(channels.refused('tC', 0)).toBeUndefined()
    expect(channels.takeDue(MINUTE)).toEqual(['tA'])
    expect(channels.takeDue(MINUTE)).toEqual([])
    expect(channels.leave('tA')).toBeUndefined()
    expect(channels.opened('tA', 5, MINUTE)).toMatchObject({ isWanted: false })
  })

  it('SB-1: are at the server what is wanted here, in whatever order things happen', () => {
    const step = fc.tuple(fc.constantFrom('tA', 'tB'), fc.constantFrom('want', 'leave', 'answer'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const channels = new Channels<string>()
        const wanted = new Set<string>()
        const asked: string[] = []
        const server = new Map<string, number>()
        let lastId = 0
        const answer = (symbol: string) => {
          if (!asked.includes(symbol)) return
          asked.splice(asked.indexOf(symbol), 1)
          server.set(symbol, ++lastId)
          if (channels.opened(symbol, lastId, 0)?.isWanted !== true) server.delete(symbol)
        }
        for (const [symbol, what] of steps) {
          if (what === 'answer') answer(symbol)
          else if (what === 'want') {
            wanted.add(symbol)
            if (channels.want(symbol, symbol, 0)) asked.push(symbol)
          } else {
            wanted.delete(symbol)
            const id = channels.leave(symbol)
            if (id !== undefined && server.get(symbol) === id) server.delete(symbol)
          }
          expect(new Set(asked).size).toBe(asked.length)
        }
        for (const symbol of [...asked]) answer(symbol)
        expect(new Set(server.keys())).toEqual(wanted)
      }),
    )
  })
})
