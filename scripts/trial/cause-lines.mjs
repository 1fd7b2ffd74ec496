/** What whoever asks for a feed without a value is told, and how soon. */
import { gzipSync } from 'node:zlib'
import { codeOf, Rig } from './alive-bench.mjs'
import { WsProvider } from './providers.mjs'
import { venues } from './venues.mjs'
import { WAYS } from './ways.mjs'
import { reasonIn } from '../outside/service.mjs'
import { expected, meanwhile, nowMs, pause, seconds, within } from '../outside/waiting.mjs'

const REASON_MS = 8_000

/** As an operator runs it: no setting of the trial's makes it quicker. */
const DEFAULTS = Object.fromEntries(
  [
    'CACHE_POLLING_MAX_RETRIES',
    'BACKGROUND_EXECUTE_MS_WS',
    'BACKGROUND_EXECUTE_MS_SSE',
    'BACKGROUND_EXECUTE_MS_HTTP',
    'STREAM_HANDLER_RETRY_MIN_MS',
  ].map((name) => [name, undefined]),
)

/** A request waits for 2.2 s by default. */
const FIRST_MS = 1_500
const LATER_MS = 500

const NOBODY = { 'a port that is refused': '127.0.0.1:4', 'a host that is not there': 'nobody.invalid' }

/** What is wrong with an address, or with a host after some attempts. */
const NETWORK = ['network', 'provider']

const timed = async (ask) => {
  const fromMs = nowMs()
  const answer = await ask()
  return { answer, tookMs: nowMs() - fromMs }
}

const hopeless = Object.entries(NOBODY).flatMap(([what, address]) =>
  [
    ...Object.entries(WAYS).map(([kind, name]) => ({ name, kind })),
    { name: 'WebSocket, two workers', kind: 'ws', workers: 2, only: 'ours' },
    { name: 'coinbase', venue: 'coinbase', only: 'ours' },
  ].map(({ name, kind, workers, venue, only }) => ({
    name: `${name}, ${what}`,
    only,
    async run(bench) {
      const url = `${kind === 'http' || kind === 'sse' ? 'http' : 'ws'}://${address}`
      const own =
        venue === undefined ? { OUTSIDE_KIND: kind, OUTSIDE_PROVIDER: url } : { [venues[venue].setting]: url }
      const service = await bench.service([], { venue, workers, env: () => ({ ...DEFAULTS, ...own }) })
      const data = venue === undefined ? { symbol: 'A' } : { base: 'ETH', quote: 'USD' }
      const first = await timed(() => service.ask(data))
      await pause(200)
      const later = []
      for (let i = 0; i < 3; i++) later.push(await timed(() => service.ask(data)))
      const laterMs = Math.max(...later.map(({ tookMs }) => tookMs))
      const all = [first, ...later].map(({ answer }) => answer)
      const isNamed = all.every(
        ({ status, body }) => status === 504 && NETWORK.includes(reasonIn(body)?.class),
      )
      const ok = isNamed && first.tookMs <= FIRST_MS && laterMs <= LATER_MS
      const named = isNamed ? 'named' : 'not named'
      if (ok) return { ok, saw: 'the first within one attempt, later ones at once, the cause named' }
      return {
        ok,
        saw: `after ${seconds(first.tookMs)}, later ones after ${seconds(laterMs)}, the cause ${named}`,
      }
    },
  })),
)

/** Asks until the answer is as it should be, and says what it was in the end. */
const told = async (ask, isRight, shown) => {
  const seen = await within(REASON_MS, ask, isRight)
  return { ok: seen !== undefined, saw: shown(seen ?? (await ask())) }
}

const shownReason = ({ status, body, why }) => {
  const reason = reasonIn(body)
  if (reason !== undefined) return `${status}, ${reason.class ?? 'no class'}: ${reason.code}`
  return status === 200 ? '200' : `${status} without a reason${why === undefined ? '' : ` (${why})`}`
}

const isNoData = ({ body }) => {
  const { code, message } = reasonIn(body) ?? {}
  return code === 'NO_DATA' && /connected|open/i.test(message) && /subscribed/i.test(message)
}

const noData = [
  { name: 'WebSocket', kind: 'ws' },
  { name: 'SSE', kind: 'sse' },
  { name: 'WebSocket, two workers', kind: 'ws', workers: 2, only: 'ours' },
].map(({ name, kind, workers, only }) => ({
  name,
  only,
  async run(bench) {
    const rig = await Rig.start(bench, kind, {
      say: { subscribe: (_, symbol) => symbol !== 'MUTE' },
      workers,
    })
    await rig.ask(['A', 'MUTE'])
    await expected('tick', 10_000, () => rig.provider.isTicking('A'))
    const saw = (answer) => (isNoData(answer) ? 'NO_DATA, with what was seen' : shownReason(answer))
    return told(async () => (await rig.ask(['MUTE']))[0], isNoData, saw)
  },
}))

