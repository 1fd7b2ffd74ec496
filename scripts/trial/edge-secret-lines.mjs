/** Secrets that are a part of something else, or that stand where a text is cut: nobody may see them. */
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { URLSearchParams } from 'node:url'
import { argvOf } from './costs.mjs'
import { CountingProvider } from './counting-provider.mjs'
import { freePort } from '../outside/service.mjs'
import { nowMs, pause, within } from '../outside/waiting.mjs'

const TOLD = { LOG_LEVEL: 'trace', DEBUG_ENDPOINTS: 'true', EXPLAIN_ENABLED: 'true' }
const PAGES = ['/status', '/health', '/live', '/ready', '/debug/settings', '/debug/subscriptions']

/** Random, so that a part of it is nowhere by chance. */
const word = (bytes = 15) => `k${randomBytes(bytes).toString('hex')}`
/** Written otherwise in every encoding. */
const odd = () =>
  `Q+/=${randomBytes(8).toString('base64').slice(0, 10)}&"%<é\\${randomBytes(8).toString('base64url')}`

const PART = 8
const partsOf = (text) =>
  Array.from({ length: Math.max(1, text.length - PART + 1) }, (_, i) => text.slice(i, i + PART))
const lower = (encoded) => encoded.replace(/%../g, (code) => code.toLowerCase())
const html = (text) =>
  [
    ['&', '&amp;'],
    ['"', '&quot;'],
    ['<', '&lt;'],
  ].reduce((so, [sign, name]) => so.replaceAll(sign, name), text)
const inJson = (text) => JSON.stringify(text).slice(1, -1)

/** All that a secret may be written as, and every part of it. */
const formsOf = (secret) => {
  const bytes = Buffer.from(secret)
  const encoded = encodeURIComponent(secret)
  const whole = [encoded, lower(encoded), inJson(secret), html(secret)]
  const coded = ['base64', 'base64url', 'hex'].map((encoding) => bytes.toString(encoding).replace(/=+$/, ''))
  const said = [...whole, ...coded, ...partsOf(secret)]
  // A log line holds them as they are in JSON.
  return [...new Set(said.flatMap((form) => [form, inJson(form)]))]
}

/** Wherever an operator, a client, a collector, or somebody who lists processes may see it. */
const outputsOf = async (service, answers, data) => {
  const query = new URLSearchParams(data).toString()
  const pages = await Promise.all(
    [...PAGES, `/explain?${query}`].map((path) => service.page(path).catch(() => ({ text: '' }))),
  )
  const roles = ['writer', 'worker-1', 'worker-2'].map((role) => service.process(role)).filter(Boolean)
  return {
    answers: JSON.stringify(answers),
    log: service.lines.map((line) => JSON.stringify(line)).join('\n') + service.output,
    metrics: await service.metrics().catch(() => ''),
    pages: pages.map(({ text }) => text).join('\n'),
    'the list of processes': [service.pid, ...roles].map(argvOf).join('\n'),
  }
}

const found = async (service, answers, secrets, data = { symbol: 'A' }) => {
  const outputs = await outputsOf(service, answers, data)
  const forms = secrets.flatMap(formsOf)
  const where = Object.keys(outputs).filter((name) => forms.some((form) => outputs[name].includes(form)))
  return { ok: where.length === 0, saw: where.length === 0 ? 'nowhere' : `in ${where.join(', ')}` }
}

const LOOK_MS = 2_500

/** Asks for a while. @returns the answers, and what it is told about the request itself */
const asked = async (service, data) => {
  const answers = []
  for (const end = nowMs() + LOOK_MS; nowMs() < end; await pause(100))
    answers.push(await service.ask(data).catch(({ message }) => message))
  answers.push(await service.send('{"data":').catch(() => {}))
  return answers
}

const declared = (...secrets) => ({ OUTSIDE_DECLARED: JSON.stringify({ secrets }) })
const withKey = (url, key) => url.replace('://', `://trial:${encodeURIComponent(key)}@`)

/** A provider that refuses, and says what was not good. */
const echo = (text) => ({
  upgrade: () => ({ status: 403, headers: { 'x-echo': text } }),
  price: () => ({ status: 403, body: JSON.stringify({ error: `no access for ${text}` }) }),
})

const SENSITIVE_URLS = {
  'the path of a URL': (url, key) => `${url}/v2/${key}/s`,
  'the encoded path of a URL': (url, key) => `${url}/v2/${encodeURIComponent(key)}/s`,
  'the query of a URL': (url, key) => `${url}/v2?token=${encodeURIComponent(key)}&of=trial`,
  'the user-info of a URL': (url, key) => `${withKey(url, key)}/v2`,
}

