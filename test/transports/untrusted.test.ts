import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { FixedIntervalRateLimiter } from '../../src/outbound-http/fixed-interval-rate-limiter'
import { withSafeRedirects } from '../../src/outbound-http/redirects'
import { Requester } from '../../src/outbound-http/requester'
import { serve } from '../../src/testing/serve'
import { eventually } from '../helpers/eventually'
import { filesBelow, read } from '../helpers/repository'
import { selfSigned } from '../http/certificate'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, start as startSse } from './sse/support'
import { config as wsConfig, start as startWs } from './websocket/support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0' }

/** A server whose certificate nobody vouches for. It keeps what came through, and how often a client hung up over the certificate. */
const untrusted = async () => {
  const got: string[] = []
  let turnedAway = 0
  const server: TlsServer = createTlsServer(selfSigned(), (req, res) => {
    got.push(req.url ?? '')
    res.end('{}')
  })
  server.on('tlsClientError', () => turnedAway++)
  server.on('upgrade', (req: IncomingMessage, socket) => {
    got.push(req.url ?? '')
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    got,
    at: (scheme: string) => `${scheme}://127.0.0.1:${port}`,
    turnedAway: () => turnedAway,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An origin that is redirected to, with the headers and bodies that arrive there. */
const redirectedTo = async (status: number) => {
  const got: { headers: IncomingMessage['headers']; body: string }[] = []
  const other = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      got.push({ headers: req.headers, body })
      res.setHeader('content-type', 'application/json').end('{"price":1}')
    })
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const first = await httpProvider((path) =>
    path.startsWith('/same')
      ? { status, headers: { location: '/arrived' } }
      : path === '/arrived'
        ? { body: { price: 2 } }
        : { status, headers: { location: `${otherUrl}/there` } },
  )
  return {
    first,
    got,
    otherUrl,
    [Symbol.asyncDispose]: async () => {
      await first[Symbol.asyncDispose]()
      other.closeAllConnections()
      await new Promise((resolve) => other.close(resolve))
    },
  }
}

const requester = () =>
  new Requester(new FixedIntervalRateLimiter().initialize([]), {
    API_TIMEOUT: 20_000,
    RETRY: 0,
    REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 0,
    MAX_HTTP_REQUEST_QUEUE_LENGTH: 200,
  })

beforeAll(() => metrics.initialize())

describe('SC-6: the check of certificates', () => {
  it('is switched off nowhere, but for the health check of a host that asks itself', () => {
    const files = ['src', 'endpoints', 'protocols']
      .flatMap((folder) => filesBelow(folder, /\.ts$/))
      .filter((file) => !/\/test\//.test(file))
    const off =
      /rejectUnauthorized: (?!tls\.ca !== undefined|asksForCertificates)|NODE_TLS_REJECT|checkServerIdentity/
    expect(files.length).toBeGreaterThan(300)
    expect(files.filter((file) => off.test(read(file)))).toEqual(['src/cli/healthcheck.ts'])
  })

  it('keeps a WebSocket from a provider that nobody vouches for, and its client is told', async () => {
    await using provider = await untrusted()
    await using service = await startWs(wsConfig(`${provider.at('wss')}/?key=abc`), AT_ONCE)
    await service.post(ETH)
    await eventually(async () => expect((await service.post(ETH)).text).toMatch(/certificate|self-signed/))
    await eventually(() => expect(provider.turnedAway()).toBeGreaterThan(0))
    expect(provider.got).toEqual([])
  })

  it('keeps a stream from it', async () => {
    await using provider = await untrusted()
    await using service = await startSse(sseConfig(`${provider.at('https')}/?key=abc`), AT_ONCE)
    await service.post(ETH)
    await eventually(async () => expect((await service.post(ETH)).text).toContain('CONNECTION_FAILED'))
    await eventually(() => expect(provider.turnedAway()).toBeGreaterThan(0))
    expect(provider.got).toEqual([])
  })

  it('keeps an HTTP request from it', async () => {
    await using provider = await untrusted()
    await using service = await serve(() => httpAdapter(oneByOne(provider.at('https'))), { env: AT_ONCE })
    expect((await service.post(ETH)).statusCode).toBe(504)
    await eventually(() => expect(provider.turnedAway()).toBeGreaterThan(1))
    expect(provider.got).toEqual([])
    expect((await service.post(ETH)).statusCode).toBe(504)
  })
})

describe('SC-6: a redirect', () => {
  it('to another origin takes no header that may be a credential along, whatever it is called', async () => {
    await using sites = await redirectedTo(302)
    const asking = requester()
    const name = fc
      .stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
      .filter(
        (text) =>
          !/^(accept|host$|connection$|content-|user-agent$|cache-control$|transfer-encoding$|te$|trailer$|upgrade$|expect$|keep-alive$)/.test(
            text,
          ),
      )
    const names = fc.uniqueArray(
      fc.oneof(
        fc.constantFrom('authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'X-Token'),
        name,
      ),
      { minLength: 1, maxLength: 5, selector: (text) => text.toLowerCase() },
    )
    let n = 0
    await fc.assert(
      fc.asyncProperty(names, fc.boolean(), async (given, isBasic) => {
        const headers = Object.fromEntries(given.map((one) => [one, 'k3y-of-ours']))
        const auth = isBasic ? { auth: { username: 'me', password: 'k3y-of-ours' } } : {}
        const url = `${sites.first.url}/elsewhere`
        const redirectOrigins = [sites.otherUrl]
        const request = { url, headers, redirectOrigins, ...auth }
        const { response } = await asking.request<{ price: number }>(`${n++}`, request)
        expect(response.data).toEqual({ price: 1 })
        const arrived = sites.got.at(-1)!
        expect(JSON.stringify(arrived)).not.toContain('k3y-of-ours')
        expect(arrived.headers.authorization).toBeUndefined()
        expect(arrived.headers.accept).toContain('application/json')
        expect(sites.first.asked.at(-1)!.headers[given[0]!.toLowerCase()]).toBeDefined()
      }),
      { numRuns: 60 },
    )
    asking.stop()
  })

  it.each([307, 308])(
    'to another origin with status %d does not take a body there, and says so',
    async (status) => {
      await using sites = await redirectedTo(status)
      const asking = requester()
      const login = asking.request('login', {
        url: `${sites.first.url}/login`,
        method: 'POST',
        redirectOrigins: [sites.otherUrl],
        data: { password: 'k3y-of-ours' },
      })
      await expect(login).rejects.toThrow(/redirect to another host was not followed, because it would take/)
      expect(sites.got).toEqual([])
      asking.stop()
    },
  )

  it('to a path of the same origin is what it was, and an author may add what the other host may know', async () => {
    await using sites = await redirectedTo(302)
    const asking = requester()
    const headers = { 'x-api-key': 'k3y-of-ours' }
    const { response } = await asking.request<{ price: number }>('same', {
      url: `${sites.first.url}/same`,
      headers,
    })
    expect(response.data).toEqual({ price: 2 })
    expect(sites.first.asked.map(({ headers: sent }) => sent['x-api-key'])).toEqual([
      'k3y-of-ours',
      'k3y-of-ours',
    ])
    const beforeRedirect = (options: Record<string, unknown>) => {
      Object.assign(options['headers'] as object, { 'x-api-key': 'its-own' })
    }
    const url = `${sites.first.url}/elsewhere`
    await asking.request('other', { url, headers, beforeRedirect, redirectOrigins: [`${sites.otherUrl}/`] })
    expect(sites.got.at(-1)!.headers['x-api-key']).toBe('its-own')
    asking.stop()
  })

  it.each([
    ['none', undefined],
    ['another one', ['http://127.0.0.1:1', 'nonsense', 'https://example.com']],
  ])(
    'to another origin is not followed where %s is declared, and its client is told',
    async (_, declared) => {
      await using sites = await redirectedTo(302)
      const prepareRequests = (feeds: { base: string }[]) =>
        feeds.map((feed) => ({
          params: [feed],
          request: {
            url: `${sites.first.url}/${feed.base}`,
            headers: { 'x-api-key': 'k3y-of-ours' },
            ...(declared && { redirectOrigins: declared }),
          },
        }))
      const of = { ...oneByOne(sites.first.url), prepareRequests }
      await using service = await serve(() => httpAdapter(of), { env: { ...AT_ONCE, RETRY: '3' } })
      await service.post(ETH)
      const reason = await eventually(async () => {
        const { json } = await service.post(ETH)
        expect(json.error.reason.code).toBe('REQUEST_FAILED')
        return json.error.reason as { class: string; message: string }
      })
      expect(reason).toMatchObject({
        class: 'provider',
        message: `A redirect to another host was not followed: ${sites.otherUrl} is none of the origins that are declared for it`,
      })
      expect(sites.got).toEqual([])
    },
  )

  it('to another scheme or port of the same host is one to another origin', () => {
    const { beforeRedirect } = withSafeRedirects({})
    const to = (href: string) => () =>
      beforeRedirect!(
        { href, method: 'GET', headers: {} },
        { headers: {}, statusCode: 302 },
        {
          url: 'https://provider.example/one',
          method: 'GET',
          headers: {},
        },
      )
    for (const url of ['http://provider.example/two', 'https://provider.example:8443/', 'https://example/'])
      expect(to(url)).toThrow(/was not followed/)
    expect(to('https://provider.example:443/two')).not.toThrow()
  })

  it('to another origin is not followed by a stream, also not by the fetch of its author', async () => {
    await using other = await httpProvider(() => ({}))
    await using first = await httpProvider((path) => ({
      status: 307,
      headers: { location: path === '/' ? '/again' : `${other.url}/?key=abc` },
    }))
    const withKey: typeof fetch = (url, init) =>
      fetch(url, { ...init, headers: { ...init?.headers, 'x-api-key': 'k3y-of-ours' } })
    const prepareSSEConnectionConfig = () => ({
      url: `${first.url}/`,
      eventSourceInitDict: { fetch: withKey as never },
    })
    await using service = await startSse({ ...sseConfig(first.url), prepareSSEConnectionConfig }, AT_ONCE)
    await service.post(ETH)
    await first.seen(2)
    expect(first.asked.map(({ path, headers }) => [path, headers['x-api-key']])).toEqual([
      ['/', 'k3y-of-ours'],
      ['/again', 'k3y-of-ours'],
    ])
    await eventually(async () =>
      expect((await service.post(ETH)).json.error.reason.message).toBe(
        `A redirect to another host was not followed: ${other.url} is none of the origins that are declared for it`,
      ),
    )
    expect(other.asked).toEqual([])
  })

  it('is followed by a stream within its origin, and not without an end', async () => {
    await using provider = await SseProvider.start()
    await using service = await startSse(sseConfig(provider.url), AT_ONCE)
    provider.answer = 302
    provider.headers = { location: '/elsewhere' }
    await service.post(ETH)
    await provider.until(() => provider.asked > 20)
    await eventually(async () =>
      expect((await service.post(ETH)).json.error.reason.message).toContain('redirects without an end'),
    )
    provider.answer = 'stream'
    const stream = await provider.connection(0)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
  })

  it('to another origin is not followed by a WebSocket whose author follows redirects', async () => {
    await using other = await httpProvider(() => ({}))
    await using first = await httpProvider((path) => ({
      status: 302,
      headers: { location: path === '/' ? '/again' : `${other.url}/?key=abc` },
    }))
    const options = () => ({ headers: { 'x-api-key': 'k3y-of-ours' }, followRedirects: true })
    await using service = await startWs(wsConfig(first.url.replace('http', 'ws'), { options }), AT_ONCE)
    await service.post(ETH)
    await first.seen(2)
    expect(first.asked.map(({ path, headers }) => [path, headers['x-api-key']])).toEqual([
      ['/', 'k3y-of-ours'],
      ['/again', 'k3y-of-ours'],
    ])
    await eventually(async () =>
      expect((await service.post(ETH)).json.error.reason.message).toBe(
        `Could not connect: A redirect to another host was not followed: ${other.url} is none of the origins that are declared for it`,
      ),
    )
    expect(other.asked).toEqual([])
  })

  it('is not followed by a WebSocket', async () => {
    await using other = await httpProvider(() => ({}))
    await using first = await httpProvider(() => ({
      status: 302,
      headers: { location: `${other.url}/?key=abc` },
    }))
    const options = () => ({ headers: { 'x-api-key': 'k3y-of-ours' } })
    await using service = await startWs(wsConfig(first.url.replace('http', 'ws'), { options }), AT_ONCE)
    await service.post(ETH)
    await first.seen(1)
    await eventually(async () => expect((await service.post(ETH)).text).toContain('302'))
    expect(other.asked).toEqual([])
  })
})
