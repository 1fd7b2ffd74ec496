/** What clients may cost that send too much, too slowly, or something else. */
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { certificateIn } from './certificates.mjs'
import { requestOf } from './clients.mjs'
import { Rig } from './alive-bench.mjs'
import { WsProvider } from './providers.mjs'
import { freePort } from '../outside/service.mjs'
import { expected, meanwhile, nowMs, pause, within } from '../outside/waiting.mjs'

const WAYS = [{ name: 'expose()' }, { name: 'two workers', workers: 2, only: 'ours' }]

/** One connection, and the status of every answer that comes on it. */
class Raw {
  text = ''
  isClosed = false

  constructor(port, { make = connect, host = '127.0.0.1' } = {}) {
    this.socket = make({ port, host, rejectUnauthorized: false, allowHalfOpen: true })
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => (this.text += chunk.toString('latin1')))
    this.socket.on('error', () => {})
    for (const event of ['end', 'close']) this.socket.on(event, () => (this.isClosed = true))
  }

  send(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes, 'latin1')
  }

  /** An answer begins where a line does, or where a body ends. */
  get statuses() {
    return [...this.text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status))
  }

  destroy() {
    this.isClosed = true
    this.socket.destroy()
  }
}

const KNOWN = requestOf({ symbol: 'feed' })
const HEAD = 'POST / HTTP/1.1\r\nhost: trial\r\ncontent-type: application/json\r\n'
const BODY = '{"data":{"symbol":"feed"}}'

/**
 * What follows a known request in the same packet, and the statuses that are sent for both. Of a request with a body, and rubbish right behind
 * it, Node's parser finds the rubbish first.
 */
const BEHIND = {
  'no HTTP at all': ['rubbish\r\n\r\n', [400]],
  'a single byte': ['\0', [400]],
  'a header without a colon': ['GET / HTTP/1.1\r\nhost trial\r\n\r\n', [400]],
  'two lengths': [`${HEAD}content-length: 26\r\ncontent-length: 27\r\n\r\n${BODY}`, [400]],
  'another version': ['POST / HTTP/3.7\r\nhost: trial\r\n\r\n', [400]],
  'a second known one': [KNOWN, [200, 200]],
  'a second known one, and rubbish': [`${KNOWN}rubbish\r\n\r\n`, [200, 400]],
  'two more known ones, and a single byte': [`${KNOWN}${KNOWN}\0`, [200, 200, 400]],
  'a second known one, and two lengths': [
    `${KNOWN}${HEAD}content-length: 26\r\ncontent-length: 27\r\n\r\n${BODY}`,
    [200, 400],
  ],
}

const told = async (port, behind) => {
  const client = new Raw(port)
  const answered = (count) => within(3_000, () => client.statuses.length >= count || client.isClosed)
  try {
    // The connection is known, and so is the request.
    for (let i = 1; i <= 3; i++) {
      client.send(KNOWN)
      await answered(i)
    }
    const before = client.statuses.length
    client.send(`${KNOWN}${behind}`)
    await within(1_000, () => client.isClosed)
    return client.statuses.slice(before)
  } finally {
    client.destroy()
  }
}

const behind = [
  ...WAYS,
  { name: 'expose(), the parser alone', env: { FAST_LANE_ENABLED: 'false' }, only: 'ours' },
].map(({ name, workers, env, only }) => ({
  name,
  only,
  async run(bench) {
    const feed = await bench.feed('ws', { workers, env })
    feed.tick(100)
    await feed.value()
    const wrong = []
    for (const [what, [bytes, right]] of Object.entries(BEHIND)) {
      const statuses = await told(feed.service.port, bytes)
      if (statuses.join() !== right.join()) wrong.push(`${what}: ${statuses.join(', ') || 'nothing'}`)
    }
    return { ok: wrong.length === 0, saw: wrong.length === 0 ? 'all as the parser has it' : wrong.join('; ') }
  },
}))

const CONNECTIONS = 300
/** For longer than any honest client takes to send its request. */
const PATIENCE_MS = 45_000

const COMPLETE = Buffer.byteLength(BODY)
const UNFINISHED = {
  'half a body': { begin: () => `${HEAD}content-length: ${COMPLETE}\r\n\r\n${BODY.slice(0, 10)}` },
  'half a head': { begin: () => HEAD },
  'nothing at all': { begin: () => '' },
  'a byte of the body a second': {
    begin: () => `${HEAD}content-length: 1000000\r\n\r\n{`,
    drip: ' ',
  },
  'a byte of the head a second': { begin: () => `${HEAD}x-trial: `, drip: 'x' },
}

