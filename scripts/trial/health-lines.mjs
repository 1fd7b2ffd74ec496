/** What operators and load balancers are told. The reference has none of these pages. */
import { URLSearchParams } from 'node:url'
import { freePort } from '../outside/service.mjs'
import { pause, within } from '../outside/waiting.mjs'

const WAYS = [
  { name: 'expose()' },
  { name: 'the service', venue: 'coinbase' },
  { name: 'two workers', workers: 2 },
]
const ETH = { base: 'ETH', quote: 'USD' }
const dataOf = (venue) => (venue === undefined ? { symbol: 'feed' } : ETH)

/** For longer than an outage takes to be noticed. */
const OUTAGE_MS = 3_000

const outage = WAYS.map(({ name, venue, workers }) => ({
  name,
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed(venue ?? 'ws', { workers, env: { CACHE_MAX_AGE: '1000' } })
    feed.tick(100)
    await feed.value()
    feed.provider.stop()
    await pause(OUTAGE_MS)
    const [answer, live, ready] = [
      await feed.ask(),
      await feed.service.page('/live'),
      await feed.service.page('/ready'),
    ]
    const shares = ready.body?.endpoints ?? []
    const isShown = shares.some(({ wanted, fresh }) => wanted > fresh)
    const ok = answer.status === 504 && live.status === 200 && ready.status === 200 && isShown
    const saw = `${answer.status}, /live ${live.status}, /ready ${ready.status}, the share ${isShown ? 'shown' : 'not shown'}`
    return { ok, saw: ok ? 'both stay 200, and the share is shown' : saw }
  },
}))

const essential = WAYS.map(({ name, venue, workers }) => ({
  name,
  only: 'ours',
  async run(bench) {
    const env = { READY_ESSENTIAL_FEEDS: JSON.stringify([{ data: dataOf(venue) }]), CACHE_MAX_AGE: '2000' }
    const feed = await bench.feed(venue ?? 'ws', { workers, env })
    const page = (path) => feed.service.page(path)
    // Nobody asks for it.
    await within(5_000, () => feed.provider.subscribed.size > 0)
    const before = await page('/ready')
    const isNamed = (before.body?.essential?.missing ?? []).some(({ reason }) => reason?.code !== undefined)
    feed.tick(100)
    const isReady = await within(5_000, async () => (await page('/ready')).status === 200)
    feed.provider.silence()
    const isUnready = await within(8_000, async () => (await page('/ready')).status === 503)
    const live = await page('/live')
    const ok = before.status === 503 && isNamed && isReady && isUnready && live.status === 200
    const saw = `before ${before.status}${isNamed ? ', named' : ''}, with a value ${isReady ? 200 : 'not ready'}, without ${isUnready ? 503 : 'not unready'}, /live ${live.status}`
    return { ok: ok === true, saw: ok ? 'ready while it has a value, and the missing one named' : saw }
  },
}))

const TOKEN = 'the-token-of-the-trial'
const authorization = { authorization: `Bearer ${TOKEN}` }

/** Until the newest record is there. */
const explained = async (page) => {
  await page()
  return within(
    5_000,
    page,
    ({ body }) => body?.transports?.some(({ record }) => record !== undefined) === true,
  )
}

const explanation = WAYS.map(({ name, venue, workers }) => ({
  name: `/explain, ${name}`,
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed(venue ?? 'ws', { workers, env: { EXPLAIN_ENABLED: 'true' } })
    feed.tick(100)
    await feed.value()
    const query = new URLSearchParams(dataOf(venue)).toString()
    const seen = await explained(async () => {
      feed.tick(100)
      await pause(100)
      return feed.service.page(`/explain?${query}`)
    })
    const { state, lastGood, guards, transports: [transport] = [] } = seen?.body ?? {}
    const has = {
      state: state === 'fresh',
      source: lastGood?.source !== undefined || lastGood !== undefined,
      ages: lastGood?.ageMs >= 0,
      guards: guards?.last !== undefined,
      subscription: transport?.subscription !== undefined,
      connection: (transport?.connections?.length ?? 0) > 0,
      record: transport?.record !== undefined,
    }
    const lacks = Object.keys(has).filter((one) => !has[one])
    return { ok: lacks.length === 0, saw: lacks.length === 0 ? 'all of it' : `without ${lacks.join(', ')}` }
  },
}))

