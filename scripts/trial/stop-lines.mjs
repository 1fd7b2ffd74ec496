/** What becomes of requests when the service is told to stop. */
import { Rig } from './alive-bench.mjs'
import { BusyClient, requestOf } from './clients.mjs'
import { expected, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

/** The three ways in which a service runs. The first is the small adapter by itself, which the reference has, too. */
const WAYS = [
  { name: 'expose()' },
  { name: 'the service', venue: 'coinbase', only: 'ours' },
  { name: 'two workers', workers: 2, only: 'ours' },
]

const CLIENTS = 15
const ROUNDS = 6
/** Docker kills what has not ended after ten seconds. */
const DEADLINE_MS = 10_000

/** Values that tick all the time, and clients that ask all the time. */
const busyRound = async (bench, { venue, workers }) => {
  const feed = await bench.feed(venue ?? 'ws', { workers })
  feed.tick(100)
  await feed.value()
  const data = venue === undefined ? { symbol: 'feed' } : { base: 'ETH', quote: 'USD' }
  const clients = Array.from({ length: CLIENTS }, () => new BusyClient(feed.service.port, requestOf(data)))
  await expected('answers', 10_000, () => clients.every(({ answers }) => answers.length > 10))
  await pause(Math.random() * 100)
  feed.service.signal('SIGTERM')
  const code = await feed.service.exitWithin(DEADLINE_MS)
  await within(1_000, () => clients.every(({ isClosed }) => isClosed))
  for (const client of clients) client.destroy()
  return {
    code,
    lost: clients.reduce((sum, { lost }) => sum + lost, 0),
    told: clients.filter(({ wasToldToClose }) => wasToldToClose).length,
    bad: clients.flatMap(({ answers }) => answers).filter(({ status }) => status !== 200).length,
  }
}

const busy = WAYS.map(({ name, only, ...way }) => ({
  name,
  only,
  isLong: true,
  async run(bench) {
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await busyRound(bench, way))
    const sum = (of) => rounds.reduce((total, round) => total + of(round), 0)
    const [lost, told, bad] = [sum((r) => r.lost), sum((r) => r.told), sum((r) => r.bad)]
    const codes = [...new Set(rounds.map(({ code }) => code ?? 'still running'))]
    const all = CLIENTS * ROUNDS
    const ok = lost === 0 && bad === 0 && told === all && codes.every((code) => code === 0)
    if (ok) return { ok, saw: `none lost, every connection told to close, exit 0` }
    return {
      ok,
      saw: `${lost} requests lost, ${told} of ${all} connections told to close, ${bad} answers that are none, exit ${codes.join(', ')}`,
    }
  },
}))

/** The contract's patience of a request for its first value. */
const PATIENT = { CACHE_POLLING_MAX_RETRIES: undefined, CACHE_POLLING_SLEEP_MS: undefined }

const waiting = WAYS.filter(({ venue }) => venue === undefined).map(({ name, only, workers }) => ({
  name,
  only,
  async run(bench) {
    // Of the two feeds one gets its first value after the signal, and the other never does.
    const say = { subscribe: () => false }
    const rig = await Rig.start(bench, 'ws', { say, env: PATIENT, workers })
    const { provider, service } = rig
    const ask = (symbol) => new BusyClient(service.port, requestOf({ symbol }), { isBusy: false })
    const clients = ['SOON', 'NEVER'].map(ask)
    await expected('subscription', 10_000, () => provider.log('subscribe').length === 2)
    service.signal('SIGTERM')
    await pause(300)
    provider.send({ symbol: 'SOON', result: 100 })
    const code = await service.exitWithin(DEADLINE_MS)
    await within(1_000, () => clients.every(({ isClosed }) => isClosed))
    const [soon, never] = clients.map(({ answers: [answer], wasToldToClose }) =>
      answer === undefined ? 'cut' : `${answer.status}${wasToldToClose ? '' : ', not told to close'}`,
    )
    for (const client of clients) client.destroy()
    const left = new Set(provider.log('unsubscribe').flatMap(({ symbols }) => symbols))
    const ok =
      soon === '200' && never === '504' && left.size === 2 && provider.closeCodes[0] === 1000 && code === 0
    const saw = `with a value ${soon}, without ${never}, ${left.size} of 2 unsubscribed, closed with ${provider.closeCodes.join(', ') || 'nothing'}, exit ${code ?? 'none'}`
    return { ok, saw: ok ? 'both answered, unsubscribed, closed with 1000, exit 0' : saw }
  },
}))

