import { expect, it } from 'vitest'
import { CompositeTransport } from '../../src/transports/composite-transport'
import { type Client, poll, stream, symbolsOf, type Types } from './adapter'
import { FAULTS, Schedule, type World } from './faults'
import { mostIn } from './http-venue'
import { HOUR, MINUTE, play, SECOND } from './play'

/** Seeds that are played: those that fit in so many minutes, one after the other from this one on, or two. */
const MINUTES = Number(process.env['SCENARIO_MINUTES'] ?? 0)
const FROM = Number(process.env['SCENARIO_SEED'] ?? 1)
const LEAST_SEEDS = Number(process.env['SCENARIO_SEEDS'] ?? 1)
const LASTS_MS = HOUR
/** Three times the longest pause in use, that after refused tokens, and the time in which silence is noticed. */
const SETTLES_MS = 12 * MINUTE

const SYMBOLS = symbolsOf(4)
const MESSAGES = { count: 20, perMs: 1_000 }
const A_MINUTE = 60
const FEEDS = [
  ...SYMBOLS.map((symbol) => ({ symbol, endpoint: 'stream' })),
  ...SYMBOLS.map((symbol) => ({ symbol, endpoint: 'both' })),
  ...SYMBOLS.map((symbol) => ({ symbol, endpoint: 'poll' })),
]

const ENV = {
  STREAM_HANDLER_RETRY_MAX_MS: '3000',
  SUBSCRIPTION_SET_MAX_ITEMS: '1000',
  FEED_LIMITS: JSON.stringify({ '*': { min: 900, max: 1_100 }, 'TEST:poll:*': { min: 0.9, max: 1.1 } }),
}

const ask = (client: Client, { symbol, endpoint }: (typeof FEEDS)[number]) =>
  client.ask(symbol, { endpoint, feed: `${endpoint}/${symbol}` })

/** One hour of everything. @returns how often each fault has happened */
const hour = async (seed: number): Promise<ReadonlyMap<string, number>> => {
  let world!: Omit<World, 'askOnce' | 'lookAtAll'>
  let schedule!: Schedule
  await play(
    {
      seed,
      maxAgeMs: 15_000,
      declared: { env: ENV, tiers: { free: { rateLimit1m: A_MINUTE } } },
      endpoints: ({ venue, httpVenue, time, random }) => {
        const of = (name: string) => ({ everyMs: 2_000, feedOf: (symbol: string) => `${name}/${symbol}` })
        const [main, first, second] = [
          venue('main', of('stream')),
          venue('first', of('both')),
          // Never the same price as the first one's.
          venue('second', { ...of('both'), priceOf: (symbol) => 1_050 + Number(symbol.slice(1)) }),
        ]
        const http = httpVenue('http', { feedOf: (symbol) => `poll/${symbol}` })
        main.limit = MESSAGES
        const tokens = { failure: undefined as Error | undefined }
        let issued = 0
        const fetch = () => {
          if (tokens.failure !== undefined) throw tokens.failure
          return { value: `t${++issued}`, expiresInMs: MINUTE }
        }
        world = { time, random, main, first, second, http, tokens, symbols: SYMBOLS }
        const ping = { everyMs: 5_000, pongWithinMs: 2_000 }
        const limits = { messages: MESSAGES, connects: { count: 10, perMs: 10_000 } }
        return {
          stream: stream((_context, _wanted, { credential }) => `${main.url}?${credential}`, {
            ping,
            limits,
            credential: { fetch },
            // A connection goes on with the token that it was opened with.
            options: () => ({}),
          }),
          both: new CompositeTransport<Types>({
            first: stream(first.url, { ping }),
            second: stream(second.url, { ping }),
          }),
          poll: poll(http.url),
        }
      },
    },
    async ({ time, client, until, random }) => {
      const asked: Promise<unknown>[] = []
      const askOnce = (symbols: readonly string[]) =>
        symbols.forEach((symbol) => asked.push(ask(client, { symbol, endpoint: 'stream' })))
      const lookAtAll = () => void asked.push(...FEEDS.map((feed) => ask(client, feed)))
      schedule = new Schedule({ ...world, askOnce, lookAtAll }, MINUTE / 2)
      await until(LASTS_MS, SECOND, async () => {
        schedule.look()
        await Promise.all(asked.splice(0))
        // Each is asked for every eight seconds or so, and one of them right now.
        for (const feed of FEEDS) if (random() < 0.12) await ask(client, feed)
      })
      schedule.heal()
      const settledMs = time.elapsedMs + SETTLES_MS
      await until(settledMs, 10 * SECOND, async () => {
        for (const feed of FEEDS) await ask(client, feed)
      })
      await settled(client)
      const { main, first, second, http } = world
      expect([main.subscribed, first.subscribed, second.subscribed]).toEqual([SYMBOLS, SYMBOLS, SYMBOLS])
      // One of them may be a side connection, on which a feed is tried.
      expect(
        Math.max(...[main, first, second].map(({ connections }) => connections.size)),
      ).toBeLessThanOrEqual(2)
      // SB-7, RL-2
      expect([main.broken, mostIn(http.asked, MINUTE) <= A_MINUTE]).toEqual([0, true])
    },
  )
  return schedule.happened
}

/** Every feed has a value, whenever it is looked at. */
const settled = async (client: Client): Promise<void> => {
  const missing: unknown[] = []
  for (const feed of FEEDS) {
    const { isFresh, answer } = await ask(client, feed)
    if (!isFresh) missing.push([feed, answer.json.error?.reason ?? answer.json])
  }
  expect(missing).toEqual([])
}

const say = (line: string) => process.stdout.write(`${line}\n`)

const played = async (seed: number) => {
  try {
    return await hour(seed)
  } catch (error) {
    throw new Error(`seed ${seed}: run it again with SCENARIO_SEED=${seed}`, { cause: error })
  }
}

it(
  'Everything: whatever happens together, no answer is unlawful, no limit is broken, and it settles',
  async () => {
    const happened = new Map(Object.keys(FAULTS).map((name) => [name, 0]))
    const began = performance.now()
    let seeds = 0
    do {
      for (const [name, times] of await played(FROM + seeds))
        happened.set(name, (happened.get(name) ?? 0) + times)
      seeds++
    } while (seeds < LEAST_SEEDS || performance.now() - began < MINUTES * 60_000)
    if (MINUTES > 0) {
      for (const [name, times] of happened) say(`${String(times).padStart(6)}  ${name}`)
      say(`scenarios: ${seeds} seeds of an hour, from ${FROM} on`)
    }
    if (seeds > 10) expect(Math.min(...happened.values())).toBeGreaterThan(0)
    expect(seeds).toBeGreaterThan(0)
  },
  (MINUTES + 10) * 60_000,
)
