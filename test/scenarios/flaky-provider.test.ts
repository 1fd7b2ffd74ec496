import { expect, it } from 'vitest'
import { stream, symbolsOf } from './adapter'
import { chance, HOUR, oneOf, play, SECOND } from './play'
import { type Venue } from './venue'

const MAX_AGE_MS = 3_000
/** The longest pause between two attempts, the handshake, the subscription, and the next look. */
const BACK_MS = 3_000 + 100 + 1_000
const MEAN_MS = 20_000
const CODES = [1000, 1001, 1006, 1008, 1011, 1012, 4000]

it('SB-2: Flaky provider: through an hour of closes, feeds are there as often as the provider is, but for the way back', async () => {
  let venue!: Venue
  await play(
    {
      seed: 1,
      maxAgeMs: MAX_AGE_MS,
      declared: { env: { STREAM_HANDLER_RETRY_MIN_MS: '100', STREAM_HANDLER_RETRY_MAX_MS: '3000' } },
      endpoints: (stage) => ({ price: stream((venue = stage.venue('flaky', { everyMs: 500 })).url) }),
    },
    async ({ time, random, client, until }) => {
      const symbols = symbolsOf(4)
      let [asked, fresh, closes, downMs] = [0, 0, 0, 0]
      let [nextMs, upAgainMs] = [chance(random, MEAN_MS), Infinity]
      const close = () => {
        nextMs = time.elapsedMs + chance(random, MEAN_MS)
        for (const socket of venue.open) socket.end(oneOf(random, CODES))
        // Every fifth time it stays away.
        if (++closes % 5 !== 0 || venue.mode !== 'accept') return
        const awayMs = random() * 20_000
        downMs += awayMs
        venue.mode = 'refuse'
        upAgainMs = time.elapsedMs + awayMs
      }
      await until(HOUR, SECOND, async () => {
        if (time.elapsedMs >= upAgainMs) {
          venue.mode = 'accept'
          upAgainMs = Infinity
        }
        if (time.elapsedMs >= nextMs) close()
        asked += symbols.length
        fresh += await client.askAll(symbols)
      })
      expect(closes).toBeGreaterThan(120)
      expect(fresh / asked).toBeGreaterThan(1 - (downMs + closes * BACK_MS) / HOUR)
      venue.mode = 'accept'
      await time.pass(10_000)
      expect(await client.askAll(symbols)).toBe(symbols.length)
      expect(venue.subscribed).toEqual(symbols)
    },
  )
}, 600_000)
