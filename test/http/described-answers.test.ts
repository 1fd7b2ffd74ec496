import { type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { renderHttpReference } from '../../scripts/http-reference'
import { RefusalAnswer, ValueAnswer } from '../../src/feeds/answers'
import { answers, NoRouteAnswer } from '../../src/http/answers'
import { HealthAnswer } from '../../src/http/health-answer'
import { LiveAnswer } from '../../src/http/live-answer'
import { ReadyAnswer } from '../../src/http/ready-answer'
import { ServiceStatus, StatusResponse } from '../../src/http/status-answer'
import { startService } from '../../src/service/single'
import { serve } from '../../src/testing/serve'
import { withEnv } from '../../src/testing/env'
import { wsProvider } from '../../src/testing/ws-provider'
import { ErrorAnswer } from '../../src/validation/error-answer'
import { read } from '../helpers/repository'
import { makeAcme } from '../testing/acme'
import { JSON_HEADERS, stillAdapter } from './support'

const ETH = { base: 'ETH', quote: 'USD' }

/** What a schema has against a value. */
const faults = (schema: TSchema, value: unknown): string[] =>
  [...Value.Errors(schema, value)].map(({ path, message }) => `${path}: ${message}`)

const post = (data: object) =>
  ({ method: 'POST', url: '/', headers: JSON_HEADERS, payload: { data } }) as const

afterEach(() => vi.unstubAllEnvs())

describe('an answer is as its schema describes it', () => {
  const serveStill = ({ adapter }: ReturnType<typeof stillAdapter>, env: Record<string, string> = {}) =>
    serve(adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0', DEBUG_ENDPOINTS: 'true', ...env } })

  it.each([{ METRICS_ENABLED: 'true' }, { METRICS_ENABLED: 'false' }])(
    'of a request, with %o',
    async (env) => {
      const still = stillAdapter()
      const { transport } = still
      await using service = await serveStill(still, env)
      const nothing = await service.api.inject(post(ETH))
      expect(nothing.statusCode).toBe(504)
      expect(faults(ErrorAnswer, nothing.json())).toEqual([])
      await transport.put(ETH, 1.5, 1_700_000_000_000)
      for (let time = 0; time < 2; time++) {
        const value = await service.api.inject(post(ETH))
        expect(value.statusCode).toBe(200)
        expect(faults(ValueAnswer, value.json())).toEqual([])
      }
      await transport.putError({ base: 'BTC', quote: 'USD' }, 502, 'not listed')
      const refusal = await service.api.inject(post({ base: 'BTC', quote: 'USD' }))
      expect(refusal.statusCode).toBe(502)
      expect(faults(RefusalAnswer, refusal.json())).toEqual([])
    },
  )

  it.each([
    ['a parameter is missing', 400, { base: 'ETH' }],
    ['there is no such endpoint', 404, { ...ETH, endpoint: 'none' }],
  ])('of a request that is refused because %s', async (_why, status, data) => {
    await using service = await serveStill(stillAdapter())
    for (const debug of ['false', 'true']) {
      vi.stubEnv('DEBUG', debug)
      const reply = await service.api.inject(post(data))
      expect(reply.statusCode).toBe(status)
      expect(faults(ErrorAnswer, reply.json())).toEqual([])
    }
  })

  it('of a request that waits in vain, with its reason', async () => {
    await using provider = await wsProvider()
    provider.refuse()
    await using service = await serve(makeAcme, {
      env: { WS_API_ENDPOINT: provider.url, CACHE_POLLING_MAX_RETRIES: '5', CACHE_POLLING_SLEEP_MS: '100' },
    })
    const { json } = await service.until(ETH, (reply) => {
      const { error } = reply.json as unknown as { error?: { reason?: object } }
      return error?.reason !== undefined
    })
    expect(faults(ErrorAnswer, json)).toEqual([])
  })

  it('of health, live, ready, status, the settings for debugging, and where there is no route', async () => {
    await using service = await serveStill(stillAdapter())
    const get = async (url: string) => (await service.api.inject({ url })).json<unknown>()
    expect(faults(HealthAnswer, await get('/health'))).toEqual([])
    expect(faults(LiveAnswer, await get('/live'))).toEqual([])
    expect(faults(ReadyAnswer, await get('/ready'))).toEqual([])
    expect(faults(StatusResponse, await get('/status'))).toEqual([])
    const settings = answers.find(({ path }) => path === '/debug/settings/raw')!
    expect(faults(settings.schema, await get('/debug/settings/raw'))).toEqual([])
    expect(faults(NoRouteAnswer, await get('/nowhere'))).toEqual([])
  })

  it('of the status of a service, connections included', async () => {
    const env = withEnv({
      ADAPTERS: 'coinbase,tremor',
      TREMOR_LISTEN: '127.0.0.1:0',
      COINBASE_WS_API_ENDPOINT: 'ws://127.0.0.1:9',
      METRICS_ENABLED: 'false',
    })
    const service = await startService()
    try {
      const get = async (path: string) => (await fetch(service.url + path)).json()
      const status = await get('/status')
      expect(faults(ServiceStatus, status)).toEqual([])
      expect(JSON.stringify(status)).toContain('"role":"listener"')
      for (const name of service.adapters)
        expect(faults(StatusResponse, await get(`/${name}/status`))).toEqual([])
    } finally {
      await service.stop()
      env.restore()
    }
  })
})

describe('a schema of an answer', () => {
  const time = { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 1 }

  it('refuses what is no such answer', () => {
    expect(faults(ValueAnswer, { result: 1, data: null, timestamps: time, statusCode: 200 })).toEqual([])
    expect(faults(ValueAnswer, { result: 1, data: null, statusCode: '200' })).not.toEqual([])
    expect(faults(ValueAnswer, { data: null, statusCode: 200 })).not.toEqual([])
    expect(faults(ValueAnswer, { result: { n: 1 }, data: null, statusCode: 200 })).not.toEqual([])
    expect(faults(RefusalAnswer, { errorMessage: 'x', statusCode: 502 })).not.toEqual([])
    expect(faults(ErrorAnswer, { status: 'errored', statusCode: 504, error: { name: 'A' } })).not.toEqual([])
    expect(faults(HealthAnswer, { message: 'OK', version: '1', secret: 1 })).not.toEqual([])
    expect(faults(StatusResponse, {})).not.toEqual([])
  })
})

it('docs/http.md is what the schemas say (else: npm run http-reference)', () => {
  expect(read('docs/http.md')).toBe(renderHttpReference())
})
