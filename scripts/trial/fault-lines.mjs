/** Processes that stand still, mistakes of authors, and what an old connection or a heartbeat may change: nothing. */
import { Buffer } from 'node:buffer'
import { Agent } from 'node:http'
import { Rig } from './alive-bench.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { coinbaseHeartbeat } from './venues.mjs'
import { expected, meanwhile, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const CLIENTS = 8
/** Whoever is at a process that stands still is somewhere else after this. */
const LIMIT_MS = 9_000
const WATCH_MS = 25_000

/** A client that keeps its connection for as long as it can, and the longest time for which it had no answer. */
const keeping = (service, data, until) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const seen = { longestMs: 0, statuses: new Set() }
  const ask = async () => {
    let answeredMs = nowMs()
    while (!until.isOver) {
      const answer = await service.ask(data, agent).catch(() => undefined)
      if (answer === undefined) agent.destroy()
      else {
        seen.longestMs = Math.max(seen.longestMs, nowMs() - answeredMs)
        seen.statuses.add(answer.status)
        answeredMs = nowMs()
      }
      await pause(100)
    }
    seen.longestMs = Math.max(seen.longestMs, nowMs() - answeredMs)
    agent.destroy()
  }
  seen.done = ask()
  return seen
}

const stopped = ['worker-1', 'writer'].map((role) => ({
  name: `coinbase, ${role}`,
  only: 'ours',
  isLong: true,
  async run(bench) {
    const feed = await bench.feed('coinbase', { workers: 2, env: { CACHE_MAX_AGE: '3000' } })
    const { service } = feed
    feed.tick(100)
    await feed.value()
    const over = { isOver: false }
    const tick = () => feed.tick(Date.now() % 100_000)
    return meanwhile(200, tick, async () => {
      const clients = Array.from({ length: CLIENTS }, () =>
        keeping(service, { base: 'ETH', quote: 'USD' }, over),
      )
      await pause(500)
      const pid = await expected(`pid of ${role}`, 10_000, () => service.process(role))
      process.kill(pid, 'SIGSTOP')
      const isSaid = async () => {
        // The process that stands still may have got this connection: then another one tells.
        const asked = Promise.all(
          ['/ready', '/live'].map((path) => service.page(path).catch(() => undefined)),
        )
        const pages = await Promise.race([asked, pause(500).then(() => [])])
        return pages.some((page) => page !== undefined && page.text.includes(role))
      }
      const said = within(WATCH_MS, isSaid)
      const isReplaced = await within(WATCH_MS, () => service.process(role) !== pid)
      const isBack = await within(10_000, async () => (await feed.ask()).status === 200)
      over.isOver = true
      await Promise.all(clients.map(({ done }) => done))
      const longestMs = Math.max(...clients.map((client) => client.longestMs))
      const wasSaid = (await said) === true
      const ok = longestMs <= LIMIT_MS && isReplaced === true && isBack === true && wasSaid
      const saw = `longest time without an answer ${seconds(longestMs)}, ${isReplaced ? 'replaced' : 'not replaced'}, ${wasSaid ? 'said' : 'not said'} by /ready or /live`
      return { ok, saw: ok ? 'answered by others within seconds, said, and replaced' : saw }
    }).finally(() => (over.isOver = true))
  },
}))

const MISTAKES = ['rejection', 'exception']

const late = [{ name: 'expose()' }, { name: 'two workers', workers: 2, only: 'ours' }].flatMap(
  ({ name, workers, only }) =>
    MISTAKES.map((mistake) => ({
      name: `${name}, ${mistake}`,
      only,
      async run(bench) {
        const feed = await bench.feed('ws', { workers })
        feed.tick(100)
        await feed.value()
        feed.provider.send({ late: mistake })
        await pause(300)
        let value = 100
        const isNew = ({ status, result }) => status === 200 && result > 101
        const ask = () => feed.ask().catch(() => ({}))
        const served = await meanwhile(
          200,
          () => feed.tick(++value),
          () => within(15_000, ask, isNew),
        )
        if (feed.service.hasEnded) return { ok: false, saw: 'the process has ended' }
        const isLogged = feed.service.lines.some((line) => JSON.stringify(line).includes(`a late ${mistake}`))
        const ok = served !== undefined && isLogged
        const saw = `${served === undefined ? 'no values any more' : 'goes on'}, ${isLogged ? 'logged' : 'not logged'}`
        return { ok, saw }
      },
    })),
)

