import { expect, it } from 'vitest'
import { ourTime } from '../../src/util/clock'
import { poll, stream, symbolsOf } from './adapter'
import { type HttpVenue } from './http-venue'
import { HOUR, MINUTE, oneOf, play, SECOND } from './play'
import { type Venue } from './venue'

const SYMBOLS = symbolsOf(4)
const PING_MS = 5_000
const TICK_MS = 500

it('TM-3: Clock chaos: through steps of an hour, leap seconds and a machine that sleeps, feeds are fresh after one tick, and nothing else moves', async () => {
  let venue!: Venue
  await play(
    {
      seed: 6,
      maxAgeMs: 10_000,
      endpoints: (stage) => {
        venue = stage.venue('clocks', { everyMs: TICK_MS })
        return { price: stream(venue.url, { ping: { everyMs: PING_MS, pongWithinMs: 2_000 } }) }
      },
    },
    async ({ time, random, client, until }) => {
      await client.askAll(SYMBOLS)
      await time.pass(5_000)
      const done = { ahead: 0, back: 0, right: 0, leap: 0, sleep: 0 }
      let nextMs = time.elapsedMs + MINUTE
      const disturb = () => {
        const kind =
          time.wrongByMs === 0 ? oneOf(random, ['ahead', 'back', 'leap', 'sleep'] as const) : 'right'
        done[kind]++
        const steps = { ahead: HOUR, back: -HOUR, right: -time.wrongByMs, leap: -1_000 }
        if (kind === 'sleep') time.sleep(10 * MINUTE)
        else time.step(steps[kind])
        return kind
      }
      await until(2 * HOUR, 2 * SECOND, async () => {
        if (time.elapsedMs >= nextMs) {
          const kind = disturb()
          nextMs = time.elapsedMs + MINUTE + random() * 3 * MINUTE
          // Nothing that was there before is good after a sleep. Else whoever asks at once gets a value, or a reason.
          const fresh = await client.askAll(SYMBOLS)
          if (kind === 'sleep') expect(fresh).toBe(0)
          if (kind !== 'right') expect(ourTime.lastStep).toBeDefined()
          await time.pass(TICK_MS + 10)
          expect([kind, await client.askAll(SYMBOLS)]).toEqual([kind, SYMBOLS.length])
          if (kind !== 'right') expect(ourTime.lastStep?.agreed).toBe(kind === 'sleep' ? 'wall' : 'kept')
        } else expect(await client.askAll(SYMBOLS)).toBe(SYMBOLS.length)
      })
      expect(Math.min(...Object.values(done))).toBeGreaterThan(1)
      // TM-6: the provider saw nothing of it, but for the time in which the machine slept.
      expect([venue.opened, venue.log.filter(({ what }) => what.startsWith('+')).length]).toEqual([
        1,
        SYMBOLS.length,
      ])
      const pings = venue.log.filter(({ what }) => what === 'ping').map(({ atMs }) => atMs)
      const between = pings.slice(1).map((atMs, at) => Math.round(atMs - pings[at]!))
      expect(new Set(between.map((ms) => ms % (10 * MINUTE)))).toEqual(new Set([PING_MS]))
    },
  )
}, 600_000)

it('FR-1: an answer over HTTP that was on its way while the machine slept is not served, and is asked for again', async () => {
  let venue!: HttpVenue
  await play(
    {
      seed: 1,
      maxAgeMs: 15_000,
      declared: { tiers: { free: { rateLimit1m: 12 } } },
      endpoints: ({ httpVenue }) => {
        venue = httpVenue('http', {})
        return { price: poll(venue.url) }
      },
    },
    async ({ time, client, until }) => {
      await client.askAll(['S0'])
      await time.pass(MINUTE)
      expect(await client.askAll(['S0'])).toBe(1)
      for (let nights = 0; nights < 3; nights++) {
        let asked = 0
        venue.refuses = () => {
          // The answer leaves the provider at once, and is read after the sleep.
          if (asked++ === 0) setTimeout(() => time.sleep(10 * MINUTE), 1)
          return undefined
        }
        await until(time.elapsedMs + 11 * MINUTE, SECOND, async () => void (await client.ask('S0')))
        expect(asked).toBeGreaterThan(1)
        expect(await client.askAll(['S0'])).toBe(1)
      }
    },
  )
})
