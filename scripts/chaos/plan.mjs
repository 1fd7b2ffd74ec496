/** What happens in a world: made of a seed, and nothing but data, so that it can be kept and played again. */

/** The least number of steps of a world. */
export const STEPS = 500

const SYMBOLS = ['A', 'a', 'B']
/** By endpoint, what is asked for. `Q` has few values, and many confirmations. */
export const FEEDS = {
  ws: SYMBOLS,
  batched: [...SYMBOLS, 'Q'],
  sse: SYMBOLS,
  http: SYMBOLS,
}
/** Symbols that the provider of `batched` does not carry: it closes the connection, or refuses the subscription. */
export const POISON = 'batched:POISON'
export const UNLISTED = 'batched:UNLISTED'

const STREAMS = ['ws', 'batched', 'sse']
const SOCKETS = ['ws', 'batched']
/** What is no price, as JSON; `#` stands for a number that is nowhere else. */
const NO_NUMBERS = [
  '"abc"',
  'null',
  'true',
  '[#]',
  '{}',
  '"0x#"',
  '"1,#.5"',
  '"NaN"',
  '""',
  '"# euro"',
  '1e999',
]
const OUTSIDE = ['-#', '0', '"-#"', '#000000000000']
/** None of these times is near another, nor near a sum: a lie that fits what a step has left behind is the truth to whoever cannot know. */
const BACKDATED_MS = [300, 900, 39_000, 86_400_000]
const FUTURE_MS = [600, 9_000, 86_400_000]
const STEPS_MS = [30_000, 600_000, 3_600_000]
const SLEEPS_MS = [3_000, 45_000, 500_000]
const CLOSES = [1000, 1001, 1003, 1008, 1011, 1012, 1013, 4000]

/** mulberry32: the same numbers from the same seed, everywhere. */
export const randomOf = (seed) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const feedsOf = (endpoints) => endpoints.flatMap((name) => FEEDS[name].map((symbol) => `${name}:${symbol}`))
const STREAMED = feedsOf(STREAMS)
/** `Q` is left in peace by what brings values. */
const TICKING = STREAMED.filter((feed) => feed !== 'batched:Q')
const ASKED = feedsOf(Object.keys(FEEDS))

/**
 * By kind, how often it happens in a thousand steps, and what else a step of the kind says. A kind whose name begins with `tick` sends a
 * value; `process` is for services of several processes only; `early` happens in the first half, because it takes long to mend.
 */
