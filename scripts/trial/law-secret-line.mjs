/** That no secret leaves: they are in all places where settings have them, and everything that the service shows is read. */
import { Buffer } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { Rig } from './alive-bench.mjs'
import { expected, pause } from '../outside/waiting.mjs'

const random = () => Math.random().toString(36).slice(2, 12)

/** Of signs that are written otherwise in every encoding, and long enough that no part of it is there by chance. */
const SECRET = `k7/Qp+2=Zm&x%41"w\\e<R>${random()}Yt9/`

const hex = (text) => Buffer.from(text).toString('hex')
const encoded = encodeURIComponent(SECRET)
const FORMS = {
  plain: SECRET,
  'as a URL': encoded,
  'as a URL in lower case': encoded.replace(/%../g, (code) => code.toLowerCase()),
  base64: Buffer.from(SECRET).toString('base64'),
  base64url: Buffer.from(SECRET).toString('base64url'),
  hex: hex(SECRET),
  'as JSON': JSON.stringify(SECRET).slice(1, -1),
  'as HTML': SECRET.replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;'),
  'a part of it': SECRET.slice(4, 16),
}

const SHOWN = { EXPLAIN_ENABLED: 'true', DEBUG_ENDPOINTS: 'true', DEBUG: 'true', LOG_LEVEL: 'trace' }

const PAGES = ['/status', '/health', '/live', '/ready', '/debug/settings', '/debug/settings/raw']

