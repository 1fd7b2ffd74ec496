import { expect, it } from 'vitest'
import { stream, symbolsOf } from './adapter'
import { HOUR, play, SECOND } from './play'
import { LIES, type Venue } from './venue'

const SYMBOLS = symbolsOf(4)
/** Prices begin at 1 000 and rise by less than a percent. */
const limits = { min: 900, max: 1_100 }

it.each([
  ['NU-7', 'a declared range', { guards: limits }],
  ['NU-8', 'a largest jump', { guards: { maxJump: 0.5 } }],
  [
    'NU-7',
    'the range that an operator gives each feed',
    { env: { FEED_LIMITS: JSON.stringify({ '*': limits }) } },
  ],
])(
  '%s: Liar: with %s, every value that is served is an honest one, and none is missing',
  async (_, __, declared) => {
    let venue!: Venue
    await play(
      {
        seed: 5,
        maxAgeMs: 10_000,
        declared,
        endpoints: (stage) => {
          venue = stage.venue('liar', { everyMs: 500 })
          return { price: stream(venue.url) }
        },
      },
      async ({ time, client, until }) => {
        await client.askAll(SYMBOLS)
        await time.pass(5_000)
        venue.liesPercent = 5
        await until(HOUR, 2 * SECOND, async () => expect(await client.askAll(SYMBOLS)).toBe(SYMBOLS.length))
        expect(Math.min(...LIES.map((lie) => venue.told.get(lie) ?? 0))).toBeGreaterThan(50)
      },
    )
  },
  600_000,
)