const KINDS = {
  'tick-honest': { of: 300, make: ({ one }) => ({ feed: one(TICKING) }) },
  'tick-quiet': { of: 8, make: () => ({ feed: 'batched:Q', as: 'honest' }) },
  'tick-duplicate': { of: 30, make: ({ one }) => ({ feed: one(STREAMED) }) },
  'tick-reordered': { of: 25, make: ({ one }) => ({ feed: one(TICKING) }) },
  'tick-backdated': { of: 35, make: ({ one }) => ({ feed: one(TICKING), byMs: one(BACKDATED_MS) }) },
  'tick-future': { of: 25, make: ({ one }) => ({ feed: one(TICKING), byMs: one(FUTURE_MS) }) },
  'tick-text': { of: 30, make: ({ one }) => ({ feed: one(TICKING) }) },
  'tick-no-number': { of: 40, make: ({ one }) => ({ feed: one(STREAMED), json: one(NO_NUMBERS) }) },
  'tick-outside': { of: 30, make: ({ one }) => ({ feed: one(STREAMED), json: one(OUTSIDE) }) },
  'tick-timeless': { of: 15, make: ({ one }) => ({ feed: one(TICKING) }) },
  'tick-stranger': { of: 10, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  confirmed: { of: 70, make: ({ one }) => ({ feed: one(['batched:Q', 'batched:Q', 'batched:A']) }) },
  heartbeat: { of: 15, make: () => ({ endpoint: 'batched' }) },
  'frame-malformed': { of: 15, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  'frame-huge': { of: 3, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  close: { of: 14, make: ({ one }) => ({ endpoint: one(SOCKETS), code: one(CLOSES) }) },
  cut: { of: 8, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  'half-open': { of: 10, make: ({ one }) => ({ endpoint: one(['ws', 'ws', 'batched']) }) },
  'refused-503': { of: 5, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  'refused-429-retry-after': { of: 4, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  'handshake-slow': { of: 6, make: ({ one }) => ({ endpoint: one(STREAMS) }) },
  'handshake-unanswered': { of: 2, make: ({ one }) => ({ endpoint: one(SOCKETS) }) },
  'subscription-forgotten': { of: 14, early: true, make: ({ one }) => ({ feed: one(STREAMED) }) },
  'subscription-unanswered': { of: 8, make: () => ({ endpoint: 'batched' }) },
  'poll-429': { of: 5, make: () => ({}) },
  'poll-429-retry-after': { of: 5, make: () => ({}) },
  'poll-500': { of: 7, make: () => ({}) },
  'poll-html': { of: 6, make: () => ({}) },
  'poll-malformed': { of: 6, make: () => ({}) },
  'poll-huge': { of: 2, make: () => ({}) },
  'poll-cut': { of: 6, make: () => ({}) },
  'poll-hung': { of: 3, make: () => ({}) },
  'poll-no-number': { of: 12, make: ({ one }) => ({ json: one(NO_NUMBERS) }) },
  'poll-outside': { of: 8, make: ({ one }) => ({ json: one(OUTSIDE) }) },
  'poll-backdated': { of: 10, make: ({ one }) => ({ byMs: one(BACKDATED_MS) }) },
  'poll-future': { of: 8, make: ({ one }) => ({ byMs: one(FUTURE_MS) }) },
  'poll-text': { of: 8, make: () => ({}) },
  'clock-back': { of: 8, make: ({ one }) => ({ byMs: -one(STEPS_MS) }) },
  'clock-ahead': { of: 8, make: ({ one }) => ({ byMs: one(STEPS_MS) }) },
  suspend: { of: 5, make: ({ one }) => ({ forMs: one(SLEEPS_MS) }) },
  burst: { of: 16, make: ({ one }) => ({ feed: one(ASKED) }) },
  silence: { of: 3, make: () => ({ forMs: 1_200 }) },
  wait: { of: 60, make: ({ below }) => ({ forMs: 20 + below(180) }) },
  'worker-killed': { of: 6, process: true, make: ({ below }) => ({ worker: 1 + below(2) }) },
}

/** Kinds that are put into a world by themselves, once or twice. */
const SINGLE = [
  'restart',
  'late-failure',
  'refused-429',
  'refused-then-confirmed',
  'worker-stopped',
  'writer-killed',
]
/** What providers do by themselves. */
const PROVIDERS_OWN = ['late-message', 'poison', 'unlisted']
/** Those that are no fault. */
const HARMLESS = ['tick-honest', 'tick-quiet', 'confirmed', 'heartbeat', 'burst', 'wait']
export const FAULTS = [...Object.keys(KINDS), ...SINGLE, ...PROVIDERS_OWN].filter(
  (kind) => !HARMLESS.includes(kind),
)

const choose = (random, kinds) => {
  let at = random() * kinds.reduce((sum, [, { of }]) => sum + of, 0)
  for (const [kind, { of }] of kinds) if ((at -= of) < 0) return kind
  return kinds[0][0]
}

const SHAPES = ['expose', 'expose', 'expose', 'workers', 'expose', 'service', 'expose', 'workers']

/** Of each world, by its seed: one in so many has it. */
const has = (seed, oneIn, rest) => seed % oneIn === rest

function singles(seed, steps, { below }) {
  const put = (kind, from, to, more = {}) => {
    const at = Math.floor(steps.length * from) + below(Math.floor(steps.length * (to - from)))
    steps[at] = { ...steps[at], do: kind, ...more }
  }
  put('restart', 0.4, 0.7)
  put('late-failure', 0.05, 0.12)
  for (const from of [0.15, 0.72])
    put('refused-then-confirmed', from, from + 0.15, { feed: 'batched:Q', json: '"abc"' })
  if (has(seed, 4, 1)) put('refused-429', 0.75, 0.95, { endpoint: ['ws', 'batched', 'sse'][below(3)] })
  if (SHAPES[seed % SHAPES.length] !== 'workers') return
  put('worker-stopped', 0.01, 0.04, { worker: 1 + below(2) })
  put('writer-killed', 0.9, 0.95)
}

/**
 * @param seed - a whole number
 * @returns `shape` (how the service runs: `expose`, `service`, `workers`), whether requests wait for a first value (`retries`), what is
 *   asked for, and the steps. Each says what is done, and which feed is asked for after it
 */
export function planOf(seed, count = STEPS) {
  const random = randomOf(seed)
  const below = (n) => Math.floor(random() * n)
  const one = (list) => list[below(list.length)]
  const shape = SHAPES[seed % SHAPES.length]
  const extra = [...(has(seed, 3, 0) ? [POISON] : []), ...(has(seed, 2, 0) ? [UNLISTED] : [])]
  const asked = [...ASKED, ...extra]
  const steps = Array.from({ length: count }, (_, at) => {
    const kinds = Object.entries(KINDS).filter(
      ([, kind]) => !(kind.early && at > count / 2) && !(kind.process && shape !== 'workers'),
    )
    const kind = choose(random, kinds)
    return { do: kind, ...KINDS[kind].make({ one, below }), ask: one(asked) }
  })
  singles(seed, steps, { below })
  return { seed, shape, retries: below(2) * 2, asked, steps }
}
