import { expect, it } from 'vitest'
import { stream, symbolsOf } from './adapter'
import { HOUR, MINUTE, play, SECOND } from './play'
import { type Venue } from './venue'

const SYMBOLS = symbolsOf(4)
const LIFE_MS = 60_000
const NIGHT_MS = 4 * HOUR
/** The provider's clock is wrong, which is nobody's fault. */
const SKEW_MS = 2 * HOUR

class Refused extends Error {
  readonly statusCode = 401
}

it.each([
  ['cannot be reached', () => new Error('connect ECONNREFUSED'), 'network', MINUTE + 10 * SECOND],
  ['refuses', () => new Refused('no more tokens'), 'auth', 11 * MINUTE],
])(
  'CN-9: Token night: tokens of a minute are renewed ahead, one at a time; an issuer that %s for five minutes costs no more than that',
  async (_, failure, cause, backWithinMs) => {
    let venue!: Venue
    const issued = new Map<string, number>()
    let [isFailing, fetches, inFlight, most, nowMs] = [false, 0, 0, 0, () => 0]
    const fetch = async () => {
      fetches++
      most = Math.max(most, ++inFlight)
      await new Promise((resolve) => setTimeout(resolve, 50))
      inFlight--
      if (isFailing) throw failure()
      const value = `t${fetches}`
      issued.set(value, nowMs() + LIFE_MS)
      const issuedUnixMs = nowMs() + SKEW_MS
      return { value, issuedUnixMs, expiresUnixMs: issuedUnixMs + LIFE_MS }
    }
    await play(
      {
        seed: 10,
        maxAgeMs: 10_000,
        endpoints: (stage) => {
          nowMs = () => stage.time.trueMs
          venue = stage.venue('tokens', { everyMs: 1_000 })
          const tokenOf = (url: string) => new URL(url).searchParams.get('token') ?? ''
          const endOf = (url: string) => issued.get(tokenOf(url)) ?? 0
          venue.admits = ({ url }) => (endOf(url) > nowMs() ? undefined : 4401)
          // A connection ends with its token.
          venue.keeps = venue.admits
          return {
            price: stream((_context, _wanted, { credential }) => `${venue.url}?token=${credential}`, {
              credential: { fetch },
            }),
          }
        },
      },
      async ({ time, client, until }) => {
        await client.askAll(SYMBOLS)
        await time.pass(5_000)
        const failsAt = [HOUR, 2 * HOUR, 3 * HOUR]
        const causes = new Map<string, number>()
        let [missing, asked] = [0, 0]
        await until(NIGHT_MS, 5 * SECOND, async () => {
          const at = time.elapsedMs
          isFailing = failsAt.some((from) => at >= from && at < from + 5 * MINUTE)
          const isDown = failsAt.some((from) => at >= from && at < from + 5 * MINUTE + backWithinMs)
          for (const symbol of SYMBOLS) {
            const { isFresh, reason } = await client.ask(symbol)
            if (reason !== undefined) causes.set(reason.class, (causes.get(reason.class) ?? 0) + 1)
            if (isDown) continue
            asked++
            if (!isFresh) missing++
          }
        })
        // A connection that ends with its token is opened again at once, with the next one.
        expect([asked > 5_000, missing]).toEqual([true, 0])
        expect(most).toBe(1)
        // One as four fifths of the life of the one before are over, or as the connection ends, and a few while it fails.
        expect(fetches).toBeLessThan(NIGHT_MS / (LIFE_MS * 0.7) + failsAt.length * 40)
        expect(venue.opened).toBeLessThan(NIGHT_MS / (LIFE_MS * 0.7) + failsAt.length * 40)
        expect(causes.get(cause)).toBeGreaterThan(failsAt.length * SYMBOLS.length * 20)
      },
    )
  },
  600_000,
)
