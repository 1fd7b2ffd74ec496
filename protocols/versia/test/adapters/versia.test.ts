import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAdapter } from '../../adapters/versia'
import { config } from '../../adapters/versia/config'
import { pairOf } from '../../adapters/versia/pairs'
import { serve, type Served } from '../../../../src/testing'
import { connectProxy } from '../../../../test/helpers/connect-proxy'
import { onlyProxies } from '../../../../test/helpers/proxy-env'
import { read, root } from '../../../../test/helpers/repository'
import { selfSigned } from '../../../../test/http/certificate'
import { secondHash, secondVerify } from '../second-opinion'
import { eventually } from '../support'
import { key, PRICE_TYPE } from '../vectors'

const feed = key('feed-instance')
const identity = { seedHex: feed.seed_hex, signedBy: 'feeds.example', path: '/.versia/v0.6/inbox' }
const eth = { type: PRICE_TYPE, feed: 'ETH/USD', base: 'ETH', quote: 'USD', value: '3150.250' }

/** The service, reached over HTTP like any client would. */
const start = async (env: Record<string, string>) => {
  const service = await serve(createAdapter, {
    listen: true,
    env: {
      VERSIA_SIGNERS: `feeds.example=${feed.public_spki_base64}`,
      VERSIA_PRICE_TYPE: PRICE_TYPE,
      VERSIA_ALLOW_LOOPBACK: 'true',
      METRICS_ENABLED: 'true',
      EXPERIMENTAL_METRICS_ENABLED: 'true',
      CACHE_POLLING_MAX_RETRIES: '0',
      CACHE_POLLING_SLEEP_MS: '10',
      ...env,
    },
  })
  const ask = async (data: object) => {
    const response = await fetch(service.url!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data }),
    })
    return { status: response.status, json: (await response.json()) as Body }
  }
  const status = async () => {
    const response = await fetch(`${service.url!}/status`)
    const { endpoints } = (await response.json()) as {
      endpoints: [{ connections: Record<string, unknown>[] }]
    }
    return endpoints[0].connections
  }
  return Object.assign(service, { ask, status })
}

/** What a test expects of an answer it says right there. */
interface Body extends Record<string, unknown> {
  data?: Record<string, unknown>
  timestamps: { providerIndicatedTimeUnixMs: number }
}

interface Asked {
  status: number
  json: Body
}

interface Report {
  url?: string
  connected?: Record<string, string>
  closed?: number
  failed?: string
}

/** The other process. */
const peer = (...args: string[]) => {
  const child = fork(join(root, 'protocols/versia/test/adapters/peer.mjs'), args, {
    execArgv: [],
    env: { PATH: process.env['PATH'] },
  })
  const reports: Report[] = []
  child.on('message', (report) => reports.push(report as Report))
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await ended
  })
  return {
    reported: (matches: (report: Report) => boolean) => eventually(() => reports.find(matches)),
    price: (fields: object, as: object = {}) =>
      child.send({ op: 'price', identity: { ...identity, ...as }, fields }),
    raw: (text: string) => child.send({ op: 'raw', text }),
    end: () => child.send({ op: 'end' }),
  }
}

const until = async (service: { ask: (data: object) => Promise<Asked> }, result: number) => {
  await eventually(async () => (await service.ask({ base: 'ETH', quote: 'USD' })).json['result'] === result)
  return service.ask({ base: 'eth', quote: 'usd' })
}

const refusals = (service: Pick<Served, 'metric'>, reason: string) =>
  service.metric('data_refused_total', { app_name: 'VERSIA', reason })

