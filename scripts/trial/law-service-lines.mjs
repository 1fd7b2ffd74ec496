/** Laws about the service as a whole: its store, its secrets, what it accepts, how it ends, and what it counts. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Rig } from './alive-bench.mjs'
import { secretLine } from './law-secret-line.mjs'
import { Redis } from './redis.mjs'
import { expected, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const OUTAGE_MS = 15_000
const LATE_MS = 1_000

/** What clients see while Redis is away. */
const watched = async (rig, isFresh = true) => {
  let [late, old, failed] = [0, 0, 0]
  for (const end = nowMs() + OUTAGE_MS; nowMs() < end && !rig.service.hasEnded; await pause(100)) {
    const fromMs = nowMs()
    const [answer] = await rig.ask(['A']).catch(() => [{}])
    if (nowMs() - fromMs > LATE_MS) late++
    if (answer.status !== 200) failed++
    else if (isFresh && Date.now() - answer.result > 2_000) old++
  }
  if (rig.service.hasEnded) return { ok: false, saw: 'the process has ended' }
  const ok = late + old + failed === 0
  const saw = `${failed} answers without a value, ${old} with an old one, ${late} after more than ${seconds(LATE_MS)}`
  return { ok, saw: ok ? 'every answer has a value, at once' : saw }
}

const withoutRedis = ['SIGKILL', 'SIGSTOP'].map((signal) => ({
  name: `WebSocket, ${signal === 'SIGKILL' ? 'Redis is killed' : 'Redis stands still'}`,
  isLong: true,
  async run(bench) {
    const redis = await bench.provider(new Redis())
    const env = { CACHE_TYPE: 'redis', CACHE_REDIS_HOST: '127.0.0.1', CACHE_REDIS_PORT: String(redis.port) }
    const rig = await Rig.start(bench, 'ws', { env })
    await rig.ask(['A'])
    await expected('value', 15_000, async () => (await rig.notFresh(['A'])).length === 0)
    redis.signal(signal)
    return watched(rig)
  },
}))

/** Another process holds the provider's connection. */
const reader = {
  name: 'a reader, Redis is killed',
  isLong: true,
  async run(bench) {
    const redis = await bench.provider(new Redis())
    const env = { CACHE_TYPE: 'redis', CACHE_REDIS_HOST: '127.0.0.1', CACHE_REDIS_PORT: String(redis.port) }
    const writer = await Rig.start(bench, 'ws', { env })
    const nobody = 'ws://127.0.0.1:9'
    const own = { ...env, EA_MODE: 'reader', OUTSIDE_KIND: 'ws', OUTSIDE_PROVIDER: nobody }
    const service = await bench.service([], { env: () => own })
    const rig = new Rig(service, writer.provider)
    await expected('value', 15_000, async () => (await rig.notFresh(['A'])).length === 0)
    redis.signal('SIGKILL')
    return watched(rig, false)
  },
}

const BODY = JSON.stringify({ data: { symbol: 'feed' } })
const TYPES = ['application/json; charset=utf-8', 'Application/JSON', 'application/json ;charset=UTF-8']

const lenient = [
  ...TYPES.map((type) => ({ name: `\`${type}\``, headers: { 'content-type': type }, wanted: [200] })),
  {
    name: 'a chunked body',
    headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    wanted: [200],
  },
  { name: '`text/plain`', headers: { 'content-type': 'text/plain' }, wanted: [400, 415] },
].map(({ name, headers, wanted }) => ({
  name,
  async run(bench) {
    const feed = await bench.feed('ws')
    feed.tick(100)
    await feed.value()
    const { status } = await feed.service.send(BODY, headers)
    return { ok: wanted.includes(status), saw: `${status}` }
  },
}))

const TAKEN = ['EA_PORT', 'METRICS_PORT']

const ends = async (bench, env) => {
  const service = await bench.startsNot({
    env: { OUTSIDE_KIND: 'ws', OUTSIDE_PROVIDER: 'ws://127.0.0.1:9', ...env },
  })
  return service === undefined ? 'it runs' : service.exitWithin(0)
}

const exitOf = (code) => ({
  ok: typeof code === 'number' && code !== 0,
  saw: typeof code === 'number' ? `exit ${code}` : code,
})

