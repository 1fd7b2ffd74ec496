import { createServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import nock from 'nock'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type KeyObject } from 'node:crypto'
import { wsProvider } from '../../../src/testing/ws-provider'
import { discoverKey, type Get } from '../discovery'
import { DiscoveryError, httpsGet } from '../https-get'
import { publicKeyFrom } from '../keys'
import { isPublicAddress } from '../private-addresses'
import { SignerKeys } from '../signer-keys'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { connectProxy } from '../../../test/helpers/connect-proxy'
import { onlyProxies } from '../../../test/helpers/proxy-env'
import { selfSigned } from '../../../test/http/certificate'
import { ETH, handled, priceMessage, refused, serveVersia, eventually } from './support'
import { type Discovery, discoveries, key, NOW_MS, signedHttp } from './vectors'

const never = new AbortController().signal
const get: Get = (url, accept) => httpsGet(url, accept, {}, never)

const reasonOf = async (attempt: Promise<unknown>): Promise<string> => {
  const outcome = await attempt.then(
    () => 'found',
    (error: unknown) => error,
  )
  return outcome instanceof DiscoveryError ? outcome.reason : String(outcome)
}

/** Answers as a vector has it, once each, at the signer's host. */
const answer = ({ fetches }: Discovery): nock.Scope[] =>
  fetches.map(({ path, content_type: type, body, status = 200, location, see_http_vector: name }) => {
    const response = signedHttp.find((one) => one.name === name)
    const headers = {
      'content-type': type ?? 'text/plain',
      ...(location && { location }),
      ...response?.headers,
    }
    return nock('https://feeds.example')
      .get(path)
      .reply(status, (response?.body ?? body ?? '') as nock.Body, headers)
  })

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
beforeEach(() => {
  nock.disableNetConnect()
  nock.enableNetConnect('127.0.0.1')
})
afterEach(() => {
  vi.unstubAllEnvs()
  nock.cleanAll()
  nock.enableNetConnect()
})

describe('discovery', () => {
  it.each(discoveries.map((vector) => [vector.name, vector] as const))(
    '%s ends as it should',
    async (_name, vector) => {
      const scopes = answer(vector)
      const found = discoverKey(vector.signed_by, vector.version, get, NOW_MS)
      if (vector.expect.ok) {
        const { x } = (await found).export({ format: 'jwk' })
        expect(Buffer.from(x!, 'base64url').toString('hex')).toBe(key(vector.expect.key!).public_raw_hex)
      } else expect(await reasonOf(found)).toBe(vector.expect.reason)
      for (const scope of scopes) expect(scope.isDone()).toBe(true)
    },
  )

  it('asks for the media types that the instances have', async () => {
    const accepted: unknown[] = []
    const note = function (this: { req: { headers: Record<string, unknown> } }) {
      accepted.push(String(this.req.headers['accept']))
      return '{"versions":["0.6.0"]}'
    }
    nock('https://feeds.example').get('/.well-known/versia').reply(200, note)
    nock('https://feeds.example').get('/.versia/v0.6/instance').reply(200, note)
    expect(await reasonOf(discoverKey('feeds.example', '0.6', get, NOW_MS))).toBe('malformed')
    expect(accepted).toEqual(['application/json', 'application/vnd.versia+json'])
  })

  const userUri = 'https://feeds.example/users/01930000-aaaa-7000-8000-000000000001'
  const vector = signedHttp.find(({ name }) => name === 'v0.5-get-user-response')!
  it.each<[string, (body: User) => object, Record<string, string>, number, string]>([
    ['another user', (body) => ({ ...body, uri: `${userUri}0` }), {}, NOW_MS, 'domain_mismatch'],
    [
      'a key of another actor',
      (body) => ({ ...body, public_key: { ...body.public_key, actor: 'https://x.example/' } }),
      {},
      NOW_MS,
      'actor_mismatch',
    ],
    ['a changed body', (body) => ({ ...body, username: 'other' }), {}, NOW_MS, 'bad_signature'],
    ['another signer', (body) => body, { 'Versia-Signed-By': 'https://x.example/' }, NOW_MS, 'bad_signature'],
    ['an old answer', (body) => body, {}, NOW_MS + 301_000, 'bad_signature'],
    ['a small key', (body) => smallKey(body), {}, NOW_MS, 'bad_key'],
  ])('of a user refuses %s', async (_name, change, headers, now, reason) => {
    nock('https://feeds.example')
      .get(new URL(userUri).pathname)
      .reply(200, JSON.stringify(change(JSON.parse(vector.body) as User)), {
        ...vector.headers,
        ...headers,
      })
    expect(await reasonOf(discoverKey(userUri, '0.5', get, now))).toBe(reason)
  })

  it.each([
    ['status 500', 'http_status', (scope: nock.Interceptor) => scope.reply(500, 'no')],
    ['a body over 64 KiB', 'too_large', (scope: nock.Interceptor) => scope.reply(200, 'x'.repeat(65_537))],
    ['no JSON', 'malformed', (scope: nock.Interceptor) => scope.reply(200, 'hello')],
    ['a list', 'malformed', (scope: nock.Interceptor) => scope.reply(200, '[]')],
    [
      'a key twice',
      'malformed',
      (scope: nock.Interceptor) => scope.reply(200, '{"versions":[],"versions":["0.6.0"]}'),
    ],
    ['a broken connection', 'unreachable', (scope: nock.Interceptor) => scope.replyWithError('broken')],
  ])('refuses %s', async (_name, reason, reply) => {
    reply(nock('https://feeds.example').get('/.well-known/versia'))
    expect(await reasonOf(discoverKey('feeds.example', '0.6', get, NOW_MS))).toBe(reason)
  })
})

