/** The venue, its faults, and how long all of it runs. The short form is the long one with smaller numbers. */
const LONG = {
  feeds: 5_000,
  poison: 10,
  forgotten: 20,
  silent: 20,
  perConnection: 100,
  connects: { count: 20, perMs: 60_000 },
  messages: { count: 10, perMs: 1_000 },
  batch: 20,
  tickEveryMs: 5_000,
  maxAgeMs: 30_000,
  ackWithinMs: 5_000,
  firstDataMs: 15_000,
  forgetAfterMs: 60_000,
  dropEveryMs: 60_000,
  restartAtMs: 240_000,
  downForMs: 10_000,
  settleMs: 720_000,
  watchMs: 120_000,
}
const SHORT = {
  ...LONG,
  feeds: 120,
  poison: 2,
  forgotten: 3,
  silent: 3,
  perConnection: 20,
  connects: { count: 10, perMs: 3_000 },
  messages: { count: 10, perMs: 500 },
  batch: 10,
  tickEveryMs: 500,
  maxAgeMs: 5_000,
  ackWithinMs: 1_000,
  firstDataMs: 2_000,
  forgetAfterMs: 4_000,
  dropEveryMs: 6_000,
  restartAtMs: 15_000,
  downForMs: 1_000,
  settleMs: 40_000,
  watchMs: 10_000,
}

/** @returns its numbers, all symbols, which of them are bad in which way, and those of which there has to be a value */
export function planOf(isShort) {
  const numbers = { ...(isShort ? SHORT : LONG) }
  const symbols = Array.from({ length: numbers.feeds }, (_, index) => `S${index}`)
  /** Spread over all of them, so that connections have bad ones among good ones. */
  const spread = (count, offset) =>
    Array.from({ length: count }, (_, index) => {
      return symbols[(offset + Math.floor((index * numbers.feeds) / count)) % numbers.feeds]
    })
  const kinds = {
    poison: spread(numbers.poison, 3),
    forgotten: spread(numbers.forgotten, 7),
    silent: spread(numbers.silent, 11),
  }
  const bad = new Set([...kinds.poison, ...kinds.silent])
  return { numbers, symbols, kinds, bad, good: symbols.filter((symbol) => !bad.has(symbol)) }
}

/** What the adapter declares: what the venue allows, and how fast it is. */
export function declaredOf({ perConnection, messages, connects, batch, ackWithinMs, firstDataMs, maxAgeMs }) {
  return {
    limits: { subscriptionsPerConnection: perConnection, messages, connects },
    batches: { size: batch, ackWithinMs, firstDataMs },
    freshness: { mode: 'tick', maxAgeMs },
    caseSensitive: true,
  }
}

/** What the adapter is set to. */
export function settingsOf({ feeds }) {
  const most = String(Math.max(1_000, feeds + 10))
  return {
    CACHE_POLLING_MAX_RETRIES: '0',
    BACKGROUND_EXECUTE_MS_WS: '100',
    WS_SUBSCRIPTION_TTL: '180000',
    CACHE_MAX_AGE: '60000',
    SUBSCRIPTION_SET_MAX_ITEMS: most,
    CACHE_MAX_ITEMS: most,
  }
}