const noStart = [
  ...TAKEN.map((setting) => ({
    name: `${setting} is taken`,
    async run(bench) {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        return exitOf(await ends(bench, { [setting]: String(server.address().port) }))
      } finally {
        server.close()
      }
    },
  })),
  {
    name: 'a setting is no number',
    run: async (bench) => exitOf(await ends(bench, { CACHE_MAX_AGE: 'abc' })),
  },
  {
    name: 'a credential is missing',
    run: async (bench) =>
      exitOf(await ends(bench, { OUTSIDE_DECLARED: '{"sendsKey":true}', OUTSIDE_KIND: 'http' })),
  },
]

const normalEnd = {
  name: 'SIGTERM',
  async run(bench) {
    const { service } = await bench.feed('ws')
    service.signal('SIGTERM')
    const code = await service.exitWithin(10_000)
    return { ok: code === 0, saw: `exit ${code}` }
  },
}

const WATCH_MS = 10_000
const LABELS = /="((?:\\.|[^"\\])*)"/g
const labelsOf = (text) => [...new Set([...text.matchAll(LABELS)].map(([, value]) => value))]

const seriesOf = (text) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length

const refusals = {
  name: 'errors of handshakes, by their texts',
  async run(bench) {
    const upgrade = (n) => ({ status: 400 + (n % 99) })
    const env = { STREAM_HANDLER_RETRY_MAX_MS: '3000', WS_CONNECTION_OPEN_TIMEOUT: '500' }
    const rig = await Rig.start(bench, 'ws', { say: { upgrade }, env })
    await rig.ask(['A'])
    await within(WATCH_MS, () => rig.provider.connects.length >= 10)
    await pause(500)
    const raw = labelsOf(await rig.service.metrics()).filter((label) =>
      /unexpected server response/i.test(label),
    )
    return {
      ok: raw.length === 0,
      saw: raw.length === 0 ? 'none in a label' : `${raw.length} texts in labels`,
    }
  },
}

const FEEDS = 3_000
/** The default of METRICS_MAX_FEEDS. */
const MOST_NAMED = 1_000

const names = {
  name: 'what clients write',
  isLong: true,
  async run(bench) {
    const env = { LOG_LEVEL: 'error', RATE_LIMIT_CAPACITY_SECOND: '10000' }
    const rig = await Rig.start(bench, 'ws', { env })
    const ask = (from) => rig.ask(Array.from({ length: 100 }, (_, i) => `written-${from + i}`))
    await ask(0)
    await within(10_000, () => rig.provider.isTicking('written-99'))
    await ask(0)
    const few = seriesOf(await rig.service.metrics())
    for (let from = 100; from < FEEDS; from += 100) await ask(from)
    await within(20_000, () => rig.provider.isTicking(`written-${FEEDS - 1}`))
    for (let from = 0; from < FEEDS; from += 100) await ask(from)
    const text = await rig.service.metrics()
    // A feed has up to three labels with its text in them: its id, the key of its value, and that of its subscription.
    const named = new Set(labelsOf(text).flatMap((label) => label.match(/written-\d+/g) ?? []))
    const isShared = text.includes('feed_id="other"')
    return {
      ok: named.size <= MOST_NAMED && isShared,
      saw: `${few} series for 100 feeds, ${seriesOf(text)} for ${FEEDS}, of which ${named.size} are named${isShared ? ', and the others share those of "other"' : ''}`,
    }
  },
}

export const lawServiceLines = [
  {
    name: 'redis-gone',
    law: 'CA-4',
    scenario: 'the values are in Redis, too, which is killed, or stands still; the provider ticks on',
    right: 'every answer has a value that still lives, at once',
    cases: [...withoutRedis, reader],
  },
  secretLine,
  {
    name: 'content-type',
    law: 'HT-2',
    scenario: 'JSON is sent under all the names that its type may have, chunked, or as text',
    right: '200, or 400 or 415 for what is no JSON',
    cases: lenient,
  },
  {
    name: 'exit-codes',
    law: 'LC-2',
    scenario: 'a port is taken, a setting is bad, a credential is missing; or SIGTERM',
    right: 'not 0; 0 after SIGTERM',
    cases: [...noStart, normalEnd],
  },
  {
    name: 'labels',
    law: 'OB-1',
    scenario: `handshakes are refused with ever new texts; ${FEEDS} feeds are asked for`,
    right:
      'no label holds a text of the provider’s; no more than 1000 feeds are named, all others share a label',
    cases: [refusals, names],
  },
]
