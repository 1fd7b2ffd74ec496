import { bodyOf } from '../answer-body'
import { check, matchers } from '../matchers'
import { type StepClock } from '../step-clock'
import { type Check, timed, tried } from './check'
import { type CheckName } from './check-names'
import { expectError, expectThat, show } from './expectations'
import { httpChecks } from './http-checks'
import { liveTimers } from './live-timers'
import { type Kind, Trial } from './trial'

const STREAMS: readonly Kind[] = ['ws', 'sse']

/** The second feed's price tells when what was said of the first has been dealt with. */
const refuses = (...bad: readonly (() => { price: unknown; timeMs: number })[]): Check['run'] =>
  tried(async (trial) => {
    const { first } = trial
    await trial.served()
    let price = 100
    for (const quote of bad) {
      const before = await trial.refusals()
      const { price: wrong, timeMs } = quote()
      trial.quote(first, wrong, timeMs)
      await trial.settled(++price)
      const reply = await trial.post(first)
      expectThat(
        reply.statusCode !== 200 || bodyOf(reply).result === price - 1,
        `the last good price after ${String(wrong)}`,
        show(reply),
      )
      expectThat((await trial.refusals()) > before, 'data_refused_total to count it', 'that it did not')
      trial.quote(first, price)
      await trial.serves(first, price)
    }
  })

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** Within what a guard of jumps lets pass, and none of the good prices. */
const WRONG = 102.5

const TTL = {
  ws: 'WS_SUBSCRIPTION_TTL',
  sse: 'SSE_SUBSCRIPTION_TTL',
  http: 'WARMUP_SUBSCRIPTION_TTL',
} as const

const STEP_MS = 10_000

/** Time passes until no value may be served any more, by any limit. */
const outlives = (
  happens: (trial: Trial) => void | Promise<void>,
  move: (clock: StepClock, ms: number) => void,
): Check['run'] =>
  timed(async (trial, clock) => {
    await trial.served()
    await happens(trial)
    move(clock, trial.service.adapter.settings.CACHE_MAX_AGE + 1_000)
    for (const feed of trial.venue.feeds) expectError(await trial.post(feed), 'of what is too old')
  })