const isClosed = {
  name: '/explain, not switched on',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('ws')
    feed.tick(100)
    await feed.value()
    const [explain, ready] = [
      await feed.service.page('/explain?symbol=feed'),
      await feed.service.page('/ready'),
    ]
    return {
      ok: explain.status === 404 && ready.status === 200,
      saw: `/explain ${explain.status}, /ready ${ready.status}`,
    }
  },
}

const admin = WAYS.map(({ name, venue, workers }) => ({
  name: `ADMIN_PORT, ${name}`,
  only: 'ours',
  async run(bench) {
    const port = await freePort()
    const env = { ADMIN_PORT: String(port), ADMIN_TOKEN: TOKEN }
    const feed = await bench.feed(venue ?? 'ws', { workers, env })
    feed.tick(100)
    await feed.value()
    const query = new URLSearchParams(dataOf(venue)).toString()
    const paths = ['/status', `/explain?${query}`]
    const statuses = (of) =>
      Promise.all(paths.map(async (path) => (await feed.service.page(path, of)).status))
    const seen = {
      public: await statuses({}),
      'without the token': await statuses({ port }).catch(() => ['none']),
      'with it': await statuses({ port, headers: authorization }).catch(() => ['none']),
    }
    const rights = { public: 404, 'without the token': 401, 'with it': 200 }
    const ok = Object.entries(rights).every(([where, status]) => seen[where].every((one) => one === status))
    const saw = Object.entries(seen).map(([where, all]) => `${where} ${[...new Set(all)].join(' and ')}`)
    return { ok, saw: saw.join(', ') }
  },
}))

/** The first run of a loop never comes to an end, and later ones bring values. */
const hangs = [{ name: 'expose(), a loop hangs' }, { name: 'two workers, a loop hangs', workers: 2 }].map(
  ({ name, workers }) => ({
    name,
    only: 'ours',
    isLong: true,
    async run(bench) {
      const env = {
        OUTSIDE_KIND: 'hanging',
        BACKGROUND_EXECUTE_TIMEOUT: '1000',
        API_TIMEOUT: '500',
        WS_CONNECTION_OPEN_TIMEOUT: '500',
      }
      const service = await bench.service([], { env: () => env, workers })
      await service.ask({ symbol: 'A' })
      const bad = await within(
        20_000,
        () => service.page('/live'),
        ({ status }) => status === 503,
      )
      const isNamed = bad !== undefined && /OUTSIDE|trial/.test(bad.text) && /price/.test(bad.text)
      const isReplaced = await within(20_000, async () => (await service.ask({ symbol: 'A' })).status === 200)
      const isGood = await within(10_000, async () => (await service.page('/live')).status === 200)
      const ok = isNamed && isReplaced === true && isGood === true
      const seen = `/live ${bad === undefined ? 'stays 200' : `503, ${isNamed ? 'named' : 'not named'}`}`
      return {
        ok,
        saw: `${seen}; ${isReplaced ? 'replaced' : 'not replaced'}${isGood ? '' : ', /live stays 503'}`,
      }
    },
  }),
)

export const healthLines = [
  {
    name: 'provider-down',
    law: 'LC-7',
    scenario: 'the provider is out of reach, and no value is left',
    right: '`/live` and `/ready` stay 200; `/ready` shows the share of fresh feeds',
    cases: outage,
  },
  {
    name: 'essential-feed',
    law: 'LC-7',
    scenario: 'a feed is declared essential; it has no value, then one, then none',
    right: '`/ready` 503 with its reason, 200, 503; `/live` stays 200',
    cases: essential,
  },
  {
    name: 'loop-hangs',
    law: 'LC-1',
    scenario: 'one run of an adapter’s background work never ends',
    right: '`/live` 503 and the loop named; it is replaced, and brings values',
    cases: hangs,
  },
  {
    name: 'explained',
    law: 'OB-3',
    scenario: '`/explain` for one feed, with `EXPLAIN_ENABLED`, without it, and on `ADMIN_PORT`',
    right:
      'state, source, ages, guards, subscription, connection and the last record; 404 without it; on the port alone and for those with its token',
    cases: [...explanation, isClosed, ...admin],
  },
]