const urls = Object.entries(SENSITIVE_URLS).flatMap(([name, urlOf]) =>
  [
    { way: 'WebSocket, nobody there', kind: 'ws', isThere: false },
    { way: 'WebSocket, refused', kind: 'ws', isThere: true },
    { way: 'HTTP polling, echoed', kind: 'http', isThere: true },
    ...(name.startsWith('the path')
      ? [
          {
            way: 'WebSocket, two workers, nobody there',
            kind: 'ws',
            isThere: false,
            workers: 2,
            only: 'ours',
          },
        ]
      : []),
  ].map(({ way, kind, isThere, workers, only }) => ({
    name: `${name}, ${way}`,
    only,
    async run(bench) {
      const key = name.startsWith('the path') ? word() : odd()
      const provider = new CountingProvider(echo(encodeURIComponent(key)))
      const env = () => {
        const url = isThere ? (kind === 'ws' ? provider.url : provider.httpUrl) : `${kind}://127.0.0.1:9`
        return {
          ...TOLD,
          ...declared('PROVIDER_URL'),
          OUTSIDE_KIND: kind,
          OUTSIDE_PROVIDER: url,
          PROVIDER_URL: urlOf(url, key),
        }
      }
      const service = await bench.service([provider], { env, workers })
      return found(service, await asked(service, { symbol: 'A' }), [key])
    },
  })),
)

/** What the provider echoes of a setting that is JSON: `(user, token) => text`. */
const INSIDE = {
  'a string inside JSON': (user, token) => token,
  'a string inside JSON, encoded': (user, token) => Buffer.from(token).toString('base64'),
  'user and password inside JSON, as basic authentication': (user, token) =>
    Buffer.from(`${user}:${token}`).toString('base64'),
}

const inside = Object.entries(INSIDE).map(([name, textOf]) => ({
  name,
  async run(bench) {
    const [user, token] = [word(6), odd()]
    const provider = new CountingProvider(echo(textOf(user, token)))
    const env = () => ({
      ...TOLD,
      ...declared('ACCOUNT'),
      OUTSIDE_KIND: 'http',
      OUTSIDE_PROVIDER: provider.httpUrl,
      ACCOUNT: JSON.stringify({ user, credentials: [{ password: token }] }),
    })
    const service = await bench.service([provider], { env })
    return found(service, await asked(service, { symbol: 'A' }), [textOf(user, token), token])
  },
}))

/** Settings of the package’s own, by what they are called. */
const SETTINGS = {
  'TREMOR_URL, its path': {
    venue: 'tremor',
    env: (key) => ({ TREMOR_URL: `ws://127.0.0.1:9/v2/${key}/s` }),
  },
  TREMOR_HEADERS: {
    venue: 'tremor',
    env: (key, provider) => ({
      TREMOR_URL: provider.url,
      TREMOR_HEADERS: JSON.stringify({ authorization: `Bearer ${key}` }),
    }),
  },
  'COINBASE_WS_API_ENDPOINT, user-info': {
    venue: 'coinbase',
    env: (key) => ({ COINBASE_WS_API_ENDPOINT: `ws://trial:${key}@127.0.0.1:9/` }),
  },
  'COINBASE_WS_API_ENDPOINT, its query': {
    venue: 'coinbase',
    env: (key) => ({ COINBASE_WS_API_ENDPOINT: `ws://127.0.0.1:9/?token=${key}` }),
  },
  'CACHE_REDIS_URL, its password': {
    venue: 'coinbase',
    env: (key) => ({
      COINBASE_WS_API_ENDPOINT: 'ws://127.0.0.1:9/',
      CACHE_TYPE: 'redis',
      CACHE_REDIS_URL: `redis://trial:${key}@127.0.0.1:9/`,
    }),
  },
  'ADMIN_TOKEN, a wrong one near it': {
    venue: 'coinbase',
    env: (key, _provider, port) => ({
      COINBASE_WS_API_ENDPOINT: 'ws://127.0.0.1:9/',
      ADMIN_PORT: String(port),
      ADMIN_TOKEN: key,
    }),
  },
}

const settings = Object.entries(SETTINGS).map(([name, { venue, env: envOf }]) => ({
  name,
  only: 'ours',
  async run(bench) {
    const key = word()
    const provider = new CountingProvider(echo(key))
    const port = await freePort()
    const env = () => ({ ...TOLD, ...envOf(key, provider, port) })
    const service = await bench.service([provider], { venue, env })
    const data = { base: 'ETH', quote: 'USD' }
    return found(service, await asked(service, data), [key], data)
  },
}))