/** What a venue says where it should say for which symbol. */
const SAID = 'the trial is not authorised'

const unnamedErrors = {
  kraken: {
    read: ({ method, req_id }) => (method === 'ping' ? { method: 'pong', req_id } : undefined),
    error: { method: 'subscribe', success: false, error: SAID },
  },
  coinbase: { error: { type: 'error', message: 'Failed to subscribe', reason: SAID } },
  bitfinex: { error: { event: 'error', msg: SAID, code: 10_100 } },
}

const unnamed = Object.entries(unnamedErrors).map(([venue, { read, error }]) => ({
  name: venue,
  only: 'ours',
  async run(bench) {
    const protocol = () => ({
      greeting: () => (venue === 'bitfinex' ? [{ event: 'info', version: 2, platform: { status: 1 } }] : []),
      read(message) {
        const pong = read?.(message)
        if (pong !== undefined) return { answers: [pong] }
        return message.event === 'conf'
          ? { answers: [{ event: 'conf', status: 'OK', flags: message.flags }] }
          : { answers: [error] }
      },
    })
    const provider = new WsProvider(protocol)
    const env = () => ({ [venues[venue].setting]: provider.url })
    const service = await bench.service([provider], { venue, env })
    const says = ({ status, body }) => status !== 200 && JSON.stringify(reasonIn(body) ?? '').includes(SAID)
    return told(
      () => service.ask({ base: 'ETH', quote: 'USD' }),
      says,
      (answer) => (says(answer) ? 'in the reason' : shownReason(answer)),
    )
  },
}))

const zipped = gzipSync(JSON.stringify({ result: 100 }))

/** Answers with 200 whose bodies cannot be read. */
const BODIES = {
  cut(response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"result":1')
    setTimeout(() => response.destroy(), 50)
    return true
  },
  corrupt(response) {
    const bytes = new Uint8Array(zipped).fill(255, 10, 20)
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bytes)
    return true
  },
}

const brokenBodies = Object.entries(BODIES).map(([what, answer]) => ({
  name: `HTTP polling, ${what}`,
  async run(bench) {
    const rig = await Rig.start(bench, 'http', { say: { answer } })
    const says = ({ status, body, why }) => {
      const reason = reasonIn(body)
      return (
        status !== 200 && reason !== undefined && !/undefined|STARTING|NO_DATA_YET|RATE_LIMITED/.test(why)
      )
    }
    const isRight = (answer) => says(answer) && ['network', 'decode'].includes(reasonIn(answer.body).class)
    return told(
      async () => (await rig.ask(['A']))[0],
      isRight,
      ({ status, why }) => `${status}: ${why}`,
    )
  },
}))

const NO_PRICES = ['0', null, 'NaN']

const tickers = {
  coinbase: (product_id, price, sequence) => ({
    type: 'ticker',
    product_id,
    sequence,
    trade_id: sequence,
    price,
    best_bid: price,
    best_ask: price,
    time: new Date().toISOString(),
  }),
  kraken: (symbol, price) => ({
    channel: 'ticker',
    type: 'update',
    data: [{ symbol, bid: price, ask: price, last: price, timestamp: new Date().toISOString() }],
  }),
  bitfinex: (_, price) => [1, [price, 1, price, 1, 5, 0.01, price, 900, price, price, null], Date.now()],
}

const noPrices = Object.entries(tickers).map(([venue, frame]) => ({
  name: venue,
  only: 'ours',
  async run(bench) {
    // What is refused is logged for those who look for it: it may be much.
    const feed = await bench.feed(venue, { env: { LOG_LEVEL: 'debug' } })
    const { provider, service } = feed
    await feed.ask()
    await expected('subscription', 10_000, () => provider.subscribed.has(feed.symbol))
    for (const [index, price] of NO_PRICES.entries()) {
      provider.send(frame(feed.symbol, price, index + 1))
      await within(3_000, async () => (await feed.refused()).total > index)
    }
    const { total } = await feed.refused()
    const answer = await feed.ask()
    const isNamed = codeOf(answer) === 'REFUSED_VALUE'
    const isLogged = service.lines.some(({ layer, reason }) => layer === 'Refusals' && reason !== undefined)
    const ok = total >= NO_PRICES.length && isNamed && isLogged
    const saw = `counted ${total} of ${NO_PRICES.length}, ${isLogged ? 'logged' : 'not logged'}, ${shownReason(answer)}`
    return { ok, saw: ok ? 'counted, logged and named' : saw }
  },
}))

