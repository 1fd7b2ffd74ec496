import { expect, it } from 'vitest'
import { logged } from '../transports/websocket/support'
import { poll, symbolsOf } from './adapter'
import { type HttpVenue, mostIn } from './http-venue'
import { HOUR, MINUTE, play } from './play'

const SYMBOLS = symbolsOf(8)
const DAY = 24 * HOUR
const MAX_AGE_MS = 60_000
/** Not enough for all of them. What was spent before the start is not known, so half of it is for the first day: until noon. */
const A_DAY = 7_200
const START_SHARE = 0.5
const A_MINUTE = 10
const ENV = { RATE_LIMITING_STRATEGY: 'burst', CACHE_MAX_AGE: '60000' }

it('Quota day: what the provider allows in a day is used up by half of it, never exceeded, and said at once; the next day goes on', async () => {
  let venue!: HttpVenue
  await play(
    {
      seed: 8,
      maxAgeMs: MAX_AGE_MS,
      declared: {
        env: ENV,
        tiers: { free: { rateLimit1m: A_MINUTE, rateLimit1d: A_DAY, startShare: START_SHARE } },
      },
      endpoints: ({ httpVenue }) => ({ price: poll((venue = httpVenue('quota')).url) }),
    },
    async ({ time, client, until }) => {
      await client.askAll(SYMBOLS)
      // After the first pass.
      await time.pass(3 * MINUTE)
      // RL-8: said before anything is stale.
      const said = logged.filter(({ level }) => level === 'warn').map(({ text }) => text)
      expect(said).toEqual(expect.arrayContaining([expect.stringMatching(/room for/)]))
      const seen = { morning: 0, evening: 0, named: 0, next: 0, asked: 0 }
      await until(DAY + 4 * HOUR, 2 * MINUTE, async () => {
        const at = time.elapsedMs
        const fresh = await client.askAll(SYMBOLS)
        if (at < 11 * HOUR) seen.morning += fresh
        else if (at > 14 * HOUR && at < DAY) {
          seen.evening += fresh
          const { reason } = await client.ask(SYMBOLS[0]!)
          // A request that began to wait after its value had ended leaves the reason at that.
          if (reason?.class === 'quota' || reason?.class === 'stale') seen.named++
          seen.asked++
        } else if (at > DAY + HOUR) seen.next += fresh
      })
      expect(seen.morning).toBeGreaterThan(11 * 30 * SYMBOLS.length * 0.5)
      expect(seen.evening).toBe(0)
      expect(seen.named).toBe(seen.asked)
      expect(seen.next).toBeGreaterThan(3 * 30 * SYMBOLS.length * 0.5)
      expect(mostIn(venue.asked, DAY)).toBeLessThanOrEqual(A_DAY)
      expect(venue.asked.filter(({ atMs }) => atMs < DAY).length).toBe(A_DAY * START_SHARE)
      expect(mostIn(venue.asked, MINUTE)).toBeLessThanOrEqual(A_MINUTE)
    },
  )
}, 600_000)

it('RL-1: Quota day: a provider that refuses from noon on is asked no more before the time that it names', async () => {
  let venue!: HttpVenue
  await play(
    {
      seed: 9,
      maxAgeMs: MAX_AGE_MS,
      declared: { env: ENV, tiers: { free: { rateLimit1m: A_MINUTE } } },
      endpoints: ({ httpVenue }) => ({ price: poll((venue = httpVenue('noon')).url) }),
    },
    async ({ time, client, until }) => {
      const [noonMs, openMs] = [12 * HOUR, 12.9 * HOUR]
      venue.refuses = () => {
        const at = time.elapsedMs
        const isOver = at >= noonMs && at < openMs
        return isOver ? { status: 429, retryAfter: String(Math.ceil((openMs - at) / 1_000)) } : undefined
      }
      const seen = { quota: 0, asked: 0, next: 0 }
      await until(14 * HOUR, MINUTE, async () => {
        const at = time.elapsedMs
        const fresh = await client.askAll(SYMBOLS)
        if (at > noonMs + 2 * MINUTE && at < openMs) {
          const { reason } = await client.ask(SYMBOLS[0]!)
          if (reason?.class === 'quota') seen.quota++
          seen.asked++
        } else if (at > openMs + 2 * MINUTE) seen.next += fresh
      })
      expect(seen.quota).toBe(seen.asked)
      // What was under way when the first refusal came.
      const refused = venue.asked.filter(({ atMs }) => atMs >= noonMs && atMs < openMs)
      expect(refused.length).toBeLessThanOrEqual(SYMBOLS.length)
      expect(seen.next).toBeGreaterThan(60 * SYMBOLS.length * 0.98)
    },
  )
}, 600_000)