describe('the Versia adapter', () => {
  it('answers with what a source of another process signs, which it dials', async () => {
    const source = peer('serve')
    const { url } = await source.reported(({ url }) => url !== undefined)
    const instance = key('receiver-instance')
    await using service = await start({
      VERSIA_WS_API_ENDPOINT: url!,
      VERSIA_INSTANCE_NAME: 'receiver.example',
      VERSIA_INSTANCE_KEY: instance.private_pkcs8_base64,
      VERSIA_WS_TOKEN: 'a-token-of-ours',
    })
    const { connected: headers } = await source.reported(({ connected }) => connected !== undefined)
    const at = headers!['versia-signed-at']!
    const signature = headers!['versia-signature']!
    expect(secondVerify(`get /ws ${at} ${secondHash('')}`, signature, instance.public_raw_hex)).toBe(true)
    expect(headers).toMatchObject({
      'versia-signed-by': 'receiver.example',
      authorization: 'Bearer a-token-of-ours',
    })

    const startedAt = Date.now()
    source.price({ ...eth, decimals: 8 })
    const { status, json } = await until(service, 3150.25)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      result: 3150.25,
      data: { result: 3150.25, value: '3150.250', decimals: 8, signedBy: 'feeds.example' },
      statusCode: 200,
    })
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBeGreaterThanOrEqual(startedAt)
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBeLessThanOrEqual(Date.now())
    expect(await service.status()).toMatchObject([{ role: 'client', state: 'open', opened: 1, url }])
    expect(await service.metric('ws_connection_active')).toBeGreaterThanOrEqual(1)
  })

  it('answers with what a source of another process pushes to its port', async () => {
    await using service = await start({ VERSIA_LISTEN_PORT: '0', VERSIA_LISTEN_TOKEN: 'let-me-in' })
    await eventually(async () => (await service.status())[0]?.['state'] === 'listening')
    const url = (await service.status())[0]!['url'] as string
    const stranger = peer('dial', url)
    expect((await stranger.reported(({ failed }) => failed !== undefined)).failed).toContain('401')
    const source = peer('dial', url, 'let-me-in')
    await source.reported(({ connected }) => connected !== undefined)
    const { value, observed_at, ...rest } = { ...eth, observed_at: new Date().toISOString() }
    const { feed: name, base, quote } = rest
    const price = { feed: name, base, quote, value, observed_at }
    source.price({ type: 'Note', content: null, extensions: { 'org.example:price_feeds': price } })
    expect((await until(service, 3150.25)).json.data?.['value']).toBe('3150.250')
    expect(await service.status()).toMatchObject([
      { role: 'listener', state: 'listening' },
      { role: 'peer', state: 'open' },
    ])
  })

  it('goes on after what is no price, is not signed, or comes from a stranger', async () => {
    const source = peer('serve')
    const { url } = await source.reported(({ url }) => url !== undefined)
    await using service = await start({ VERSIA_WS_API_ENDPOINT: url! })
    await source.reported(({ connected }) => connected !== undefined)
    source.raw('hello')
    source.price({ ...eth, value: '1' }, { seedHex: key('other-instance').seed_hex })
    source.price({ ...eth, value: '2' }, { signedBy: 'evil.example' })
    source.price({ ...eth, value: '3' }, { path: '/inbox' })
    source.price({ ...eth, value: '4' }, { signedAt: String(Math.floor(Date.now() / 1_000) - 301) })
    source.price({ ...eth, value: '5', base: 'BTC' })
    source.price({ ...eth, value: '-6' })
    source.price({ ...eth, value: '7', observed_at: new Date(Date.now() - 120_000).toISOString() })
    source.price({ ...eth, value: '8', author: 'evil.example:feed' })
    source.price({ ...eth, value: '9', observed_at: new Date(Date.now() - 1_000).toISOString() })
    expect((await until(service, 9)).status).toBe(200)
    const reasons = {
      malformed: 1,
      bad_signature: 2,
      unknown_signer: 1,
      stale: 1,
      'unknown-feed': 1,
      'not-positive': 1,
      wrong_author: 1,
    }
    for (const [reason, count] of Object.entries(reasons))
      expect([reason, await refusals(service, reason)]).toEqual([reason, count])
  })

  it('comes back when the other process is gone, and says meanwhile that it is', async () => {
    const source = peer('serve')
    const { url } = await source.reported(({ url }) => url !== undefined)
    await using service = await start({ VERSIA_WS_API_ENDPOINT: url! })
    await source.reported(({ connected }) => connected !== undefined)
    source.end()
    await eventually(async () => (await service.status())[0]?.['state'] === 'waiting')
    const { status, json } = await service.ask({ base: 'ETH', quote: 'USD' })
    expect(status).toBe(504)
    expect(JSON.stringify(json)).toContain('CONNECTION_CLOSED')
  })

  it('fetches keys from an instance whose certificate is of the authority that is set, and from no other', async () => {
    const tls = selfSigned()
    const asked: string[] = []
    const instance = createServer(tls, ({ url = '' }, response) => {
      asked.push(url)
      const { public_spki_base64: spki } = feed
      const host = `localhost:${(instance.address() as AddressInfo).port}`
      const metadata = { type: 'InstanceMetadata', host, public_key: { algorithm: 'ed25519', key: spki } }
      response.end(JSON.stringify(metadata))
    })
    let turnedAway = 0
    instance.on('tlsClientError', () => turnedAway++)
    instance.listen(0, '127.0.0.1')
    await once(instance, 'listening')
    await using proxy = await connectProxy()
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const folder = mkdtempSync(join(tmpdir(), 'versia-'))
    const path = join(folder, 'ca.pem')
    writeFileSync(path, tls.cert)
    onTestFinished(() => {
      vi.unstubAllEnvs()
      instance.closeAllConnections()
      instance.close()
      rmSync(folder, { recursive: true })
    })
    const env = {
      VERSIA_LISTEN_PORT: '0',
      VERSIA_VERSION: '0.5',
      VERSIA_DISCOVERY: 'true',
      VERSIA_SIGNERS: `instance localhost:${(instance.address() as AddressInfo).port}`,
    }
    const spellings = [path, tls.cert, Buffer.from(tls.cert).toString('base64')]
    for (const [before, ca] of spellings.entries()) {
      await using service = await start({ ...env, VERSIA_WS_TLS_CA: ca })
      expect((await service.ask({ base: 'ETH', quote: 'USD' })).status).toBe(504)
      await eventually(() => asked.length === before + 1)
    }
    await using stranger = await start(env)
    expect((await stranger.ask({ base: 'ETH', quote: 'USD' })).status).toBe(504)
    await eventually(() => turnedAway > 0)
    expect(asked).toHaveLength(3)
    const wrong = start({ ...env, VERSIA_WS_TLS_CA: join(folder, 'none.pem') })
    await expect(wrong).rejects.toThrow(/VERSIA_WS_TLS_CA: The file cannot be read/)
  })

  it('FR-1: serves no price beyond the age that is allowed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const source = peer('serve')
    const { url } = await source.reported(({ url }) => url !== undefined)
    await using service = await start({ VERSIA_WS_API_ENDPOINT: url!, VERSIA_MAX_PRICE_AGE_MS: '30000' })
    await source.reported(({ connected }) => connected !== undefined)
    source.price({ ...eth, observed_at: new Date(Date.now() - 20_000).toISOString() })
    await until(service, 3150.25)
    vi.advanceTimersByTime(10_001)
    expect((await service.ask({ base: 'ETH', quote: 'USD' })).status).toBe(504)
  })

  it('LC-5: does not start without signers, with a bad key, or with nowhere to get prices from, and shows no secret', async () => {
    const secret = key('receiver-instance').private_pkcs8_base64.slice(0, -2)
    const bad: [Record<string, string>, RegExp][] = [
      [{ VERSIA_SIGNERS: '' }, /SIGNERS/],
      [{ VERSIA_SIGNERS: '{' }, /SIGNERS/],
      [{ VERSIA_PRICE_TYPE: '' }, /PRICE_TYPE/],
      [{}, /VERSIA_WS_API_ENDPOINT: Value must be set, or that of VERSIA_LISTEN_PORT/],
      [{ VERSIA_LISTEN_PORT: '0', VERSIA_SIGNERS: 'feeds.example=MCow' }, /a key of feeds.example is not/],
      [
        { VERSIA_WS_API_ENDPOINT: 'wss://feeds.example', VERSIA_INSTANCE_KEY: secret },
        /VERSIA_INSTANCE_NAME: Value is required with VERSIA_INSTANCE_KEY/,
      ],
      [{ VERSIA_LISTEN_PORT: '0', VERSIA_VERSION: '0.3' }, /VERSION/],
    ]
    for (const [env, problem] of bad) {
      const message = await start(env).then(
        () => 'it started',
        (error: unknown) => String(error),
      )
      expect(message).toMatch(problem)
      expect(message).not.toContain(secret)
    }
  })

  it('SC-1: shows neither its key nor a token on its pages', async () => {
    const secrets = {
      VERSIA_INSTANCE_KEY: key('receiver-instance').private_pkcs8_base64,
      VERSIA_LISTEN_TOKEN: 'let-me-in',
    }
    await using service = await start({
      ...secrets,
      VERSIA_INSTANCE_NAME: 'receiver.example',
      VERSIA_LISTEN_PORT: '0',
    })
    const text = await (await fetch(`${service.url!}/status`)).text()
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret)
    expect(text).toContain('feeds.example=')
  })
})