/** What of a user's entity the tests change. */
interface User extends Record<string, unknown> {
  public_key: Record<string, unknown>
}

const smallKey = (body: User): object => ({
  ...body,
  public_key: { ...body.public_key, key: `MCowBQYDK2VwAyEA${'A'.repeat(43)}=` },
})

describe('a safe GET', () => {
  const serving = async (onRequest: Parameters<typeof createServer>[1]) => {
    const tls = selfSigned()
    const server = createServer(tls, onRequest).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    return { url: `https://127.0.0.1:${port}/`, port, ca: tls.cert }
  }

  it('goes over HTTPS alone', async () => {
    expect(await reasonOf(httpsGet('http://feeds.example/', '*/*', {}, never))).toBe('not_https')
  })

  it('goes through the proxy of the environment, which resolves names itself', async () => {
    await using proxy = await connectProxy()
    const { port, ca } = await serving((_request, response) => void response.end('{}'))
    onlyProxies({ HTTPS_PROXY: proxy.url })
    // It would connect by itself.
    nock.restore()
    onTestFinished(() => nock.activate())
    const reasonAt = (url: string) => reasonOf(httpsGet(url, '*/*', { ca }, never))
    expect(await reasonAt(`https://localhost:${port}/`)).toBe('found')
    expect(await reasonAt(`https://127.0.0.1:${port}/`)).toBe('private_address')
    proxy.state.answer = 502
    expect(await reasonAt(`https://localhost:${port}/`)).toBe('unreachable')
    expect(proxy.ways).toEqual([`localhost:${port}`, `localhost:${port}`])
  })

  it('goes to no private address, by number or by name', async () => {
    let requests = 0
    const { url, port } = await serving((_request, response) => {
      requests += 1
      response.end('{}')
    })
    nock.enableNetConnect()
    expect(await reasonOf(httpsGet(url, '*/*', {}, never))).toBe('private_address')
    expect(await reasonOf(httpsGet(`https://localhost:${port}/`, '*/*', {}, never))).toBe('private_address')
    expect(await reasonOf(httpsGet(`https://[::1]:${port}/`, '*/*', {}, never))).toBe('private_address')
    expect(requests).toBe(0)
  })

  it('checks the certificate, and takes one of a given authority', async () => {
    const { url, ca } = await serving((_request, response) => response.end('{"a":1}'))
    const options = { allowPrivateAddresses: true }
    expect(await reasonOf(httpsGet(url, '*/*', options, never))).toBe('unreachable')
    expect((await httpsGet(url, '*/*', { ...options, ca }, never)).body).toBe('{"a":1}')
  })

  it('waits five seconds for the whole of an answer, and not longer', async () => {
    const { url, ca } = await serving((_request, response) => void response.write('{'))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const attempt = reasonOf(httpsGet(url, '*/*', { allowPrivateAddresses: true, ca }, never))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await attempt).toBe('timeout')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends with the signal', async () => {
    const { url, ca } = await serving(() => {})
    const stopping = new AbortController()
    const attempt = reasonOf(httpsGet(url, '*/*', { allowPrivateAddresses: true, ca }, stopping.signal))
    stopping.abort()
    expect(await attempt).toBe('unreachable')
  })

  it.each([
    ['127.0.0.1', false],
    ['10.1.2.3', false],
    ['100.64.0.1', false],
    ['169.254.169.254', false],
    ['172.31.255.255', false],
    ['192.168.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['0.0.0.0', false],
    ['::', false],
    ['::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:8.8.8.8', false],
    ['64:ff9b::a00:1', false],
    ['fc00::1', false],
    ['fe80::1', false],
    ['2002:7f00:1::', false],
    ['2001:db8::1', false],
    ['localhost', false],
    ['8.8.8.8', true],
    ['172.32.0.1', true],
    ['2a00:1450:4001::1', true],
  ])('takes %s for public: %s', (address, isPublic) => expect(isPublicAddress(address)).toBe(isPublic))
})

