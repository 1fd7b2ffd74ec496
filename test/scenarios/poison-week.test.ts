import { expect, it } from 'vitest'
import { stream, symbolsOf } from './adapter'
import { HOUR, MINUTE, play, SECOND } from './play'
import { type Venue } from './venue'

/** The week takes minutes of real time, so that it is for the night. */
const LASTS_MS = process.env['SCENARIOS'] === 'long' ? 7 * 24 * HOUR : 4 * HOUR
const GOOD = symbolsOf(8)

it('SB-5: Poison week: a new bad symbol each minute is found and named, and the good feeds are never without a value', async () => {
  let venue!: Venue
  await play(
    {
      seed: 7,
      maxAgeMs: 20_000,
      declared: { env: { WS_SUBSCRIPTION_TTL: '300000', BACKGROUND_EXECUTE_MS_WS: '5000' } },
      endpoints: (stage) => {
        venue = stage.venue('poisoned', { everyMs: 5_000 })
        return { price: stream(venue.url) }
      },
    },
    async ({ time, client, until }) => {
      await client.askAll(GOOD)
      await time.pass(10_000)
      const bad: string[] = []
      let named = 0
      await until(LASTS_MS, 10 * SECOND, async () => {
        if (time.elapsedMs > (bad.length + 1) * MINUTE) {
          const symbol = `BAD${bad.length}`
          venue.poison.add(symbol)
          bad.push(symbol)
          await client.ask(symbol)
          // The one before has had its minute.
          const before = bad.at(-2)
          if (before !== undefined && (await client.ask(before)).reason?.class === 'poison') named++
        }
        expect(await client.askAll(GOOD)).toBe(GOOD.length)
      })
      expect(bad.length).toBeGreaterThan(LASTS_MS / MINUTE - 3)
      expect(named).toBe(bad.length - 1)
      expect(venue.subscribed).toEqual(GOOD)
      // SB-5 allows so many for each time that it is searched; those that are tried again while they are wanted are searched alone.
      const n = GOOD.length + 2
      const subscribes = venue.log.filter(({ what }) => what.startsWith('+')).length
      const perPoison = subscribes / Math.min(bad.length, venue.log.length)
      expect(perPoison).toBeLessThan(4 * n + 10 * Math.log2(n))
    },
  )
}, 1_200_000)