const unfinished = [
  ...Object.entries(UNFINISHED).map(([name, of]) => ({ name: `expose(), ${name}`, of })),
  { name: 'two workers, half a body', of: UNFINISHED['half a body'], workers: 2, only: 'ours' },
  { name: 'TLS, half a body', of: UNFINISHED['half a body'], isTls: true },
  { name: 'TLS, no handshake', of: UNFINISHED['nothing at all'], isTls: true, isBare: true },
  { name: 'METRICS_PORT, half a head', of: UNFINISHED['half a head'], isMetrics: true },
].map(({ name, of: { begin, drip }, workers, only, isTls = false, isBare = false, isMetrics = false }) => ({
  name,
  only,
  isLong: true,
  async run(bench) {
    const metricsPort = await freePort()
    const plain = { METRICS_PORT: String(metricsPort) }
    const env = isTls ? { ...plain, ...tlsEnv(bench) } : plain
    const { service } = await bench.feed('ws', { workers, env })
    const port = isMetrics ? metricsPort : service.port
    const make = isTls && !isBare ? connectTls : connect
    const count = isTls ? CONNECTIONS / 3 : CONNECTIONS
    const clients = Array.from({ length: count }, () => new Raw(port, { make }))
    for (const client of clients) client.send(begin())
    const fromMs = nowMs()
    const open = () => clients.filter(({ isClosed }) => !isClosed)
    const dripping = () => drip !== undefined && open().forEach((client) => client.send(drip))
    await meanwhile(1_000, dripping, () => within(PATIENCE_MS, () => open().length === 0))
    const left = open().length
    for (const client of clients) client.destroy()
    const tookMs = nowMs() - fromMs
    const saw =
      left === 0 ? 'all closed' : `${left} of ${count} open after ${Math.round(tookMs / 1_000)} seconds`
    return { ok: left === 0, saw }
  },
}))

const tlsEnv = (bench) => {
  const certificate = certificateIn(bench.folder, 'server')
  // As all frameworks take it.
  const [cert, key] = [certificate.cert, certificate.key].map((pem) => Buffer.from(pem).toString('base64'))
  return { TLS_ENABLED: 'true', TLS_PUBLIC_KEY: cert, TLS_PRIVATE_KEY: key, TLS_CA: cert }
}

const REQUESTS = 500
const MOST_LINES = 20

/** Lines from `info` on; those with a stack; and how much all of it is. */
const logged = ({ lines, output }, from) => {
  const said = lines.slice(from).filter(({ level }) => !['trace', 'debug', 10, 20].includes(level))
  const stacks = said.filter((line) => /\\n\s+at /.test(JSON.stringify(line))).length
  return {
    count: said.length,
    stacks,
    kib: Math.round((JSON.stringify(said).length + output.length) / 1_024),
  }
}

