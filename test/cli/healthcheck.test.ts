import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { checkHealth, healthUrl, type HealthSettings } from '../../src/cli/healthcheck'
import { GUARD_MS } from '../helpers/eventually'

const settings: HealthSettings = {
  BASE_URL: '/',
  EA_HOST: '::',
  EA_MODE: 'reader-writer',
  EA_PORT: 8080,
  EXPERIMENTAL_METRICS_ENABLED: true,
  METRICS_ENABLED: true,
  METRICS_PORT: 9080,
  MTLS_ENABLED: false,
  TLS_ENABLED: false,
}

const urlWith = (change: Partial<HealthSettings>) => healthUrl({ ...settings, ...change })?.href

async function service(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    settings: { ...settings, EA_HOST: '127.0.0.1', EA_PORT: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('the health URL', () => {
  it('follows host, port and base URL', () => {
    expect(urlWith({ EA_HOST: '192.0.2.1', EA_PORT: 81 })).toBe('http://192.0.2.1:81/live')
    expect(urlWith({ EA_HOST: '2001:db8::1', BASE_URL: '/ea/' })).toBe('http://[2001:db8::1]:8080/ea/live')
  })

  it('names this host when the service listens on every address', () => {
    expect(urlWith({ EA_HOST: '::' })).toBe('http://localhost:8080/live')
    expect(urlWith({ EA_HOST: '0.0.0.0' })).toBe('http://127.0.0.1:8080/live')
  })

  it('is https when the service speaks TLS', () => {
    expect(urlWith({ TLS_ENABLED: true })).toBe('https://localhost:8080/live')
    expect(urlWith({ MTLS_ENABLED: true })).toBe('https://localhost:8080/live')
  })

  it('is that of the metrics for a writer, and none when it serves no metrics either', () => {
    const writer = { EA_MODE: 'writer', BASE_URL: '/ea' }
    expect(urlWith(writer)).toBe('http://localhost:9080/metrics')
    expect(urlWith({ ...writer, METRICS_USE_BASE_URL: true })).toBe('http://localhost:9080/ea/metrics')
    expect(urlWith({ ...writer, METRICS_ENABLED: false })).toBeUndefined()
  })
})

describe('the health check', () => {
  it('passes when the service answers 200', async () => {
    let asked: string | undefined
    await using well = await service((request, response) => {
      asked = request.url
      response.end('{"message":"OK"}')
    })
    await checkHealth({ ...well.settings, BASE_URL: '/ea' }, GUARD_MS)
    expect(asked).toBe('/ea/live')
  })

  it('fails when the service answers anything else', async () => {
    await using ill = await service((_request, response) => response.writeHead(503).end())
    await expect(checkHealth(ill.settings, GUARD_MS)).rejects.toThrow('/live answered 503')
  })

  it('fails when nobody listens', async () => {
    const gone = await service(() => undefined)
    await gone[Symbol.asyncDispose]()
    await expect(checkHealth(gone.settings)).rejects.toThrow('ECONNREFUSED')
  })

  it('fails when the service is silent', async () => {
    await using silent = await service(() => undefined)
    await expect(checkHealth(silent.settings, 50)).rejects.toThrow('no answer within 50 ms')
  })

  it('passes for a service that listens nowhere', async () => {
    await expect(
      checkHealth({ ...settings, EA_MODE: 'writer', METRICS_ENABLED: false }),
    ).resolves.toBeUndefined()
  })
})
