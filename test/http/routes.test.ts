import { type IncomingMessage, request as httpRequest, Agent } from 'node:http'
import { hostname } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { setupMetricsServer } from '../../src/http/metrics-server'
import { startAdapter } from '../../src/service/started-adapter'
import { parseSamples } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { eventually, PATIENT } from '../helpers/eventually'
import { JSON_HEADERS, stillAdapter } from './support'

const JSON_TYPE = 'application/json; charset=utf-8'

afterEach(() => vi.unstubAllEnvs())

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

describe('GET /health', () => {
  it('HT-6: answers with OK and the version that npm gives', async () => {
    vi.stubEnv('npm_package_version', '1.2.3')
    await using service = await serve(stillAdapter().adapter)
    const reply = await service.api.inject('/health')
    expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
      200,
      JSON_TYPE,
      { message: 'OK', version: '1.2.3' },
    ])
  })

  it('HT-6: leaves the version out where npm gives none', async () => {
    vi.stubEnv('npm_package_version', undefined)
    await using service = await serve(stillAdapter().adapter)
    expect((await service.api.inject('/health')).json()).toEqual({ message: 'OK' })
  })
})

describe('GET /status', () => {
  it('HT-6: tells what the adapter is, how it is set up, and no secret', async () => {
    vi.stubEnv('npm_package_version', '1.2.3')
    const config = new AdapterConfig({
      API_KEY: { type: 'string', description: 'Key', sensitive: true },
      SHOWN: { type: 'string', description: 'Not secret', default: 'as it is', sensitive: false },
      MORE: { type: 'number', description: 'A number' },
    })
    const env = { API_KEY: 'sekrit-value', MORE: '7' }
    await using service = await serve(() => stillAdapter({ adapter: { config } }).adapter, { env })
    const reply = await service.api.inject('/status')
    const { configuration, ...rest } = reply.json<{ configuration: { name: string }[] }>()
    expect(reply.body).not.toContain('sekrit-value')
    expect(rest).toEqual({
      adapter: {
        name: 'TEST',
        version: '1.2.3',
        uptimeSeconds: expect.any(Number) as number,
        startedUnixMs: expect.any(Number) as number,
        configurationHash: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
      endpoints: [{ name: 'price', aliases: ['crypto'], transports: ['default_single_transport'] }],
      defaultEndpoint: 'price',
      runtime: {
        nodeVersion: process.version,
        platform: process.platform,
        architecture: process.arch,
        hostname: hostname(),
      },
      metrics: { enabled: true, port: 9080, endpoint: '/metrics' },
    })
    const settings = new Map(configuration.map((setting) => [setting.name, setting]))
    expect(settings.get('API_KEY')).toEqual({
      name: 'API_KEY',
      type: 'string',
      description: 'Key',
      required: false,
      sensitive: true,
      customSetting: true,
      value: '[API_KEY REDACTED]',
    })
    expect(settings.get('SHOWN')).toMatchObject({
      value: 'as it is',
      default: 'as it is',
      customSetting: true,
    })
    expect(settings.get('MORE')).toMatchObject({ value: 7, type: 'number' })
    expect(settings.get('CACHE_MAX_AGE')).toMatchObject({
      value: 90_000,
      default: 90_000,
      customSetting: false,
    })
    const names = [...settings.keys()]
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)))
  })

  it('HT-6: shows what an adapter has no values for as empty, and metrics as off', async () => {
    vi.stubEnv('npm_package_version', undefined)
    const { adapter } = stillAdapter({
      adapter: { defaultEndpoint: undefined },
      endpoint: { aliases: undefined },
    })
    await using service = await serve(adapter, { env: { METRICS_ENABLED: 'false' } })
    expect((await service.api.inject('/status')).json()).toMatchObject({
      adapter: { version: 'unknown' },
      endpoints: [{ aliases: [] }],
      defaultEndpoint: '',
      metrics: { enabled: false },
    })
  })
})

