import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import { type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { describeFailure } from '../../src/outbound-http/provider-error'
import { FixedIntervalRateLimiter } from '../../src/public/rate-limiting/fixed-interval'
import { Requester } from '../../src/public/util/requester'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { memberOf } from '../../src/util/objects'
import { classOf } from '../../src/validation/reason'
import { silentLoggers } from '../connections/support'
import { connectProxy } from '../helpers/connect-proxy'
import { eventually } from '../helpers/eventually'
import { onlyProxies } from '../helpers/proxy-env'
import { selfSigned } from '../http/certificate'

beforeAll(() => {
  LoggerFactoryProvider.set(silentLoggers)
  metrics.initialize()
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  delete https.globalAgent.options.ca
})

const { key, cert } = selfSigned()

const serverOf = async (server: http.Server) => {
  const wires = new Set<Socket>()
  server.on('connection', (wire: Socket) => wires.add(wire.on('close', () => wires.delete(wire))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const hello: RequestListener = (_req, res) => void res.end('hello')
const plainServer = (answer = hello) => serverOf(http.createServer(answer))
const tlsServer = (answer = hello) => serverOf(https.createServer({ key, cert }, answer))

const requesting = () => {
  const settings = {
    API_TIMEOUT: 20_000,
    RETRY: 0,
    REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: 0,
    MAX_HTTP_REQUEST_QUEUE_LENGTH: 200,
  }
  const requester = new Requester(new FixedIntervalRateLimiter().initialize([]), settings)
  return {
    get: async (url: string, config = {}) => {
      const { response } = await requester.request<string>(url, { url, ...config })
      return response.data
    },
    [Symbol.dispose]: () => requester.stop(),
  }
}

const reasonFor = async (request: Promise<unknown>) => {
  const error = await request.then(
    () => new Error('It did not fail'),
    (failure: unknown) => failure,
  )
  const { code, message } = describeFailure(memberOf(error, 'cause'))
  return { code, message, class: classOf({ code }) }
}

const trustIt = () => void (https.globalAgent.options.ca = cert)

describe('a request through a proxy', () => {
  it('goes to an https: host by one way that it keeps for the next', async () => {
    await using proxy = await connectProxy()
    await using server = await tlsServer()
    using requester = requesting()
    trustIt()
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const url = `https://127.0.0.1:${server.port}`
    expect(await requester.get(`${url}/a`)).toBe('hello')
    expect(await requester.get(`${url}/b`)).toBe('hello')
    expect([proxy.ways, proxy.requests]).toEqual([[`127.0.0.1:${server.port}`], []])
  })

  it('leaves no kept connection behind when its adapter stops', async () => {
    await using proxy = await connectProxy()
    await using tls = await tlsServer()
    await using plain = await plainServer()
    trustIt()
    onlyProxies({ ALL_PROXY: proxy.url })
    const ended = vi.spyOn(https.Agent.prototype, 'destroy')
    let kept: Socket[]
    {
      using requester = requesting()
      await requester.get(`https://127.0.0.1:${tls.port}`)
      await requester.get(`http://127.0.0.1:${plain.port}`)
      expect(proxy.open).toBeGreaterThan(0)
      // What is kept would be closed after five seconds as well.
      kept = Object.entries(http.globalAgent.freeSockets)
        .filter(([name]) => name.includes(new URL(proxy.url).port))
        .flatMap(([, sockets = []]) => sockets)
    }
    expect(kept).toHaveLength(1)
    expect(kept.every(({ destroyed }) => destroyed)).toBe(true)
    expect(ended).toHaveBeenCalledOnce()
    await eventually(() => expect(proxy.open).toBe(0))
  })

  it('is sent whole to the proxy where the host is an http: one', async () => {
    await using proxy = await connectProxy('user:s3cret')
    await using server = await plainServer()
    using requester = requesting()
    onlyProxies({ HTTP_PROXY: proxy.url })
    expect(await requester.get(`http://nowhere.invalid:${server.port}/a`)).toBe('hello')
    expect([proxy.ways, proxy.requests]).toEqual([[], [`http://nowhere.invalid:${server.port}/a`]])
  })

  it('goes directly where NO_PROXY names the host', async () => {
    await using proxy = await connectProxy()
    await using server = await tlsServer()
    using requester = requesting()
    trustIt()
    onlyProxies({ ALL_PROXY: proxy.url, NO_PROXY: '127.0.0.0/8' })
    expect(await requester.get(`https://127.0.0.1:${server.port}`)).toBe('hello')
    expect(proxy.ways).toEqual([])
  })

  it('follows redirects by the way of each host', async () => {
    await using proxy = await connectProxy()
    await using plain = await plainServer()
    const to = `http://elsewhere.invalid:${plain.port}/`
    await using server = await tlsServer((_req, res) => void res.writeHead(302, { location: to }).end())
    using requester = requesting()
    trustIt()
    onlyProxies({ ALL_PROXY: proxy.url })
    expect(await requester.get(`https://127.0.0.1:${server.port}`, { redirectOrigins: [to] })).toBe('hello')
    expect(proxy.ways).toEqual([`127.0.0.1:${server.port}`, `elsewhere.invalid:${plain.port}`])
  })

  it('refuses a certificate that nobody it trusts has signed', async () => {
    await using proxy = await connectProxy()
    await using server = await tlsServer()
    using requester = requesting()
    onlyProxies({ HTTPS_PROXY: proxy.url })
    const reason = await reasonFor(requester.get(`https://127.0.0.1:${server.port}`))
    expect(reason.code).toBe('TLS_FAILED')
  })

  it.each([
    [407, 'PROXY_REFUSED', 'auth'],
    [502, 'PROXY_FAILED', 'network'],
    [403, 'PROXY_FAILED', 'network'],
  ] as const)(
    'takes %i for no answer of the provider, and shows no credential',
    async (status, code, kind) => {
      await using proxy = await connectProxy('user:s3cret')
      proxy.state.answer = status
      using requester = requesting()
      onlyProxies({ HTTPS_PROXY: proxy.url })
      const request = requester.get('https://provider.invalid/')
      const reason = await reasonFor(request)
      expect(reason).toMatchObject({ code, class: kind })
      expect(reason.message).toContain(`The proxy ${proxy.url.replace('user:s3cret@', '')} `)
      await expect(request).rejects.toMatchObject({
        providerStatusCode: 502,
        message: reason.message,
      })
    },
  )

  it('names a proxy of an http: host that wants a credential', async () => {
    await using proxy = await connectProxy('user:s3cret')
    using requester = requesting()
    onlyProxies({ HTTP_PROXY: proxy.url.replace('user:s3cret@', '') })
    const reason = await reasonFor(requester.get('http://provider.invalid/'))
    expect(reason).toMatchObject({ code: 'PROXY_REFUSED', class: 'auth' })
  })

  it('names a proxy that is not there', async () => {
    const gone = await connectProxy()
    await gone[Symbol.asyncDispose]()
    using requester = requesting()
    onlyProxies({ HTTPS_PROXY: gone.url })
    const reason = await reasonFor(requester.get('https://provider.invalid/'))
    expect(reason).toMatchObject({ code: 'PROXY_FAILED', class: 'network' })
    expect(reason.message).toMatch(/The proxy \S+ could not be reached: connect ECONNREFUSED/)
  })

  it.each([{ proxy: false as const }, { httpsAgent: new https.Agent({ ca: cert }), proxy: false as const }])(
    'is left to an author who has chosen the way',
    async (config) => {
      await using proxy = await connectProxy()
      await using server = await tlsServer()
      using requester = requesting()
      trustIt()
      onlyProxies({ ALL_PROXY: proxy.url })
      expect(await requester.get(`https://127.0.0.1:${server.port}`, config)).toBe('hello')
      expect(proxy.ways).toEqual([])
      config.httpsAgent?.destroy()
    },
  )
})