/** Of the process, as others on the machine see it. */
const commandOf = (pid) => {
  const path = `/proc/${pid}/cmdline`
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Where an operator, a client or a collector may see it. */
const outputsOf = async ({ service }, answers) => {
  const pages = await Promise.all(PAGES.map((path) => service.page(path)))
  const explained = await service.page('/explain?symbol=A')
  return {
    answers: answers.map(({ body }) => JSON.stringify(body)).join('\n'),
    log: service.lines.map((line) => JSON.stringify(line)).join('\n') + service.output,
    metrics: await service.metrics(),
    status: pages.map(({ text }) => text).join('\n'),
    explanation: explained.text,
    'command line': commandOf(service.pid),
  }
}

/** Texts may be in JSON that is in JSON: nobody reads the backslashes. */
const bare = (text) => text.replace(/\\+/g, '')

/** All that is eight characters long in it, which is enough to be of use. */
const partsOf = (secret) =>
  Array.from({ length: Math.max(1, secret.length - 7) }, (_, at) => bare(secret.slice(at, at + 8))).filter(
    (part) => part.length > 6,
  )

/** @param secrets - no part of which may be shown */
const seenIn = (outputs, secrets) => {
  const parts = secrets.flatMap(partsOf)
  const where = Object.keys(outputs).filter((name) => {
    const text = bare(outputs[name])
    return parts.some((part) => text.includes(part))
  })
  return { ok: where.length === 0, saw: where.length === 0 ? 'nowhere' : `in ${where.join(', ')}` }
}

/** Waits until what the provider has said has gone everywhere, and reads all of it. */
const allOf = async (rig) => {
  const first = await rig.ask(['A'])
  await rig.service.page('/explain?symbol=A')
  await expected('request', 10_000, () => rig.provider.messages.length > 0)
  await pause(1_000)
  return outputsOf(rig, [...first, ...(await rig.ask(['A']))])
}

const echoed = (name, body, secrets = [SECRET, body]) => ({
  name,
  async run(bench) {
    const say = { price: () => ({ status: 403, body }) }
    const env = { API_KEY: SECRET, ...SHOWN }
    const rig = await Rig.start(bench, 'http', { say, env, declared: { sendsKey: true } })
    return seenIn(await allOf(rig), secrets)
  },
})

const inForms = Object.entries(FORMS).map(([what, form]) =>
  echoed(`echoed ${what}`, JSON.stringify({ error: `no access for ${form}` }), [SECRET, form]),
)

/** So long that an answer, a page or a line of the log holds only a part of the text. */
const CUTS = [500, 1_010, 4_085, 9_990, 65_525]

const cut = CUTS.map((at) => echoed(`echoed after ${at} signs`, `${'x'.repeat(at)}${SECRET}`, [SECRET]))

/** The adapter does not say which: this is all that the framework knows. */
const inPath = {
  name: 'in the path of a URL',
  async run(bench) {
    const key = `k${hex(SECRET).slice(0, 20)}`
    const env = () => ({
      OUTSIDE_KIND: 'ws',
      OUTSIDE_PROVIDER: `ws://127.0.0.1:9/v2/${key}/stream`,
      ...SHOWN,
    })
    const service = await bench.service([], { env })
    const first = await service.ask({ symbol: 'A' })
    await pause(1_500)
    return seenIn(await outputsOf({ service }, [first, await service.ask({ symbol: 'A' })]), [key])
  },
}

const URL_SETTING = { description: 'Where the stream is', type: 'string', required: true }

/** A URL that is a setting, of which the provider repeats all parts. */
const inUrl = {
  name: 'in the parts of a URL that is a setting',
  async run(bench) {
    const [user, password, path, query] = Array.from({ length: 4 }, () => `${random()}Kz7${random()}`)
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    const secrets = [user, password, path, query, basic]
    const echo = `no access for ${user}, Basic ${basic}, /v2/${path}/s?token=${query}`
    const connected = (connection) => {
      connection.send(`no JSON: ${echo}`)
      connection.send(JSON.stringify({ symbol: 'A', error: { status: 502, message: echo } }))
      connection.close(4_001, `no access for ${path}`)
    }
    const upgrade = (n) => (n % 2 === 0 ? { status: 403 } : undefined)
    const rig = await Rig.start(bench, 'ws', {
      say: { connected, upgrade },
      declared: { settings: { STREAM_URL: URL_SETTING }, urlSetting: 'STREAM_URL' },
      env: (provider) => ({
        STREAM_URL: `${provider.url.replace('//', `//${user}:${password}@`)}/v2/${path}/s?token=${query}`,
        ...SHOWN,
      }),
    })
    const first = await rig.ask(['A'])
    await rig.service.page('/explain?symbol=A')
    await expected('refusal', 20_000, () => rig.provider.connects.length > 1)
    await pause(1_000)
    return seenIn(await outputsOf(rig, [...first, ...(await rig.ask(['A']))]), secrets)
  },
}

/** One in each kind of setting that may be a secret, all of which the provider repeats. */
const inSettings = {
  name: 'in every kind of setting',
  async run(bench) {
    const values = Array.from({ length: 6 }, () => `${random()}Kz7${random()}`)
    const [word, own, inJson, inUrl, passphrase, password] = values
    const pin = 8_471_920_365
    const settings = {
      OWN_WORD: { description: 'A word', type: 'string' },
      OWN_JSON: { description: 'Names and a key', type: 'string' },
      OWN_PIN: { description: 'A number', type: 'number', sensitive: true },
      OWN_URL: { description: 'A URL that everybody may see', type: 'string', sensitive: false },
    }
    const body = `no access for ${[...values, pin].join(' ')} ${values.map((one) => hex(one)).join(' ')}`
    const rig = await Rig.start(bench, 'http', {
      say: { price: () => ({ status: 403, body }) },
      declared: { sendsKey: true, settings },
      env: {
        API_KEY: word,
        OWN_WORD: own,
        OWN_JSON: JSON.stringify({ network: 'ethereum', keys: [{ apiKey: inJson }] }),
        OWN_PIN: String(pin),
        OWN_URL: `https://reader:${inUrl}@prices.example/v1`,
        TLS_PASSPHRASE: passphrase,
        CACHE_REDIS_PASSWORD: password,
        ...SHOWN,
      },
    })
    return seenIn(await allOf(rig), [...values, ...values.map(hex), String(pin)])
  },
}

export const secretLine = {
  name: 'secrets',
  law: 'SC-1',
  scenario:
    'the provider refuses the key and echoes it, in several forms, in parts and where texts are cut; or it is a part of a URL, in JSON, a number',
  right: 'no eight characters of it are in an answer, a line, a metric, a page or the command line',
  cases: [...inForms, ...cut, inPath, inUrl, inSettings],
}