const lateShown = MISTAKES.map((mistake) => ({
  name: `/live, ${mistake}`,
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('ws')
    feed.tick(100)
    await feed.value()
    feed.provider.send({ late: mistake })
    const isShown = ({ text }) => text.includes('OUTSIDE') && text.includes(`a late ${mistake}`)
    const seen = await within(5_000, () => feed.service.page('/live').catch(() => ({ text: '' })), isShown)
    return { ok: seen !== undefined, saw: seen === undefined ? 'not shown' : 'shown with its adapter' }
  },
}))

const UNRESPONSIVE_MS = 2_000
/** After this nothing comes any more of what the old connection said. */
const SETTLED_MS = 2_000

/** The first of two servers goes silent, the second one takes over, and then the first one comes to life. */
const oldConnection = {
  name: 'WebSocket, two URLs',
  isLong: true,
  async run(bench) {
    const [first, second] = [new CountingProvider(), new CountingProvider()]
    const env = { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: String(UNRESPONSIVE_MS) }
    // Nobody goes back by plan while it is looked.
    const declared = () => ({
      urls: [first.url, second.url],
      failover: { dwellMs: 600_000, returnAfterMs: 600_000 },
    })
    const rig = await Rig.start(bench, 'ws', { providers: [first, second], declared, env })
    await rig.ask(['A'])
    await expected('tick of the first', 10_000, () => first.isTicking('A'))
    const [{ connection }] = first.log('subscribe')
    connection._socket.pause()
    first.forget('A')
    await expected('tick of the second', 20_000, async () => (await rig.ask(['A']), second.isTicking('A')))
    await expected('value of the second', 5_000, async () => (await rig.notFresh(['A'])).length === 0)
    const known = second.closeCodes.length
    const from = nowMs()
    // As if it had been on its way all the time.
    connection._socket.write(frameOf({ symbol: 'A', result: 666 }), () =>
      connection._socket.resetAndDestroy(),
    )
    connection._socket.resume()
    let wrong = 0
    for (const end = from + SETTLED_MS; nowMs() < end; await pause(20))
      if ((await rig.ask(['A']))[0].result === 666) wrong++
    const closed = second.closeCodes.length - known
    const isTicking = second.isTicking('A')
    const ok = wrong === 0 && closed === 0 && isTicking
    const saw = `${wrong > 0 ? 'its late value was served' : 'its late value was not served'}, the new connection ${closed > 0 || !isTicking ? 'was closed' : 'stays'}`
    return { ok, saw }
  },
}

/** A text frame of a server, unmasked. */
const frameOf = (message) => {
  const text = Buffer.from(JSON.stringify(message))
  return Buffer.from([0x81, text.length, ...text])
}

const LIFE_MS = 2_000

/** Coinbase's heartbeat names the last trade: the same one confirms the value, another one does not. */
const beats = [
  { name: 'the same trade', of: 1, confirms: true },
  { name: 'newer trades', of: 1_000_000, confirms: false },
].map(({ name, of, confirms }) => ({
  name: `coinbase, ${name}`,
  only: 'ours',
  async run(bench) {
    const env = { CACHE_MAX_AGE: String(LIFE_MS) }
    const feed = await bench.feed('coinbase', { env })
    feed.tick(100, { sequence: 1 })
    await feed.value()
    feed.provider.subscribed.clear()
    const beat = () => feed.provider.send(coinbaseHeartbeat(feed.symbol, of))
    const isGone = ({ status }) => status !== 200
    const gone = await meanwhile(300, beat, () => within(3 * LIFE_MS, () => feed.ask(), isGone))
    const saw = gone === undefined ? 'the value lives on' : 'the value has ended'
    return { ok: (gone === undefined) === confirms, saw }
  },
}))

export const faultLines = [
  {
    name: 'process-stands-still',
    law: 'LC-1',
    scenario: `one of the processes of \`WORKERS=2\` stands still (SIGSTOP); ${CLIENTS} clients keep their connections`,
    right: `they are answered again within ${LIMIT_MS / 1_000} s; \`/ready\` or \`/live\` names it; it is replaced`,
    cases: stopped,
  },
  {
    name: 'late-mistake',
    law: 'IS-2, IS-4',
    scenario: 'an adapter’s code rejects or throws when nobody waits for it any more',
    right: 'the process goes on, with new values; logged, and shown in `/live`',
    cases: [...late, ...lateShown],
  },
  {
    name: 'old-connection',
    law: 'CN-1',
    scenario:
      'a silent connection is replaced by one to the next URL; then a late value comes on the old one, and its end',
    right: 'the new one stays, and the late value is not served',
    cases: [oldConnection],
  },
  {
    name: 'heartbeat',
    law: 'FR-3, FR-4',
    scenario: 'after one value of Coinbase only heartbeats come: of the same trade, or of newer ones',
    right: 'the same trade confirms the value, newer ones do not',
    cases: beats,
  },
]