describe('the routes', () => {
  it('answer HEAD wherever they answer GET', async () => {
    await using service = await serve(stillAdapter().adapter)
    for (const url of ['/health', '/status']) {
      const reply = await service.api.inject({ method: 'HEAD', url })
      expect([reply.statusCode, reply.body]).toEqual([200, ''])
    }
  })

  it.each([
    ['GET', '/'],
    ['PUT', '/'],
    ['GET', '/nope?x=1'],
    ['POST', '/price'],
    ['GET', '/health/'],
    ['GET', '/debug/settings'],
  ] as const)('are the only ones: %s %s is 404', async (method, url) => {
    await using service = await serve(stillAdapter().adapter)
    const reply = await service.api.inject({ method, url, headers: JSON_HEADERS, payload: '{}' })
    expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
      404,
      JSON_TYPE,
      {
        message: `Route ${method}:${url} not found`,
        error: 'Not Found',
        statusCode: 404,
        hint: 'Requests go to POST /',
      },
    ])
  })

  it('ignore a query string', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter)
    await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
    const payload = { data: { base: 'ETH', quote: 'USD' } }
    const reply = await service.api.inject({ method: 'POST', url: '/?a=b', headers: JSON_HEADERS, payload })
    expect(reply.statusCode).toBe(200)
  })

  it.each([
    ['/ea', '/ea', '/ea/health', ['/', '/health', '/ea/']],
    ['/ea/', '/ea/', '/ea/health', ['/', '/ea', '/health']],
    ['/a/b', '/a/b', '/a/b/health', ['/a', '/b']],
  ])('start with BASE_URL %s', async (base, post, health, others) => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env: { BASE_URL: base } })
    await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
    const payload = { data: { base: 'ETH', quote: 'USD' } }
    const ask = async (url: string) =>
      (await service.api.inject({ method: 'POST', url, headers: JSON_HEADERS, payload })).statusCode
    expect(await ask(post)).toBe(200)
    expect(await ask(post)).toBe(200)
    expect((await service.api.inject(health)).statusCode).toBe(200)
    for (const url of others) expect(await ask(url)).toBe(404)
  })

  it('do not start with a BASE_URL that is no path', async () => {
    const starting = serve(stillAdapter().adapter, { env: { BASE_URL: 'ea' } })
    await expect(starting).rejects.toThrow(/BASE_URL: .*path/)
  })

  it.each([
    [{ METRICS_USE_BASE_URL: 'true', BASE_URL: '/ea' }, '/ea/metrics'],
    [{ METRICS_USE_BASE_URL: 'false', BASE_URL: '/ea' }, '/metrics'],
    [{ BASE_URL: '/' }, '/metrics'],
  ])('of the metrics server: with %o it is %s', async (env, url) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const { metricsApi, api, stop } = await startAdapter(stillAdapter().adapter)
    const reply = await metricsApi!.inject(url)
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(parseSamples(reply.body).length).toBeGreaterThan(0)
    const status = (await api!.inject(`${env.BASE_URL}/status`.replace('//', '/'))).json<{
      metrics: object
    }>()
    expect(status.metrics).toMatchObject({ endpoint: url })
    await Promise.all([stop(), api!.close(), metricsApi!.close()])
  })

  it.each([{ METRICS_ENABLED: 'false' }, { EXPERIMENTAL_METRICS_ENABLED: 'false' }])(
    'have no metrics server with %o',
    async (env) => {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
      const { metricsApi, api, stop } = await startAdapter(stillAdapter().adapter)
      expect(metricsApi).toBeUndefined()
      await Promise.all([stop(), api!.close()])
    },
  )

  it('of the metrics server can be set up for settings alone', async () => {
    const config = new AdapterConfig({})
    config.initialize()
    const app = setupMetricsServer('', config.settings)
    const samples = parseSamples((await app.inject('/metrics')).body)
    expect(samples.find(({ name }) => name === 'process_cpu_seconds_total')?.labels).toMatchObject({
      app_name: 'N/A',
    })
    await app.close()
  })
})

describe('over real connections', () => {
  it('HT-2: answers chunked bodies, several on one connection', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { listen: true })
    await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    for (let time = 0; time < 3; time++) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const req = httpRequest(service.url!, { method: 'POST', agent, headers: JSON_HEADERS }, resolve)
        req.on('error', reject)
        req.on('socket', (socket) => sockets.add(socket))
        req.write('{"data":{"ba')
        req.write('se":"ETH",')
        req.end('"quote":"USD"}}')
      })
      const text = await bodyOf(response)
      expect([response.statusCode, (JSON.parse(text) as { result: number }).result]).toEqual([200, 5])
      expect(response.headers['keep-alive']).toBe('timeout=72')
    }
    expect(sockets.size).toBe(1)
    agent.destroy()
  })

  it('accepts a multi-byte character that two chunks share', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { listen: true })
    await still.transport.put({ base: '€', quote: 'USD' }, 6)
    const bytes = Buffer.from('{"data":{"base":"€","quote":"USD"}}')
    const cut = bytes.indexOf(0xe2) + 1
    for (let time = 0; time < 2; time++) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const req = httpRequest(service.url!, { method: 'POST', headers: JSON_HEADERS }, resolve)
        req.on('error', reject)
        req.write(bytes.subarray(0, cut))
        setImmediate(() => req.end(bytes.subarray(cut)))
      })
      expect(JSON.parse(await bodyOf(response))).toMatchObject({ result: 6 })
    }
  })

  it('LC-3: finishes what runs when it is closed, and then waits for no client to hang up', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, {
      listen: true,
      env: PATIENT,
    })
    const agent = new Agent({ keepAlive: true })
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      const req = httpRequest(service.url!, { method: 'POST', agent, headers: JSON_HEADERS }, resolve)
      req.on('error', reject)
      req.end(JSON.stringify({ data: { base: 'ETH', quote: 'USD' } }))
    })
    await eventually(() => expect(still.local().waiters.size).toBe(1))
    const closing = service.api.close()
    await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
    expect(JSON.parse(await bodyOf(await response))).toMatchObject({ result: 5 })
    // The client keeps its connection for the next request; the server's own limit is 72 s.
    await closing
    agent.destroy()
  })
})
