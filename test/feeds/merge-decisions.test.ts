import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Merge, type MergeOptions, type SourceSwitch } from '../../src/feeds/merge'
import { Patience } from '../../src/feeds/patience'
import { type AdapterResponse } from '../../src/feeds/responses'

const NOW = 1_700_000_000_000
const TTL = 90_000
const NAMES = ['ws', 'rest', 'backup']

/** What a source sends at a time. `t` is the provider's time; all of them are relative to the start. */
interface Said {
  at?: number
  result?: number
  error?: string
  t?: number
  received?: number
  requested?: number
  ttlMs?: number
  from?: string
}

const moment = (at: number) => ({ unixMs: NOW + at, monotonicMs: at })

const responseOf = ({ at = 0, result, error, t, received = at, requested, from }: Said): AdapterResponse => {
  const timestamps = {
    ...(requested === undefined
      ? { providerDataStreamEstablishedUnixMs: NOW }
      : { providerDataRequestedUnixMs: requested }),
    providerDataReceivedUnixMs: NOW + received,
    providerIndicatedTimeUnixMs: t === undefined ? undefined : NOW + t,
  }
  const meta = from === undefined ? {} : { meta: { adapterName: 'TEST', metrics: {}, transportName: from } }
  return (error === undefined
    ? { result, data: { result }, statusCode: 200, timestamps, ...meta }
    : { errorMessage: error, statusCode: 502, timestamps, ...meta }) as unknown as AdapterResponse
}

/** A merge, and a cache that has what it decides. */
const merged = (options: Partial<MergeOptions> = {}) => {
  const switches: Omit<SourceSwitch, 'key'>[] = []
  const merge = new Merge(NAMES, {
    onSwitch: ({ key, ...move }) => {
      expect(key).toBe('feed')
      switches.push(move)
    },
    ...options,
  })
  const store: { value: AdapterResponse | undefined } = { value: undefined }
  const offer = (rank: number, said: Said, key = 'feed') => {
    const { at = 0, ttlMs = TTL } = said
    const decision = merge.offer({ key, rank, response: responseOf(said), ttlMs }, store.value, moment(at))
    store.value = decision?.value ?? store.value
    return decision
  }
  const served = () => store.value?.result ?? store.value?.errorMessage
  const say = (rank: number, said: Said) => {
    offer(rank, said)
    return served()
  }
  return { merge, store, offer, say, served, switches }
}

describe('what a merge wants to have stored', () => {
  it('is nothing where what is served stays: a confirmation only prolongs it, and only that of its own source', () => {
    const { offer } = merged()
    expect(offer(0, { result: 6, t: 0 })).toMatchObject({ value: { result: 6 }, ttlMs: TTL })
    expect(offer(1, { result: 5, t: -1 })).toBeUndefined()
    expect(offer(1, { result: 5, t: -1, at: 10 })).toBeUndefined()
    expect(offer(0, { result: 6, t: 0, at: 20, ttlMs: 50 })).toEqual({ value: undefined, ttlMs: 50 })
    expect(offer(0, { error: 'down', at: 30 })).toBeUndefined()
  })

  it('is nothing where another source without times speaks', () => {
    const { offer } = merged()
    offer(0, { result: 6 })
    expect(offer(1, { result: 5, at: 1 })).toBeUndefined()
  })

  it('FR-2: is nothing for an older value, even if it is the same price', () => {
    const { offer, merge } = merged()
    offer(0, { result: 6, t: 0 })
    expect(offer(0, { result: 6, t: -1, at: 10 })).toBeUndefined()
    expect(merge.valueOf('feed', 0, moment(TTL))).toBeUndefined()
  })

  it('TM-1: is nothing for a value without a time that was received before the last one', () => {
    const { say } = merged()
    say(0, { result: 6, at: 10 })
    expect(say(0, { result: 5, at: 11, received: 9 })).toBe(6)
  })

  it('TM-4: is the later of two values of one millisecond, too, where the source gave a time once', () => {
    const { say } = merged()
    say(0, { result: 6, t: 0 })
    expect(say(0, { result: 7, at: 5 })).toBe(7)
    expect(say(0, { result: 8, at: 5 })).toBe(8)
    expect(say(1, { result: 1, at: 5, t: 4 })).toBe(8)
  })

  it('TM-1: is nothing older than what is still stored, though its source had nothing live any more', () => {
    const { say } = merged()
    say(0, { result: 6, t: 0, ttlMs: 10 })
    expect(say(0, { result: 5, t: -5, at: 20 })).toBe(6)
  })

  it('TM-4: is nothing of a worse source at an equal time, though the better one had nothing live any more', () => {
    const { say } = merged()
    say(0, { result: 6, t: 0, ttlMs: 10 })
    expect(say(1, { result: 5, t: 0, at: 20 })).toBe(6)
  })

  it('is an error that may not be stored for any time, too, for those who wait', () => {
    expect(merged().offer(0, { error: 'down', ttlMs: 0 })).toMatchObject({ value: { errorMessage: 'down' } })
  })

  it('FO-7: is an error with what is wrong with the connections of those who said nothing', () => {
    const outage = { code: 'CONNECTION_CLOSED', message: 'gone', sinceUnixMs: NOW - 1_000 }
    const { say } = merged({ outageOf: (rank) => (rank === 0 ? outage : undefined) })
    const [since, at] = [NOW - 1_000, NOW].map((ms) => new Date(ms).toISOString())
    expect(say(1, { error: 'down' })).toBe(`ws: gone (CONNECTION_CLOSED, ${since}); rest: down (502, ${at})`)
  })
})