export const checks: Readonly<Record<CheckName, Check>> = {
  answers: {
    run: tried(async (trial) => {
      const timeMs = Date.now() - 1_000
      trial.quote(trial.first, 100, timeMs)
      const reply = await trial.serves(trial.first, 100)
      check(matchers.toBeFresh(reply))
      const indicated = bodyOf(reply).timestamps?.providerIndicatedTimeUnixMs
      // Some providers give whole seconds.
      const isIt = indicated === undefined || Math.abs(Number(indicated) - timeMs) < 1_000
      expectThat(isIt, `the provider's time ${timeMs}, or none`, show(reply))
    }),
  },

  once: {
    kinds: STREAMS,
    run: tried(async (trial) => {
      const { first, market } = trial
      await Promise.all([1, 2, 3, 4, 5].map(() => trial.post(first)))
      await trial.serves(first, 100)
      await trial.serves(trial.second, 100)
      expectThat(market.asked(first.symbol) === 1, 'one subscription', market.asked(first.symbol))
      expectThat(market.connectionCount === 1, 'one connection', market.connectionCount)
    }),
  },

  batch: {
    run: tried(async (trial) => {
      const { batch } = trial.venue
      if (batch === undefined) return
      const feeds = Array.from({ length: 2 * batch.size + 1 }, (_, n) => batch.feed(n))
      for (const feed of feeds) trial.quote(feed, 100)
      await Promise.all(feeds.map((feed) => trial.serves(feed, 100)))
      const { market } = trial
      // They became wanted one after the other, and from here on they all are.
      if (trial.kind === 'http')
        for (const { symbol } of feeds) await market.untilAsked(symbol, market.asked(symbol) + 2)
      else {
        market.cut()
        for (const { symbol } of feeds) await market.wanted(symbol)
      }
      const { largestAsk } = market
      expectThat(largestAsk <= batch.size, `at most ${batch.size} symbols at a time`, largestAsk)
      expectThat(batch.size === 1 || largestAsk > 1, 'symbols that are asked for together', 'each alone')
    }),
  },

  unlisted: {
    run: tried(async (trial) => {
      const { unlisted } = trial.venue
      const expectUnlisted = async () => expectError(await trial.post(unlisted), `of ${unlisted.symbol}`)
      await Promise.all([expectUnlisted(), trial.serves(trial.first, 100)])
      if (unlisted.says !== undefined)
        await trial.ask(
          unlisted,
          `"${unlisted.says}"`,
          (reply) => bodyOf(reply).errorMessage === unlisted.says,
        )
      await trial.serves(trial.first, 100)
      await expectUnlisted()
    }),
  },

  'not-a-number': {
    run: refuses(
      () => ({ price: 'n/a', timeMs: Date.now() }),
      () => ({ price: null, timeMs: Date.now() }),
    ),
  },
  'not-positive': {
    run: refuses(
      () => ({ price: 0, timeMs: Date.now() }),
      () => ({ price: -100, timeMs: Date.now() }),
    ),
  },
  future: { run: refuses(() => ({ price: WRONG, timeMs: Date.now() + DAY_MS })) },
  'impossible-time': { run: refuses(() => ({ price: WRONG, timeMs: 0 })) },
  backwards: { run: refuses(() => ({ price: WRONG, timeMs: Date.now() - MINUTE_MS })) },

  garbage: {
    run: tried(async (trial) => {
      const { first, market } = trial
      await trial.served()
      const { connectionCount } = market
      market.garble()
      await trial.settled(101)
      check(matchers.toAnswer(await trial.post(first), 200, 100))
      trial.quote(first, 102)
      await trial.serves(first, 102)
      expectThat(market.connectionCount === connectionCount, 'the same connection', 'another')
    }),
  },

  cut: {
    run: tried(async (trial) => {
      await trial.served()
      trial.market.cut()
      for (const feed of trial.venue.feeds) {
        await trial.market.wanted(feed.symbol)
        trial.quote(feed, 101)
        await trial.serves(feed, 101)
      }
    }),
  },

  named: {
    run: tried(async (trial) => {
      trial.market.refuse()
      expectError(await trial.named(trial.first), 'while the provider refuses')
      trial.market.accept()
      await trial.served()
    }),
  },

  dead: {
    run: outlives(
      ({ market }) => market.stop(),
      (clock, ms) => {
        clock.pass(ms)
        clock.setWall(-2 * ms)
      },
    ),
  },
  silent: {
    run: outlives(
      ({ market }) => market.mute(),
      (clock, ms) => clock.pass(ms),
    ),
  },
  slept: {
    run: outlives(
      ({ market }) => market.mute(),
      (clock, ms) => clock.suspend(ms),
    ),
  },

  unwanted: {
    run: timed(async (trial, clock) => {
      const { first, second, market } = trial
      await trial.served()
      const ttlMs = trial.service.adapter.settings[TTL[trial.kind]]
      // In steps: the provider is never silent.
      let price = 100
      for (let passed = 0; passed <= ttlMs; passed += STEP_MS) {
        clock.pass(STEP_MS)
        trial.quote(first, ++price)
        trial.quote(second, price)
        await trial.serves(second, price)
      }
      await market.unwanted(first.symbol)
      trial.quote(second, ++price)
      await trial.serves(second, price)
    }),
  },

  stops: {
    run: async (venue, env) => {
      const timers = liveTimers()
      try {
        await Trial.run(venue, env, async (trial) => {
          await trial.served()
          await trial.service.stop()
          const left = timers.pending()
          expectThat(left.length === 0, 'no timer that keeps the process alive', left.join('\n'))
          await trial.market.gone()
        })
      } finally {
        timers.restore()
      }
    },
  },

  ...httpChecks,
}