/** A request whose body does not come, and a provider that does not confirm the end of the connection. */
const hung = async (bench, workers) => {
  const connected = (connection) => (connection.close = () => {})
  const rig = await Rig.start(bench, 'ws', { say: { connected }, workers })
  await rig.ask(['A'])
  await expected('tick', 10_000, () => rig.provider.isTicking('A'))
  for (const { _socket: socket } of new Set(rig.provider.log('subscribe').map((one) => one.connection)))
    socket.pause()
  const client = new BusyClient(rig.service.port, requestOf({ symbol: 'A' }).slice(0, -5), { isBusy: false })
  await pause(200)
  return { ...rig, client }
}

const deadline = WAYS.filter(({ venue }) => venue === undefined).map(({ name, only, workers }) => ({
  name: `${name}, one signal`,
  only,
  isLong: true,
  async run(bench) {
    const { service, client } = await hung(bench, workers)
    const fromMs = nowMs()
    service.signal('SIGTERM')
    const code = await service.exitWithin(DEADLINE_MS)
    client.destroy()
    const tookMs = nowMs() - fromMs
    return {
      ok: code === 0,
      saw: code === undefined ? `still there after ${seconds(tookMs)}` : `exit ${code} in time`,
    }
  },
}))

const AT_ONCE_MS = 1_500

const second = WAYS.filter(({ venue }) => venue === undefined).map(({ name, only, workers }) => ({
  name: `${name}, two signals`,
  only,
  async run(bench) {
    const { service, client } = await hung(bench, workers)
    service.signal('SIGTERM')
    await pause(300)
    const wasRunning = !service.hasEnded
    service.signal('SIGTERM')
    const code = await service.exitWithin(AT_ONCE_MS)
    client.destroy()
    const saw = code === undefined ? 'not ended by the second' : 'ended by the second'
    return { ok: wasRunning && code !== undefined, saw: wasRunning ? saw : `ended by the first with ${code}` }
  },
}))

const DRAIN_MS = 1_500

const unready = WAYS.map(({ name, workers, venue }) => ({
  name,
  only: 'ours',
  async run(bench) {
    const env = { STOP_DRAIN_MS: String(DRAIN_MS) }
    const feed = await bench.feed(venue ?? 'ws', { env, workers })
    feed.tick(100)
    await feed.value()
    const before = await feed.service.page('/ready')
    feed.service.signal('SIGTERM')
    await pause(200)
    const [after, answer] = [await feed.service.page('/ready'), await feed.ask()]
    const code = await feed.service.exitWithin(DEADLINE_MS)
    const ok = before.status === 200 && after.status === 503 && answer.status === 200 && code === 0
    const saw = `/ready ${before.status}, then ${after.status}, requests ${answer.status}, exit ${code}`
    return { ok, saw }
  },
}))

export const stopLines = [
  {
    name: 'stop-busy',
    law: 'LC-3',
    scenario: `SIGTERM while ${CLIENTS} kept connections send one request after the other; ${ROUNDS} times`,
    right: 'every request is answered, and every connection told to close; exit 0',
    cases: busy,
  },
  {
    name: 'stop-waiting',
    law: 'LC-3',
    scenario: 'SIGTERM while two requests wait for first values, one of which comes then',
    right: 'both are answered, then unsubscribed, closed with 1000; exit 0',
    cases: waiting,
  },
  {
    name: 'stop-hung',
    law: 'LC-3',
    scenario:
      'SIGTERM once, or twice, while a request’s body does not come and the provider does not answer a close',
    right: `exit 0 within ${DEADLINE_MS / 1_000} s; the second signal ends it at once`,
    cases: [...deadline, ...second],
  },
  {
    name: 'stop-unready',
    law: 'LC-3, LC-7',
    scenario: `SIGTERM with \`STOP_DRAIN_MS=${DRAIN_MS}\``,
    right: '`/ready` answers 503, and requests are answered meanwhile',
    cases: unready,
  },
]
