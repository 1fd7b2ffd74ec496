/** The rooms that keep the promises about prices and connections: which files are mutated, and which tests have to notice. */
const feeds = [
  'test/feeds/**/*.test.ts',
  'test/adapter/guard-policy.test.ts',
  'test/service/feed-limits.test.ts',
  'test/transports/composite/**/*.test.ts',
]
/** What an operator says of single feeds. */
const limits = ['test/feeds/limits/**/*.test.ts', 'test/feeds/limiting-guards.test.ts']
/** What is served where several sources have a feed, by itself; and how their values come there. */
const merging = [
  'test/feeds/{merge-decisions,merged-error,merged-feeds,order,patience,preference}.test.ts',
  'test/metrics/bounds.test.ts',
]
const sources = ['test/feeds/merge.test.ts', 'test/transports/composite/composite.test.ts']
/** Nearly every test needs a clock: these are about it. */
const clocks = [
  'test/util/{clock,our-time,provider-time,rfc3339,decimal}.test.ts',
  'test/feeds/{clock-steps,inspector,local-cache}.test.ts',
  'test/http/clock-status.test.ts',
]
const connections = [
  'test/connections/{client-socket,announced-end}.test.ts',
  'test/contract/{connection,websocket}.test.ts',
]
/** How a connection's state is told, and when it is tried again. */
const lives = ['test/connections/{retry,retry-delays,connection-life}.test.ts']
/** Which URL is next, when, and with which credential. */
const failover = ['test/connections/{url-choice,host-pauses,credential}.test.ts']
const websocket = (names) => names.map((name) => `test/transports/websocket/${name}.test.ts`)
const subscriptions = websocket(['silence-judge', 'homes', 'connect-budget', 'subscription-queue'])
/** These need whole services, and take longer. */
const care = websocket(['poison', 'silence', 'shards', 'batches', 'lane'])

/** Pauses, breakers, budgets and turns of requests to providers. */
const requests = [
  'test/outbound-http/**/*.test.ts',
  'test/transports/http/{fairness,hold-off}.test.ts',
  'test/connections/retry-delays.test.ts',
]

/** Those of them that are about pauses alone, and take no time. */
const pauses = ['test/outbound-http/provider-pause.test.ts']
/** Which requests of a pass are sent, and which failed ones are sent again. */
const turns = [
  'test/transports/http/{fair-order,fairness,hold-off}.test.ts',
  'test/connections/retry-delays.test.ts',
]

/** What is tried first is what matters most, because the time may be over before the last. */
export const groups = [
  {
    name: 'guards',
    files: ['guards', 'guarded-numbers', 'guard-policy', 'jump', 'frozen'].map(
      (name) => `src/feeds/${name}.ts`,
    ),
    tests: feeds,
  },
  {
    name: 'age',
    files: ['freshness', 'order', 'time', 'inspector'].map((name) => `src/feeds/${name}.ts`),
    tests: feeds,
  },
  {
    name: 'judging',
    files: ['src/feeds/judging.ts'],
    tests: ['test/feeds/judging.test.ts'],
  },
  {
    name: 'clocks',
    files: ['clock', 'our-time', 'provider-time', 'decimal'].map((name) => `src/util/${name}.ts`),
    tests: clocks,
  },
  {
    name: 'connections',
    files: ['src/connections/client-socket.ts'],
    tests: connections,
  },
  {
    name: 'lives',
    files: ['retry', 'connection-life'].map((name) => `src/connections/${name}.ts`),
    tests: lives,
  },
  {
    name: 'failover',
    files: ['url-choice', 'host-pauses', 'credential'].map((name) => `src/connections/${name}.ts`),
    tests: failover,
  },
  {
    name: 'subscriptions',
    files: ['care/silence', 'care/homes', 'pacing/connect-budget', 'pacing/subscription-queue'].map(
      (name) => `src/transports/websocket/${name}.ts`,
    ),
    tests: subscriptions,
  },
  {
    name: 'pacer',
    files: ['src/transports/websocket/pacing/message-pacer.ts'],
    tests: websocket(['message-pacer']),
  },
  {
    name: 'search',
    files: ['src/transports/websocket/care/poison-search.ts'],
    tests: websocket(['poison-terms']),
  },
  {
    name: 'ledger',
    files: ['src/transports/websocket/batches/ledger.ts'],
    tests: websocket(['ledger', 'ledger-memory']),
  },
  {
    name: 'requests',
    files: [
      ...['retry-after', 'provider-error', 'windowed-rate-limiter', 'sliding-window'].map(
        (name) => `src/outbound-http/${name}.ts`,
      ),
      'src/util/retry-after.ts',
    ],
    tests: requests,
  },
  {
    name: 'pauses',
    files: ['provider-pause', 'waiting-room', 'failing-keys'].map((name) => `src/outbound-http/${name}.ts`),
    tests: pauses,
  },
  {
    name: 'turns',
    files: ['fair-order', 'hold-off'].map((name) => `src/transports/http/${name}.ts`),
    tests: turns,
  },
  {
    name: 'limits',
    files: ['feed-limits', 'feed-rule', 'limited-feeds', 'pattern', 'rules', 'schema'].map(
      (name) => `src/feeds/limits/${name}.ts`,
    ),
    tests: limits,
  },
  {
    name: 'merging',
    files: ['merge', 'merged-error', 'merged-feeds', 'preference', 'patience'].map(
      (name) => `src/feeds/${name}.ts`,
    ),
    tests: merging,
  },
  {
    name: 'sources',
    files: ['src/feeds/merged-source.ts'],
    tests: sources,
  },
  {
    name: 'memory',
    files: ['src/feeds/local-cache.ts'],
    tests: feeds,
  },
  {
    name: 'care',
    files: ['placement', 'trials', 'shards', 'silence-watch', 'side-trials', 'poison-watch'].map(
      (name) => `src/transports/websocket/care/${name}.ts`,
    ),
    tests: care,
  },
]

/** The tests of the files that no group names, by the room. */
const ROOMS = [
  ['src/util/', clocks],
  ['src/connections/', connections],
  ['src/outbound-http/', requests],
  ['src/transports/http/', requests],
]

const testsOf = (file) =>
  groups.find(({ files }) => files.includes(file))?.tests ??
  ROOMS.find(([room]) => file.startsWith(room))?.[1] ??
  feeds

/** @param files - those that were asked for, together as far as the same tests are for them; all groups where there are none */
export const groupsOf = (files) => {
  if (files.length === 0) return groups
  const byTests = new Map()
  for (const file of files) byTests.set(testsOf(file), [...(byTests.get(testsOf(file)) ?? []), file])
  return [...byTests].map(([tests, of]) => ({ name: of.join(' '), files: of, tests }))
}
