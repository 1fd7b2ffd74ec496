import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { smallAdapter } from '../../scripts/outside/adapter.cjs'
import { Adapter, AdapterEndpoint } from '../../src/public/adapter'
import { WebSocketTransport } from '../../src/public/transports'
import { InputParameters } from '../../src/public/validation'
import { seededRandom } from '../../src/testing/simulated-market'
import { serve } from '../../src/testing/serve'
import { monotonicMs } from '../../src/util/clock'
import { holdClock, letClockGo, pause } from '../helpers/held-sockets'
import { poll, symbolsOf } from './adapter'
import { type HttpVenue, mostIn } from './http-venue'
import { MINUTE, play, SECOND } from './play'

const load = async () => ({
  ...(await import('../../scripts/simulation/plan.mjs')),
  ...(await import('../../scripts/simulation/venue.mjs')),
})
let simulation: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  simulation = await load()
})

const FEEDS = 1_000
const modules = { Adapter, AdapterEndpoint, InputParameters, WebSocketTransport }

/** What the venue allows: messages of twenty symbols, of which a connection takes 250. */
const NUMBERS = {
  perConnection: 250,
  connects: { count: 5, perMs: 2_000 },
  messages: { count: 5, perMs: 1_000 },
  batch: 20,
  tickEveryMs: 2_000,
  ackWithinMs: 2_000,
  maxAgeMs: 10_000,
  dropEveryMs: 3_600_000,
  feeds: FEEDS,
}
/** All connections together have sent fifty messages; then one round of ticks. What was sent so far apart may arrive closer. */
const MESSAGES = FEEDS / NUMBERS.batch
const PACING_MS = (MESSAGES / NUMBERS.messages.count) * NUMBERS.messages.perMs * 1.1 + NUMBERS.tickEveryMs

beforeEach(holdClock)
afterEach(letClockGo)

it('SB-7: Monday storm: a thousand feeds asked for in one second from cold are fresh as soon as pacing allows, and no window is broken', async () => {
  const plan = simulation.planOf(true)
  const numbers = { ...plan.numbers, ...NUMBERS }
  const kinds = { poison: [], forgotten: [], silent: [] }
  const venue = new simulation.Venue(numbers, kinds, { nowMs: monotonicMs, random: seededRandom(1) })
  await venue.start()
  const of = { kind: 'ws' as const, url: venue.url, declared: simulation.declaredOf(numbers) }
  const service = await serve(() => smallAdapter<Adapter>(modules, of), {
    env: simulation.settingsOf(numbers),
  })
  const symbols = symbolsOf(FEEDS)
  const fresh = async () => {
    let count = 0
    for (const symbol of symbols) if ((await service.post({ symbol })).statusCode === 200) count++
    return count
  }
  try {
    for (const [at, symbol] of symbols.entries()) {
      await service.post({ symbol })
      if (at % 50 === 49) await pause(50)
    }
    await pause(PACING_MS)
    expect(await fresh()).toBeGreaterThanOrEqual(0.99 * FEEDS)
    await pause(2 * SECOND)
    expect(await fresh()).toBe(FEEDS)
    const { broken, seen, subscribed } = venue.report()
    expect(broken).toEqual({ connects: 0, messages: 0, subscriptions: 0, twice: 0 })
    expect([subscribed, seen.mostConnections]).toEqual([FEEDS, 4])
  } finally {
    vi.useRealTimers()
    await service.stop()
    await venue.stop()
  }
}, 600_000)

it('Monday storm: the same over HTTP keeps every window from the first second on, and all feeds are there after one pass', async () => {
  letClockGo()
  let venue!: HttpVenue
  const tier = { rateLimit1s: 50, rateLimit1m: 1_500 }
  await play(
    {
      seed: 11,
      maxAgeMs: 90_000,
      declared: { tiers: { paid: tier }, env: { RATE_LIMITING_STRATEGY: 'burst' } },
      endpoints: ({ httpVenue }) => ({ price: poll((venue = httpVenue('storm')).url) }),
    },
    async ({ time, client }) => {
      const symbols = symbolsOf(FEEDS)
      await client.askAll(symbols)
      await time.pass((FEEDS / tier.rateLimit1s + 2) * SECOND)
      expect(await client.askAll(symbols)).toBeGreaterThanOrEqual(0.99 * FEEDS)
      await time.pass(MINUTE / 2)
      expect(await client.askAll(symbols)).toBe(FEEDS)
      // RL-2
      expect(mostIn(venue.asked, SECOND)).toBeLessThanOrEqual(tier.rateLimit1s)
      expect(mostIn(venue.asked, MINUTE)).toBeLessThanOrEqual(tier.rateLimit1m)
    },
  )
}, 600_000)
