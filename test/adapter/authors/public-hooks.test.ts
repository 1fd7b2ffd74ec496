import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Adapter } from '../../../src/adapter/adapter'
import { BaseSettingsDefinition } from '../../../src/config/base-settings'
import registerDebugEndpoints from '../../../src/public/debug/router'
import settingsPage from '../../../src/public/debug/settings-page'
import { metrics } from '../../../src/metrics/registry'
import registerStatusEndpoint, { type StatusResponse } from '../../../src/public/status/router'
import { buildMetricsMiddleware, setupMetricsServer } from '../../../src/public/metrics'
import { asyncLocalStorage, loggingContextMiddleware } from '../../../src/public/util/logger'
import { buildSettingsList } from '../../../src/public/util/settings'
import { errorCatchingMiddleware, validatorMiddleware } from '../../../src/public/validation'
import { AdapterTimeoutError } from '../../../src/validation/errors'
import { JSON_HEADERS, stillAdapter } from '../../http/support'

const COUNT = Object.keys(BaseSettingsDefinition).length

let app: FastifyInstance
let adapter: Adapter

beforeEach(async () => {
  vi.stubEnv('BASE_URL', '/ea')
  vi.stubEnv('TLS_PASSPHRASE', 'very secret')
  ;({ adapter } = stillAdapter())
  await adapter.initialize()
  app = fastify()
})

afterEach(async () => {
  await app.close()
  vi.unstubAllEnvs()
})

const sampleOf = async (key: 'httpRequestsTotal', labels: Record<string, unknown>) => {
  const { values } = await metrics.get(key).get()
  return values.find((one) =>
    Object.entries(labels).every(([name, value]) => (one.labels as Record<string, unknown>)[name] === value),
  )?.value
}

describe('the public status and debug routes', () => {
  it('go onto any server, under BASE_URL', async () => {
    registerStatusEndpoint(app, adapter)
    registerDebugEndpoints(app, adapter)
    const status = await app.inject('/ea/status')
    expect(status.json<StatusResponse>()).toMatchObject({
      adapter: { name: 'TEST' },
      endpoints: [{ name: 'price', aliases: ['crypto'], transports: ['default_single_transport'] }],
      defaultEndpoint: 'price',
    })
    const page = await app.inject('/ea/debug/settings')
    expect(page.headers['content-type']).toBe('text/html')
    expect(page.body.trim()).toMatch(/^<html>[^]*<\/html>$/)
    const raw = await app.inject('/ea/debug/settings/raw')
    expect(raw.json()).toEqual(JSON.parse(JSON.stringify(buildSettingsList(adapter))))
    expect(status.body + page.body + raw.body).not.toContain('very secret')
  })

  it('list settings by name, secrets redacted, and show one row each', () => {
    const settings = buildSettingsList(adapter)
    expect(settings).toHaveLength(COUNT)
    const names = settings.map(({ name }) => name)
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)))
    expect(settings.find(({ name }) => name === 'TLS_PASSPHRASE')?.value).toBe('[TLS_PASSPHRASE REDACTED]')
    const page = settingsPage([{ ...settings[0]!, name: '<script>', value: '&' }])
    expect(page.trim()).toMatch(/^<html>[^]*&lt;script&gt;[^]*<\/html>$/)
    expect(page).not.toContain('<script>')
    expect(settingsPage(settings).match(/<tr>/g)).toHaveLength(COUNT + 1)
  })
})

