import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Merge, type MergeOptions } from '../../src/feeds/merge'
import { type Observation } from '../../src/feeds/observation'
import { Patience } from '../../src/feeds/patience'
import { preferred } from '../../src/feeds/preference'
import { type AdapterResponse } from '../../src/feeds/responses'

const NOW = 1_700_000_000_000

const observations = fc
  .array(
    fc.record({
      timeUnixMs: fc.integer({ min: NOW, max: NOW + 3 }),
      isTimed: fc.boolean(),
      isWell: fc.boolean(),
      tier: fc.constantFrom(0, 1),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map((one, rank) => ({
      observation: {
        ...one,
        hasProviderTime: one.isTimed,
        rank,
        expiresAt: 0,
        heardAt: 0,
      } as unknown as Observation,
      ...one,
    })),
  )

const at = (unixMs: number) => ({ unixMs, monotonicMs: unixMs })

describe('which of several values is preferred', () => {
  it('FO-4: does not depend on their order', () => {
    fc.assert(
      fc.property(observations, fc.infiniteStream(fc.nat()), (all, order) => {
        const of = {
          isHealthy: ({ rank }: Observation) => all[rank]!.isWell,
          tierOf: (rank: number) => all[rank]!.tier,
        }
        const values = all.map(({ observation }) => observation)
        const shuffled = values
          .map((value) => ({ value, place: order.next().value }))
          .sort((a, b) => a.place - b.place)
          .map(({ value }) => value)
        expect(preferred(shuffled, of)).toBe(preferred(values, of))
      }),
    )
  })

  it('is that of the later time where all have one, else of the better tier and rank that is well', () => {
    const one = (rank: number, timeUnixMs: number, isTimed: boolean) =>
      ({
        rank,
        timeUnixMs,
        isTimed,
        hasProviderTime: isTimed,
        expiresAt: 0,
        heardAt: 0,
      }) as unknown as Observation
    const rankOf = (values: Observation[], ill: number[] = [], tiers: number[] = [0, 0, 0]) =>
      preferred(values, {
        isHealthy: ({ rank }) => !ill.includes(rank),
        tierOf: (rank) => tiers[rank]!,
      })?.rank
    expect(rankOf([])).toBeUndefined()
    expect(rankOf([one(1, NOW, false)], [1])).toBe(1)
    const timed = [one(0, NOW, true), one(1, NOW + 2, true), one(2, NOW + 1, true)]
    expect(rankOf(timed, [1], [0, 1, 0])).toBe(1)
    const untimed = [one(2, NOW + 9, false), one(1, NOW + 5, false), one(0, NOW, false)]
    expect(rankOf(untimed)).toBe(0)
    expect(rankOf(untimed, [0])).toBe(1)
    expect(rankOf(untimed, [], [1, 1, 0])).toBe(2)
    expect(rankOf(untimed.toReversed(), [], [1, 1, 0])).toBe(2)
    expect(rankOf(untimed, [], [1, 0, 0])).toBe(1)
    expect(rankOf(untimed, [0, 1, 2])).toBe(2)
    const mixed = [one(0, NOW + 9, false), one(1, NOW, true), one(2, NOW + 1, true)]
    expect(rankOf(mixed)).toBe(2)
    expect(rankOf(mixed, [], [0, 1, 1])).toBe(0)
    expect(rankOf(mixed, [1, 2])).toBe(0)
    expect(rankOf(mixed, [0])).toBe(2)
  })

  it('is never that of a source that is not well where one without times is', () => {
    fc.assert(
      fc.property(observations, (all) => {
        const of = {
          isHealthy: ({ rank }: Observation) => all[rank]!.isWell,
          tierOf: (rank: number) => all[rank]!.tier,
        }
        const chosen = preferred(
          all.map(({ observation }) => observation),
          of,
        )!
        if (!chosen.isTimed && all.some(({ isWell }) => isWell)) expect(all[chosen.rank]!.isWell).toBe(true)
      }),
    )
  })
})

describe('several sources without times', () => {
  const merged = (options: Partial<MergeOptions> = {}) => {
    const merge = new Merge(['ws', 'rest'], options)
    let stored: AdapterResponse | undefined
    const say = (rank: number, result: number | string, now: number) => {
      const timestamps = {
        providerDataRequestedUnixMs: now - 1,
        providerDataReceivedUnixMs: now,
        providerIndicatedTimeUnixMs: undefined,
      }
      const response: AdapterResponse =
        typeof result === 'number'
          ? { result, data: {}, statusCode: 200, timestamps }
          : { errorMessage: result, statusCode: 502, timestamps }
      const decision = merge.offer({ key: 'feed', rank, response, ttlMs: 90_000 }, stored, at(now))
      stored = decision?.value ?? stored
      return stored?.result ?? stored?.errorMessage
    }
    return { merge, say }
  }

  it('TM-4: the better one is served for as long as it is well, and not in turn with the other', () => {
    const { say } = merged({ silenceMs: 30_000 })
    expect(say(1, 1, NOW)).toBe(1)
    expect(say(0, 2, NOW + 1)).toBe(2)
    for (let n = 0; n < 10; n++) expect(say(1, 10 + n, NOW + 2 + n)).toBe(2)
    expect(say(0, 3, NOW + 20)).toBe(3)
  })

  it('the other one steps in when the better one falls silent, and back it goes', () => {
    const { say, merge } = merged({ silenceMs: 30_000 })
    say(0, 2, NOW)
    expect(say(1, 1, NOW + 29_999)).toBe(2)
    expect(merge.isHealthy('feed', 0, at(NOW + 29_999))).toBe(true)
    expect(merge.isHealthy('feed', 0, at(NOW + 30_000))).toBe(false)
    expect(say(1, 1, NOW + 30_000)).toBe(1)
    expect(say(0, 3, NOW + 30_001)).toBe(3)
    expect(say(1, 4, NOW + 30_002)).toBe(3)
  })

  it('a word that the value still holds is no silence', () => {
    const { say, merge } = merged({ silenceMs: 30_000 })
    say(0, 2, NOW)
    merge.extend('feed', 0, 90_000, at(NOW + 20_000))
    expect(say(1, 1, NOW + 40_000)).toBe(2)
  })

  it('the other one steps in when the better one says an error, or has lost its connection', () => {
    let isDown = false
    const outage = { code: 'CONNECTION_CLOSED', message: 'gone', sinceUnixMs: NOW }
    const { say } = merged({ outageOf: (rank) => (rank === 0 && isDown ? outage : undefined) })
    say(0, 2, NOW)
    isDown = true
    expect(say(1, 1, NOW + 1)).toBe(1)
    isDown = false
    expect(say(0, 3, NOW + 2)).toBe(3)
    say(0, 'not listed', NOW + 3)
    expect(say(1, 4, NOW + 4)).toBe(4)
  })

  it('that one is yet to be heard of, as it says itself, is nothing wrong with it', () => {
    const outage = { code: 'NO_DATA_YET', message: 'wait', sinceUnixMs: NOW }
    const { say } = merged({ outageOf: () => outage })
    say(0, 2, NOW)
    expect(say(1, 1, NOW + 1)).toBe(2)
  })

  it('18.5: an error waits for the source that has said nothing, for so long', () => {
    const patience = new Patience(1_000, () => {})
    const { say, merge } = merged({ patience })
    expect(say(1, 'down', NOW)).toBeUndefined()
    expect(merge.giveUp('feed', at(NOW + 1_000))).toMatchObject({ errorMessage: 'down', statusCode: 502 })
    expect(say(1, 'still down', NOW + 1_001)).toBe('still down')
    patience.stop()
  })

  it('18.5, FO-7: an error waits no longer than for the other error', () => {
    const patience = new Patience(1_000, () => {})
    const { say } = merged({ patience })
    expect(say(1, 'down', NOW)).toBeUndefined()
    const at = new Date(NOW).toISOString()
    expect(say(0, 'down', NOW)).toBe(`ws: down (502, ${at}); rest: down (502, ${at})`)
    patience.stop()
  })

  it('17.4: nothing is given up where there is a value', () => {
    const patience = new Patience(1_000, () => {})
    const { say, merge } = merged({ patience })
    say(1, 'down', NOW)
    expect(say(0, 2, NOW + 1)).toBe(2)
    expect(merge.giveUp('feed', at(NOW + 2))).toBeUndefined()
    expect(merge.giveUp('another', at(NOW + 2))).toBeUndefined()
    patience.stop()
  })
})