/** Nothing but the secret, again and again, so that whoever cuts the text cuts it in the middle: in one of these phases at least. */
const PHASES = [0, 11, 22]
const LONG_TEXT = 20_000
const filled = (secret, phase, length = LONG_TEXT) =>
  'x'.repeat(phase) + secret.repeat(Math.floor((length - phase) / secret.length))

const POLLED = {
  'the text of a refusal': (text) => ({ status: 403, body: text }),
  'a refusal in JSON': (text) => ({ status: 500, body: JSON.stringify({ error: { message: text } }) }),
  'a body that is no JSON': (text) => ({ status: 200, body: `{"result": ${text}` }),
  'a body that is another type': (text) => ({ status: 200, body: JSON.stringify({ result: { text } }) }),
  'an error that the adapter passes on': (text) => ({
    status: 200,
    body: JSON.stringify({ error: { status: 502, message: text } }),
  }),
}

const STREAMED = {
  'a frame that is no JSON': (text) => text,
  'a frame that is cut JSON': (text) => `{"symbol":"A","result":"${text}`,
  'an error for a feed': (text) => JSON.stringify({ symbol: 'A', error: { status: 502, message: text } }),
  'a value that is none': (text) => JSON.stringify({ symbol: 'A', result: text }),
  'an unknown member': (text) => JSON.stringify({ unknown: text }),
  'an unknown feed': (text) => JSON.stringify({ symbol: text, result: 1 }),
}

/** One case for all phases, each with a service of its own: what has been logged once is not logged again. */
const inPhases = (name, kind, { say, after }) => ({
  name,
  isLong: true,
  async run(bench) {
    const where = new Set()
    for (const phase of PHASES) {
      const secret = word()
      const provider = new CountingProvider(say?.(secret, phase))
      const env = () => ({
        ...TOLD,
        OUTSIDE_KIND: kind,
        OUTSIDE_PROVIDER: kind === 'ws' ? provider.url : provider.httpUrl,
        OUTSIDE_DECLARED: JSON.stringify({ secrets: ['API_KEY'], guards: {} }),
        API_KEY: secret,
      })
      const service = await bench.service([provider], { env })
      await after?.(service, provider, secret, phase)
      const answers = await asked(service, { symbol: 'A' })
      const { ok, saw } = await found(service, answers, [secret])
      if (!ok) where.add(saw)
    }
    return { ok: where.size === 0, saw: where.size === 0 ? 'nowhere' : [...where].join('; ') }
  },
})

const polled = Object.entries(POLLED).map(([name, answerOf]) =>
  inPhases(`HTTP polling, ${name}`, 'http', {
    say: (secret, phase) => ({ price: () => answerOf(filled(secret, phase)) }),
  }),
)

const WAYS = { ws: 'WebSocket', sse: 'SSE' }

const streamed = Object.entries(STREAMED).flatMap(([name, frameOf]) =>
  Object.entries(WAYS).map(([kind, way]) =>
    inPhases(`${way}, ${name}`, kind, {
      async after(service, provider, secret, phase) {
        await service.ask({ symbol: 'A' })
        await within(10_000, () => provider.isTicking('A'))
        provider.forget('A')
        provider.sendText(frameOf(filled(secret, phase)))
      },
    }),
  ),
)

const REASON_BYTES = 123
const HEADER_BYTES = 4_000

const ended = [
  inPhases('WebSocket, the reason of a close', 'ws', {
    say: (secret, phase) => ({
      connected(connection) {
        setTimeout(() => connection.close(4_000, filled(secret, phase, REASON_BYTES)), 50)
      },
    }),
  }),
  inPhases('WebSocket, the headers of a refusal', 'ws', {
    say: (secret, phase) => ({
      upgrade: () => ({ status: 403, headers: { 'x-echo': filled(secret, phase, HEADER_BYTES) } }),
    }),
  }),
]

export const secretLines = [
  {
    name: 'parts-of-settings',
    law: 'SC-1, SC-4',
    scenario:
      'a key is a part of a setting: of a URL its user-info, path or query, of JSON a string; the provider refuses it and echoes it',
    right: 'it is in no answer, log, metric or page, and in no list of processes, in whatever form',
    cases: [...urls, ...inside, ...settings],
  },
  {
    name: 'cut-texts',
    law: 'SC-1',
    scenario: 'a text of the provider’s is full of a secret: a body, a frame, the reason of a close',
    right: 'no part of it is shown, wherever the text is cut',
    cases: [...polled, ...streamed, ...ended],
  },
]