describe('the public request hooks', () => {
  const serve = () => {
    app.addHook('onRequest', loggingContextMiddleware)
    app.addHook('preHandler', validatorMiddleware(adapter) as never)
    app.addHook('onResponse', buildMetricsMiddleware)
    app.setErrorHandler(errorCatchingMiddleware)
    app.post('/', (req) => ({ context: req.requestContext, store: asyncLocalStorage.getStore() }))
  }
  const post = (payload: unknown, headers: Record<string, string> = JSON_HEADERS) =>
    app.inject({ method: 'POST', url: '/', headers, payload: JSON.stringify(payload) })

  it('prepare a request, in a store with its id', async () => {
    serve()
    const headers = { ...JSON_HEADERS, 'x-correlation-id': 'abc' }
    const { context, store } = (await post({ data: { from: 'ETH', to: 'usd' } }, headers)).json<{
      context: object
      store: object
    }>()
    expect(context).toMatchObject({
      cacheKey: 'TEST-price-default_single_transport-{"base":"eth","quote":"usd"}',
      data: { base: 'ETH', quote: 'usd' },
      endpointName: 'price',
      requestEndpointName: 'price',
      transportName: 'default_single_transport',
    })
    expect(store).toEqual({ correlationId: 'abc' })
    const other = (await post({ endpoint: 'CRYPTO', data: { from: 'ETH', to: 'usd' } })).json<{
      context: { requestEndpointName: string }
      store: { correlationId: string }
    }>()
    expect(other.context.requestEndpointName).toBe('crypto')
    expect(other.store.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    [{ data: {} }, 400, '[Param: base] param is required but no value was provided'],
    [{ data: { from: 'ETH', to: 5 } }, 400, '[Param: quote] input type is not the expected one (string)'],
    [{ endpoint: 'nope', data: {} }, 404, 'Adapter does not have a "nope" endpoint.'],
    [{ data: 'text' }, 400, 'Input for input parameters should be an object'],
  ])('refuse %j', async (body, statusCode, message) => {
    serve()
    const labels = { type: statusCode === 404 ? 'inputError' : 'adapterError', status_code: statusCode }
    const before = (await sampleOf('httpRequestsTotal', labels)) ?? 0
    const reply = await post(body)
    expect(reply.statusCode).toBe(statusCode)
    expect(reply.json()).toEqual({ status: 'errored', statusCode, error: { name: 'AdapterError', message } })
    expect((await sampleOf('httpRequestsTotal', labels)) ?? 0).toBe(before + 1)
  })

  it('answer other errors with text', async () => {
    app.setErrorHandler(errorCatchingMiddleware)
    app.get('/plain', () => Promise.reject(new Error('plain')))
    app.get('/empty', () => Promise.reject(new Error('')))
    app.get('/redis', () => Promise.reject(Object.assign(new Error('no'), { name: 'ReplyError' })))
    app.get('/late', () => Promise.reject(new AdapterTimeoutError({ statusCode: 504, message: 'late' })))
    expect((await app.inject('/plain')).body).toBe('plain')
    expect((await app.inject('/empty')).body).toBe('There was an unexpected error in the adapter.')
    const redis = await app.inject('/redis')
    expect([redis.statusCode, redis.body]).toEqual([500, 'no'])
    const late = await app.inject('/late')
    expect([late.statusCode, late.json<{ error: object }>().error]).toEqual([
      504,
      { name: 'AdapterError', message: 'late' },
    ])
  })

  it('measure what has no context and no body, too', async () => {
    metrics.initialize()
    const labels = { feed_id: 'N/A', type: 'dataProviderHit', status_code: 200 }
    const before = (await sampleOf('httpRequestsTotal', labels)) ?? 0
    const done = vi.fn()
    buildMetricsMiddleware({ body: undefined } as never, { statusCode: 200, elapsedTime: 12 } as never, done)
    expect(done).toHaveBeenCalledExactlyOnceWith()
    expect(await sampleOf('httpRequestsTotal', labels)).toBe(before + 1)
    const hit = { requestContext: { meta: { metrics: { feedId: 'F', cacheHit: true } } }, body: { data: 1 } }
    buildMetricsMiddleware(hit as never, { statusCode: 200, elapsedTime: 12 } as never, done)
    expect(await sampleOf('httpRequestsTotal', { feed_id: 'F', type: 'cacheHit' })).toBe(1)
  })
})

describe('the public metrics server', () => {
  it('serves what has been counted', async () => {
    const server = setupMetricsServer('TEST', adapter.settings)
    const { body, headers, statusCode } = await server.inject('/metrics')
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(body).toContain('http_requests_total')
    await server.close()
  })
})