const inParallel = async (count, atOnce, act) => {
  let next = 0
  const worker = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const leaving = (bytes) => (service) =>
  inParallel(REQUESTS, 50, async () => {
    const client = new Raw(service.port)
    await new Promise((resolve) => client.socket.once('connect', resolve).once('close', resolve))
    client.send(bytes)
    await pause(30)
    client.destroy()
  })
const sending =
  (body, type = 'application/json') =>
  (service) =>
    inParallel(REQUESTS, 20, (n) =>
      service.send(typeof body === 'function' ? body(n) : body, { 'content-type': type }).catch(() => {}),
    )
const asking = (count, name) => (service) =>
  inParallel(count, 50, (n) => service.ask({ symbol: name(n) }).catch(() => {}))

/** What clients do that is no fault of ours. */
const NOISE = {
  'bodies that are no JSON': { act: sending('{"data":') },
  'bodies that are no JSON, each another': { act: sending((n) => `{"data":${n}x`) },
  'parameters that are missing': { act: sending('{"data":{}}') },
  'endpoints that there are not': { act: sending((n) => `{"data":{"endpoint":"no-${n}","symbol":"A"}}`) },
  'another type of content': { act: sending('symbol=A', 'application/xml') },
  'bodies that are too large': { act: sending(`{"data":{"symbol":"${'x'.repeat(2 ** 20)}"}}`) },
  'no HTTP': { act: leaving('rubbish\r\n\r\n') },
  'clients that leave in the middle of a body': {
    act: leaving(`${HEAD}content-length: 1000\r\n\r\n${BODY.slice(0, 10)}`),
  },
  'clients that leave before the answer': {
    act: leaving(requestOf({ symbol: 'MUTE' })),
    env: { CACHE_POLLING_MAX_RETRIES: undefined },
  },
  'more feeds than there may be subscribed': {
    act: asking(3_000, (n) => `S${n}`),
    env: { SUBSCRIPTION_SET_MAX_ITEMS: '1000' },
  },
  'more values than may be kept': {
    act: async (service) => {
      await asking(3_000, (n) => `S${n}`)(service)
      await pause(2_000)
      await asking(3_000, (n) => `S${n}`)(service)
    },
    env: { CACHE_MAX_ITEMS: '1000' },
  },
}

const noise = Object.entries(NOISE).map(([name, { act, env }]) => ({
  name,
  async run(bench) {
    const rig = await Rig.start(bench, 'ws', { say: { subscribe: (_, symbol) => symbol === 'A' }, env })
    await rig.ask(['A'])
    await expected('tick', 10_000, () => rig.provider.isTicking('A'))
    await pause(500)
    const from = rig.service.lines.length
    await act(rig.service)
    await pause(1_000)
    const { count, stacks, kib } = logged(rig.service, from)
    const ok = count <= MOST_LINES && stacks <= 1
    const saw = ok
      ? `at most ${MOST_LINES} lines, one stack`
      : `${count} lines, ${stacks} with a stack, ${kib} KiB`
    return { ok, saw }
  },
}))

const LONG = 950_000
const FLOOD = 600
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=256' }

/** Reads what it is sent, and keeps nothing of long names. */
const forgetful = () =>
  new WsProvider(() => ({
    read: ({ op, symbols }) => ({ [op]: symbols.filter((symbol) => symbol.length < 100) }),
    tick: (symbol, quote) => ({ symbol, ...quote }),
  }))

const longNames = [
  { name: 'WebSocket', kind: 'ws' },
  { name: 'HTTP polling', kind: 'http' },
  { name: 'WebSocket, two workers', kind: 'ws', workers: 2, only: 'ours' },
].map(({ name, kind, workers, only }) => ({
  name: `${name}, ${FLOOD} of them`,
  only,
  isLong: true,
  async run(bench) {
    const provider = forgetful()
    const env = () => ({
      OUTSIDE_KIND: kind,
      OUTSIDE_PROVIDER: kind === 'ws' ? provider.url : 'http://127.0.0.1:9',
      ...SMALL_HEAP,
    })
    const service = await bench.service([provider], { env, workers })
    const isAsked = kind === 'ws'
    if (isAsked) await serve(service, provider, 'before')
    let answered = 0
    const pids = () =>
      workers === undefined ? [service.pid] : [1, 2].map((i) => service.process(`worker-${i}`))
    const first = pids()
    await inParallel(FLOOD, 4, async (n) => {
      const answer = await service.ask({ symbol: `z${n}${'x'.repeat(LONG)}` }).catch(() => undefined)
      if (answer !== undefined) answered++
    })
    await pause(500)
    if (service.hasEnded) return { ok: false, saw: `the process has ended after ${answered} requests` }
    if (pids().join() !== first.join()) return { ok: false, saw: 'a worker has ended' }
    const isServed = !isAsked || (await serve(service, provider, 'before'))
    const health = await service.page('/health').catch(() => ({}))
    const ok = isServed && health.status === 200
    return { ok, saw: ok ? 'the process lives, and serves others' : 'it serves others no more' }
  },
}))

/** It ticks until its value is there, on every connection: silent feeds are tried on further ones. */
const serve = (service, provider, symbol) =>
  meanwhile(
    500,
    () => provider.send({ symbol, result: 100 }),
    async () => {
      const ask = () => service.ask({ symbol }).catch(() => ({}))
      return (await within(20_000, ask, ({ status }) => status === 200)) !== undefined
    },
  )

/** Nothing below the limit of a body is refused for its length: lists of addresses are long. */
const lawful = {
  name: 'a few of them',
  async run(bench) {
    const provider = new WsProvider()
    const env = () => ({ OUTSIDE_KIND: 'ws', OUTSIDE_PROVIDER: provider.url })
    const service = await bench.service([provider], { env })
    for (let n = 0; n < 3; n++) {
      const symbol = `z${n}${'x'.repeat(LONG)}`
      provider.tick(symbol, { result: n + 1 })
      const seen = await within(
        10_000,
        () => service.ask({ symbol }),
        ({ result }) => result === n + 1,
      )
      if (seen === undefined) return { ok: false, saw: 'one has no value' }
    }
    return { ok: true, saw: 'each has its value' }
  },
}

export const clientLines = [
  {
    name: 'rubbish-behind',
    law: 'HT-1',
    scenario: 'behind requests that were sent before, in the same packet, there is something else',
    right: 'statuses, and their order, are those of the HTTP parser',
    cases: behind,
  },
  {
    name: 'unfinished-requests',
    law: 'RS-1',
    scenario: `${CONNECTIONS} connections with a request that does not come to its end`,
    right: `all are closed within ${PATIENCE_MS / 1_000} s`,
    cases: unfinished,
  },
  {
    name: 'noise-of-clients',
    law: 'OB-4',
    scenario: `${REQUESTS} requests that are no good, clients that leave, more feeds than there is room for`,
    right: `at most ${MOST_LINES} lines of the log for each kind, one of them with a stack`,
    cases: noise,
  },
  {
    name: 'long-parameters',
    law: 'RS-1, RS-7',
    scenario: `parameters of ${LONG / 1_000} kB, each another; a heap of 256 MiB`,
    right: 'a few are served; beyond, the process lives and serves others',
    cases: [...longNames, lawful],
  },
]