describe('what was stored by an earlier process', () => {
  it.each([
    { from: 'ws', by: 'the same source', rank: 0 },
    { from: 'ws', by: 'a worse one', rank: 1 },
    { from: 'somebody', by: 'any', rank: 0 },
  ])('TM-4: is not replaced by $by at an equal time', ({ from, rank }) => {
    const { store, offer, served } = merged()
    store.value = responseOf({ result: 6, t: 0, from })
    expect(offer(rank, { result: 7, t: 0 })).toBeUndefined()
    expect(served()).toBe(6)
  })

  it('TM-4: is replaced by a better one at an equal time', () => {
    const { store, say } = merged()
    store.value = responseOf({ result: 6, t: 0, from: 'rest' })
    expect(say(2, { result: 5, t: 0 })).toBe(6)
    expect(say(0, { result: 7, t: 0 })).toBe(7)
  })

  it('TM-1: is not replaced by what was received before it, where there are no times', () => {
    const { store, say } = merged()
    store.value = responseOf({ result: 6, at: 10 })
    expect(say(0, { result: 5, at: 11, received: 9 })).toBe(6)
    expect(say(0, { result: 7, at: 12 })).toBe(7)
  })

  it('is prolonged by its own source alone, with the same time', () => {
    const twice = (from: string, rank: number, t: number) => {
      const { store, offer } = merged()
      store.value = responseOf({ result: 6, t: 0, from })
      offer(rank, { result: 6, t })
      return offer(rank, { result: 6, t, at: 10, ttlMs: 500 })
    }
    expect(twice('ws', 0, 0)).toEqual({ value: undefined, ttlMs: 500 })
    expect(twice('ws', 0, -1)).toBeUndefined()
    expect(twice('ws', 1, 0)).toBeUndefined()
    expect(twice('somebody', 0, 0)).toBeUndefined()
  })

  it('17.4: is not replaced by an error, where it is a value', () => {
    const { store, say } = merged()
    store.value = responseOf({ result: 6, t: 0, from: 'ws' })
    expect(say(0, { error: 'down' })).toBe(6)
  })
})

describe('what a merge remembers', () => {
  it('is nothing of feeds and sources that have sent nothing, or whose value is over', () => {
    const { merge, offer } = merged()
    const all = (rank: number, at: number) => [
      merge.valueOf('feed', rank, moment(at)) !== undefined,
      merge.isHealthy('feed', rank, moment(at)),
      merge.extend('feed', rank, 10, moment(at)),
    ]
    expect([merge.knows('feed'), all(0, 0)]).toEqual([false, [false, false, false]])
    offer(0, { result: 6, t: 0, ttlMs: 100 })
    expect([merge.knows('feed'), all(0, 90), all(1, 90)]).toEqual([
      true,
      [true, true, true],
      [false, false, false],
    ])
    expect(all(0, 100)).toEqual([false, false, false])
    merge.forget('feed')
    expect(merge.knows('feed')).toBe(false)
  })

  it('lasts as long as the last of it was prolonged to', () => {
    const { merge, offer } = merged()
    offer(0, { result: 6, t: 0, ttlMs: 100 })
    merge.extend('feed', 0, 1_000, moment(50))
    merge.extend('feed', 0, 10, moment(60))
    offer(0, { result: 1, t: 0, at: 900 }, 'another')
    expect(merge.knows('feed')).toBe(true)
    offer(0, { result: 1, t: 0, at: 1_050 }, 'another')
    expect(merge.knows('feed')).toBe(false)
  })

  it('is that a value is stored, unless its decision is withdrawn', () => {
    const { merge, offer } = merged()
    offer(0, { result: 6, t: 0, ttlMs: 100 })
    expect([merge.expectsStored('feed', moment(99)), merge.expectsStored('feed', moment(100))]).toEqual([
      true,
      false,
    ])
    merge.withdraw('unknown')
    merge.withdraw('feed')
    expect(merge.expectsStored('feed', moment(0))).toBe(false)
  })
})