describe('the keys of the signers', () => {
  const [old, next] = ['feed-instance', 'feed-user'].map((name) =>
    publicKeyFrom(key(name).public_spki_base64),
  ) as [KeyObject, KeyObject]
  const settle = () => vi.advanceTimersByTimeAsync(0)

  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const fetching = (outcomes: (KeyObject | Error)[]) => {
    const asked: string[] = []
    const keys = new SignerKeys(
      new Map([
        ['feeds.example', []],
        ['pinned.example', [old]],
      ]),
      (signedBy) => {
        asked.push(signedBy)
        const outcome = outcomes.shift() ?? new DiscoveryError('unreachable', 'no more')
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome)
      },
    )
    onTestFinished(() => keys.stop())
    keys.start()
    keys.start()
    return { keys, asked }
  }

  it('are fetched once at the start for those that have none, and again after six hours', async () => {
    const { keys, asked } = fetching([old, next])
    expect(keys.problem()).toBe('The key of feeds.example is not known: it has not been fetched yet')
    await settle()
    expect(keys.keysOf('feeds.example')).toEqual([old])
    expect(keys.problem()).toBeUndefined()
    expect(keys.keysOf('evil.example')).toBeUndefined()
    await vi.advanceTimersByTimeAsync(6 * 3_600_000 + 60_000)
    expect(keys.keysOf('feeds.example')).toEqual([next])
    expect(asked).toEqual(['feeds.example', 'feeds.example'])
  })

  it('are fetched again after a bad signature, at most once a minute, and never for others', async () => {
    const { keys, asked } = fetching([old, next, next])
    await settle()
    for (const name of ['feeds.example', 'pinned.example', 'evil.example']) keys.signatureFailed(name)
    await vi.advanceTimersByTimeAsync(59_000)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    keys.signatureFailed('feeds.example')
    keys.signatureFailed('feeds.example')
    await settle()
    expect(keys.keysOf('feeds.example')).toEqual([next])
    for (let count = 0; count < 100; count++) keys.signatureFailed('feeds.example')
    await settle()
    expect(asked).toHaveLength(2)
  })

  it('stay in use while their instance cannot be reached, and no longer when it says something else', async () => {
    const { keys } = fetching([
      old,
      new DiscoveryError('unreachable', 'down'),
      new DiscoveryError('domain_mismatch', 'moved'),
      next,
    ])
    await settle()
    await vi.advanceTimersByTimeAsync(60_000)
    keys.signatureFailed('feeds.example')
    await settle()
    expect(keys.keysOf('feeds.example')).toEqual([old])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(keys.keysOf('feeds.example')).toEqual([])
    expect(keys.problem()).toBe('The key of feeds.example is not known: domain_mismatch')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(keys.keysOf('feeds.example')).toEqual([next])
  })

  it('leave no timer when they stop, whatever they were doing', async () => {
    const { keys } = fetching([old])
    await settle()
    await vi.advanceTimersByTimeAsync(60_000)
    await keys.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an adapter with a signer whose key is not pinned', () => {
  it('takes its messages once the key is there, and says so before', async () => {
    answer(discoveries.find(({ name }) => name === 'v0.6')!)
    await using provider = await wsProvider()
    await using service = await serveVersia({
      connect: { url: provider.url },
      signers: { 'feeds.example': [] },
      discovery: {},
    })
    const connection = await provider.connection()
    await eventually(() => nock.isDone())
    await eventually(async () => {
      connection.send(priceMessage({ value: '4' }))
      await handled(connection)
      return (await service.post(ETH)).statusCode === 200
    })
    expect((await service.post(ETH)).json.result).toBe(4)
  })

  it('refuses its messages and names the cause while there is none', async () => {
    answer(discoveries.find(({ name }) => name === 'v0.6-redirect')!)
    await using provider = await wsProvider()
    await using service = await serveVersia({
      connect: { url: provider.url },
      signers: { 'feeds.example': [] },
      discovery: {},
    })
    const connection = await provider.connection()
    await eventually(() => nock.isDone())
    connection.send(priceMessage())
    await handled(connection)
    expect(await refused(service, 'unknown_signer')).toBe(1)
    await eventually(async () => (await service.post(ETH)).text.includes('redirect'))
  })
})