const WRITTEN = { status: 502, message: 'The market is not there' }

const written = [
  { name: 'WebSocket', kind: 'ws' },
  { name: 'HTTP polling', kind: 'http' },
  { name: 'SSE', kind: 'sse' },
  { name: 'WebSocket, two workers', kind: 'ws', workers: 2, only: 'ours' },
].map(({ name, kind, workers, only }) => ({
  name,
  only,
  async run(bench) {
    const feed = await bench.feed(kind, { workers })
    feed.tick(undefined, { error: WRITTEN })
    const isWritten = ({ status, body }) => status === 502 && body.errorMessage === WRITTEN.message
    const answer = await expected('error of the adapter', REASON_MS, () => feed.ask(), isWritten)
    const { code, message, sinceUnixMs, class: kindOf } = reasonIn(answer.body) ?? {}
    const ok = [code, message, kindOf].every((text) => typeof text === 'string') && sinceUnixMs > 0
    return { ok, saw: ok ? `with its reason: ${kindOf}` : 'without a reason' }
  },
}))

/** What a provider over HTTP does, and what that is. */
const FAULTS = {
  auth: { price: () => ({ status: 401 }) },
  quota: { price: () => ({ status: 429 }) },
  provider: { price: () => ({ status: 500 }) },
  decode: {
    price: () => ({ status: 200, body: 'null' }),
  },
  guard: { price: () => ({ status: 200, body: '{"result":-1}' }) },
  timeout: { answer: () => true },
}

const classes = Object.entries(FAULTS).map(([wanted, say]) => ({
  name: `HTTP polling, ${wanted}`,
  async run(bench) {
    const env = { API_TIMEOUT: '500' }
    const rig = await Rig.start(bench, 'http', { say, declared: { guards: {} }, env })
    const isRight = ({ status, body }) => status !== 200 && reasonIn(body)?.class === wanted
    return told(async () => (await rig.ask(['A']))[0], isRight, shownReason)
  },
}))

const stale = {
  name: 'WebSocket, stale',
  async run(bench) {
    const feed = await bench.feed('ws', { guards: { maxAgeMs: 1_000 } })
    feed.tick(100, { time: Date.now() })
    await feed.value()
    feed.provider.silence()
    const beat = () => feed.provider.send({ symbol: 'other', result: 1, time: Date.now() })
    const isRight = ({ status, body }) => status !== 200 && reasonIn(body)?.class === 'stale'
    return meanwhile(200, beat, () => told(() => feed.ask(), isRight, shownReason))
  },
}

export const causeLines = [
  {
    name: 'at-once',
    law: 'ER-5',
    scenario: 'nothing is at the provider’s address: a port that is refused, or a host that is not there',
    right: '504 with the cause: the first within one attempt, later ones at once',
    cases: hopeless,
  },
  {
    name: 'no-data',
    law: 'ER-1',
    scenario: 'the connection is open and another feed ticks; for this one nothing comes',
    right: '`NO_DATA`: since when connected and subscribed, and what has come',
    cases: noData,
  },
  {
    name: 'unnamed-error',
    law: 'ER-1',
    scenario: 'the provider answers every subscription with an error that names no symbol',
    right: 'what it said is the reason of whoever waits',
    cases: unnamed,
  },
  {
    name: 'broken-body',
    law: 'ER-1, ER-8',
    scenario: 'an HTTP provider answers 200 with a body that is cut, or that cannot be inflated',
    right: 'the transport’s cause is named',
    cases: brokenBodies,
  },
  {
    name: 'no-prices',
    law: 'ER-8, NU-1',
    scenario: 'an exchange sends `"0"`, `null` and `"NaN"` as prices',
    right: 'each is counted, logged and named in the 504',
    cases: noPrices,
  },
  {
    name: 'written-error',
    law: 'ER-1',
    scenario: 'the adapter writes an error of its own for a feed (502 and a message)',
    right: 'it is answered, with its reason beside it',
    cases: written,
  },
  {
    name: 'class-of-cause',
    law: 'ER-1',
    scenario:
      'a provider refuses the key (401), has enough (429), fails (500), sends something else than was agreed, a negative price, or no answer; a value has ended',
    right: '`auth`, `quota`, `provider`, `decode`, `guard`, `timeout`, `stale` is the class of the reason',
    cases: [...classes, stale],
  },
]