describe('FO-8: a move from one source to another', () => {
  const PREFERRED = 'preferred'
  const FAILED = 'failed'

  it('is none with the first value, and with those of one source', () => {
    const { say, switches } = merged()
    for (let at = 0; at < 3; at++) say(0, { result: at, at })
    say(1, { result: 9, at: 3 })
    expect(switches).toEqual([])
  })

  it('is told as one to a preferred source, where the former is well', () => {
    const { say, switches } = merged()
    say(1, { result: 5 })
    say(0, { result: 6, at: 1 })
    expect(switches).toEqual([{ from: 1, to: 0, reason: PREFERRED }])
  })

  it('is none between two sources that are well and give times: the later one is served', () => {
    const { say, switches } = merged()
    for (let at = 0; at < 6; at++) expect(say(at % 2, { result: at, t: at, at })).toBe(at)
    expect(switches).toEqual([])
  })

  it('is one where only one of the two gives times', () => {
    const one = merged()
    one.say(0, { result: 5 })
    expect(one.say(1, { result: 6, t: 1, at: 1 })).toBe(6)
    const other = merged({ tierOf: (rank) => rank })
    other.say(1, { result: 5, t: 0 })
    expect(other.say(0, { result: 6, at: 1 })).toBe(6)
    expect([...one.switches, ...other.switches]).toEqual([
      { from: 0, to: 1, reason: PREFERRED },
      { from: 1, to: 0, reason: PREFERRED },
    ])
  })

  it.each([undefined, 0])('is told as a failure where the former is silent, with the time %s', (t) => {
    const { say, switches } = merged({ silenceMs: 1_000 })
    say(0, { result: 5, t })
    expect(say(1, { result: 6, at: 1_000, t: t === undefined ? undefined : 1_000 })).toBe(6)
    expect(switches).toEqual([{ from: 0, to: 1, reason: FAILED }])
  })

  it('is told as a failure where the value of the former is over', () => {
    const { say, switches } = merged()
    say(0, { result: 5, t: 0, ttlMs: 10 })
    say(1, { result: 4, t: -1 })
    expect(say(1, { result: 6, t: 20, at: 20 })).toBe(6)
    expect(switches).toEqual([{ from: 0, to: 1, reason: FAILED }])
  })
})

describe('18.5: an error that is held back', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const held = () => {
    const over: string[] = []
    const patience = new Patience(1_000, (key) => over.push(key))
    return { ...merged({ patience }), over }
  }

  it('is held for so long from its request on, where it was sent and that is known', () => {
    const heldMs = (requested: number | undefined) => {
      const { say, over } = held()
      const isHeld = say(1, { error: 'down', requested }) === undefined
      for (let ms = 0; ms <= 1_000; ms += 100) {
        if (!isHeld || over.length > 0) return ms
        vi.advanceTimersByTime(100)
      }
      return Infinity
    }
    expect(heldMs(NOW - 400)).toBe(600)
    expect(heldMs(NOW - 1_000)).toBe(0)
    expect(heldMs(NOW + 400)).toBe(1_000)
    expect(heldMs(0)).toBe(1_000)
    expect(heldMs(undefined)).toBe(1_000)
  })

  it('is not where every source has sent something before, be it a value that is over', () => {
    const { say, store } = held()
    expect(say(0, { error: 'down' })).toBeUndefined()
    expect(say(1, { result: 5, ttlMs: 100, at: 1 })).toBe(5)
    expect(say(2, { error: 'off', at: 2 })).toBe(5)
    store.value = undefined
    expect(say(0, { error: 'down again', at: 200 })).toContain('down again')
  })

  it('is not in place of another error, nor after one was served', () => {
    const one = held()
    one.store.value = responseOf({ error: 'of an earlier process' })
    expect(one.say(0, { error: 'down' })).toBe('down')
    const other = held()
    expect(other.say(0, { error: 'late', requested: NOW - 5_000 })).toBe('late')
    other.store.value = undefined
    expect(other.say(0, { error: 'soon', requested: NOW + 9, at: 10 })).toBe('soon')
    expect(vi.getTimerCount()).toBe(0)
  })
})
