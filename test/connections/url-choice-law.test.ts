import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { choiceOf, DWELL_MS, MAX_PAUSE_MS, MAX_REST_MS } from './url-choice-support'

/** No attempt and no probe takes longer. */
const TIMEOUT_MS = 10_000
/** The law's figure: what the pauses leave room for. */
const RETURN_AFTER_MS = DWELL_MS + MAX_PAUSE_MS + 2 * TIMEOUT_MS

/** When an endpoint is up, and how long an attempt at it takes to succeed, or to fail. */
const schedule = fc.record({
  startsUp: fc.boolean(),
  flipsAfterMs: fc.array(fc.integer({ min: 500, max: 1_500_000 }), { maxLength: 12 }),
  attemptMs: fc.integer({ min: 0, max: TIMEOUT_MS }),
})
type Schedule = typeof schedule extends fc.Arbitrary<infer S> ? S : never

interface Spell {
  url: string
  from: number
  to: number
}

/** When each of them was up, until the end. */
const upSpells = (url: string, { startsUp, flipsAfterMs }: Schedule, endMs: number): Spell[] => {
  const spells: Spell[] = []
  let [at, isUp] = [0, startsUp]
  for (const ms of [...flipsAfterMs, endMs]) {
    const to = Math.min(at + ms, endMs)
    if (isUp) spells.push({ url, from: at, to })
    at = to
    isUp = !isUp
  }
  return spells
}

const PASS_MS = 250
const END_MS = 3 * 3_600_000
/** Half a rest, at least, by the jitter. */
const LEAST_REST_MS = 50

interface Play {
  used: Spell[]
  attempts: { url: string; from: number; to: number; isProbe: boolean; failed: boolean }[]
  switches: number[]
}

/**
 * Plays a transport: it looks at every pass, opens what it is told to, notices at once when its endpoint goes down, and probes.
 *
 * @param isBeside - whether a connection that is open goes on until the one that it is left for is open
 */
const play = (schedules: Schedule[], draws: () => number, isBeside = false): Play & { up: Spell[] } => {
  const urls = schedules.map((_, n) => `u${n}`)
  const up = urls.flatMap((url, n) => upSpells(url, schedules[n]!, END_MS))
  const isUp = (url: string, at: number) => up.some((s) => s.url === url && s.from <= at && at < s.to)
  const attemptMs = (url: string) => schedules[urls.indexOf(url)]!.attemptMs
  const choice = choiceOf(urls, draws)
  const seen: Play = { used: [], attempts: [], switches: [] }
  let open: Spell | undefined
  let opening: { url: string; from: number } | undefined
  let probing: { url: string; from: number } | undefined
  let moving: { url: string; from: number } | undefined
  for (let now = 0; now < END_MS; now += PASS_MS) {
    if (probing !== undefined && now >= probing.from + attemptMs(probing.url)) {
      const isGood = isUp(probing.url, now)
      seen.attempts.push({ ...probing, to: now, isProbe: true, failed: !isGood })
      choice.probed(isGood, now)
      probing = undefined
    }
    if (open !== undefined && !isUp(open.url, now)) {
      const livedMs = now - open.from
      seen.used.push({ ...open, to: now })
      choice.failed(open.url, now, { reason: 'closed', livedMs, wasUseful: livedMs > 1_000 })
      open = undefined
    }
    if (open === undefined) moving = undefined
    if (open !== undefined && moving !== undefined && now >= moving.from + attemptMs(moving.url)) {
      const isGood = isUp(moving.url, now)
      seen.attempts.push({ ...moving, to: now, isProbe: false, failed: !isGood })
      if (isGood) {
        seen.used.push({ ...open, to: now })
        open = { url: moving.url, from: now, to: now }
        if (choice.use(moving.url, now) !== undefined) seen.switches.push(now)
      } else choice.failed(moving.url, now, { reason: 'failed' })
      moving = undefined
    }
    if (opening !== undefined && now >= opening.from + attemptMs(opening.url)) {
      const isGood = isUp(opening.url, now)
      seen.attempts.push({ ...opening, to: now, isProbe: false, failed: !isGood })
      if (isGood) open = { url: opening.url, from: now, to: now }
      else choice.failed(opening.url, now, { reason: 'failed' })
      opening = undefined
    }
    if (opening !== undefined || moving !== undefined) continue
    const { url, waitMs } = choice.choose(now)
    if (open?.url === url) {
      const probe = choice.probe(now)
      if (probe !== undefined) probing = { url: probe, from: now }
      continue
    }
    if (waitMs > 0) continue
    if (isBeside && open !== undefined) {
      moving = { url, from: now }
      continue
    }
    if (open !== undefined) seen.used.push({ ...open, to: now })
    open = undefined
    if (choice.use(url, now) !== undefined) seen.switches.push(now)
    opening = { url, from: now }
  }
  if (open !== undefined) seen.used.push({ ...open, to: END_MS })
  return { ...seen, up }
}

/** Every time at which all of the spells hold, longest first. */
const overlap = (a: Spell, b: Spell) => Math.min(a.to, b.to) - Math.max(a.from, b.from)

const stories = fc.tuple(fc.array(schedule, { minLength: 2, maxLength: 4 }), fc.nat(), fc.boolean())

/** Draws in [0, 1) that a seed gives. */
const drawsOf = (seed: number) => () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31

/** A rest of each endpoint, and an attempt at each of them. */
const SETTLE_MS = (endpoints: number) => MAX_REST_MS + (endpoints + 1) * (TIMEOUT_MS + PASS_MS)

describe('FO-1: under any schedule of two to four endpoints, whether or not a move breaks first', () => {
  const holds = (check: (of: Play & { up: Spell[] }, endpoints: number) => void) =>
    fc.assert(
      fc.property(stories, ([schedules, seed, isBeside]) => {
        check(play(schedules, drawsOf(seed), isBeside), schedules.length)
      }),
      { numRuns: 60 },
    )

  it('a healthy endpoint is in use once one has been healthy for long enough', () => {
    holds(({ up, used }, endpoints) => {
      const settle = SETTLE_MS(endpoints)
      for (const spell of up) {
        if (spell.to - spell.from <= settle) continue
        for (let at = spell.from + settle; at < spell.to; at += 5_000) {
          const isServed = used.some((one) => at - settle <= one.to && one.from <= at)
          expect(isServed, `${spell.url} is up at ${at}, and nothing is in use`).toBe(true)
        }
      }
    })
  })

  it('a better endpoint that is healthy is regained in time', () => {
    holds(({ up, used }) => {
      for (const worse of used)
        for (const better of up)
          if (better.url < worse.url) expect(overlap(worse, better)).toBeLessThanOrEqual(RETURN_AFTER_MS)
    })
  })

  it('switches are bounded, no endpoint is tried faster than it may be, and the first is the first', () => {
    holds(({ attempts, switches }, endpoints) => {
      expect(attempts[0]?.url ?? 'u0').toBe('u0')
      const hours = END_MS / 3_600_000
      // One rest after every attempt, and the few short ones in the beginning of each dwell time.
      expect(switches.length).toBeLessThanOrEqual(hours * endpoints * ((3_600_000 / DWELL_MS) * 4))
      const last = new Map<string, number>()
      for (const { url, from, to, failed } of attempts) {
        const before = last.get(url)
        if (before !== undefined) expect(from - before).toBeGreaterThanOrEqual(LEAST_REST_MS)
        if (failed) last.set(url, to)
        else last.delete(url)
      }
    })
  })
})