describe('the pair of a price', () => {
  it.each([
    [
      { feed: 'ETH/USD', base: 'ETH', quote: 'USD' },
      { base: 'ETH', quote: 'USD' },
    ],
    [
      { feed: 'eth/usd', base: undefined, quote: undefined },
      { base: 'ETH', quote: 'USD' },
    ],
    [
      { feed: 'ETH/USD', base: 'eth', quote: undefined },
      { base: 'ETH', quote: 'USD' },
    ],
    [
      { feed: 'ether in dollars', base: 'eth', quote: 'usd' },
      { base: 'ETH', quote: 'USD' },
    ],
    [
      { feed: 'USDe/USD', base: undefined, quote: undefined },
      { base: 'USDe', quote: 'USD' },
    ],
    [{ feed: 'usde/usd', base: 'USDE', quote: undefined }, undefined],
    [{ feed: 'USDe/USD', base: 'USDE', quote: 'USD' }, undefined],
    [{ feed: 'ether in dollars', base: 'eth', quote: undefined }, undefined],
    [{ feed: 'ETH/USD', base: 'BTC', quote: 'USD' }, undefined],
    [{ feed: 'ETH/USD/1', base: undefined, quote: undefined }, undefined],
    [{ feed: 'ETH/', base: undefined, quote: undefined }, undefined],
    [{ feed: 'ET H/USD', base: undefined, quote: undefined }, undefined],
  ])('ID-3: %j is %j', (price, pair) => expect(pairOf(price)).toEqual(pair))
})

it('the page of the adapter has every setting, and no other', () => {
  const names = Object.keys(config.settingsDefinition).map((name) => `VERSIA_${name}`)
  const shown = read('protocols/versia/adapters/versia/README.md')
    .match(/^\| .*?\|/gm)!
    .flatMap((cell) => cell.match(/VERSIA_\w+/g) ?? [])
  expect([...shown].sort()).toEqual(names.sort())
})
