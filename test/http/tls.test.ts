import { request } from 'node:https'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { type AdapterSettings } from '../../src/config/settings'
import { getTLSOptions } from '../../src/http/tls'
import { startAdapter } from '../../src/service/started-adapter'
import { serve } from '../../src/testing/serve'
import { selfSigned } from './certificate'
import { stillAdapter } from './support'

afterEach(() => vi.unstubAllEnvs())

const { key, cert } = selfSigned()
const base64 = (text: string) => Buffer.from(text).toString('base64')
const encoded = { TLS_PRIVATE_KEY: base64(key), TLS_PUBLIC_KEY: base64(cert), TLS_CA: base64(cert) }

const settings = (values: Partial<AdapterSettings>): AdapterSettings => {
  const config = new AdapterConfig({})
  config.initialize()
  return Object.assign(config.settings, values)
}

const get = (url: string, options: object): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const req = request(url, options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    req.on('error', reject).end()
  })

describe('the TLS options', () => {
  it('are none without TLS', () => {
    expect(getTLSOptions(settings(encoded))).toEqual({})
  })

  it('refuse both kinds of TLS at once', () => {
    expect(() => getTLSOptions(settings({ TLS_ENABLED: true, MTLS_ENABLED: true, ...encoded }))).toThrow(
      new Error('TLS_ENABLED and MTLS_ENABLED cannot both be set to true.'),
    )
  })

  it.each(['TLS_ENABLED', 'MTLS_ENABLED'])('need key, certificate and CA for %s', (flag) => {
    for (const missing of Object.keys(encoded)) {
      expect(() => getTLSOptions(settings({ [flag]: true, ...encoded, [missing]: '' }))).toThrow(
        new Error(
          `TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, and TLS_CA environment variables are required when ${flag} is set to true.`,
        ),
      )
    }
  })

  it.each([
    ['base64 of PEM', encoded],
    ['PEM', { TLS_PRIVATE_KEY: key, TLS_PUBLIC_KEY: cert, TLS_CA: cert }],
  ])('take %s', (_name, given) => {
    expect(getTLSOptions(settings({ TLS_ENABLED: true, TLS_PASSPHRASE: 'p', ...given }))).toEqual({
      https: { key, cert, ca: cert, passphrase: 'p', requestCert: false },
    })
    expect(getTLSOptions(settings({ MTLS_ENABLED: true, ...given }))).toMatchObject({
      https: { requestCert: true },
    })
  })

  it('leave alone what is neither', () => {
    const given = { TLS_PRIVATE_KEY: 'a', TLS_PUBLIC_KEY: 'b', TLS_CA: 'c' }
    expect(getTLSOptions(settings({ TLS_ENABLED: true, ...given }))).toMatchObject({
      https: { key: 'a', cert: 'b', ca: 'c' },
    })
  })
})

describe('a server with TLS', () => {
  it('17.15: answers over HTTPS, with the key and certificate that the settings demand', async () => {
    const env = { TLS_ENABLED: 'true', ...encoded }
    await using service = await serve(() => stillAdapter().adapter, { env, listen: true })
    expect(service.url).toMatch(/^https:/)
    expect(await get(`${service.url}/health`, { ca: cert })).toBe(200)
    await expect(get(`${service.url}/health`, {})).rejects.toThrow(/self-signed/)
  })

  it('opens a key with its passphrase', async () => {
    const locked = selfSigned('open sesame')
    const env = {
      TLS_ENABLED: 'true',
      TLS_PRIVATE_KEY: base64(locked.key),
      TLS_PUBLIC_KEY: base64(locked.cert),
      TLS_CA: locked.cert,
      TLS_PASSPHRASE: 'open sesame',
    }
    await using service = await serve(() => stillAdapter().adapter, { env, listen: true })
    expect(await get(`${service.url}/health`, { ca: locked.cert })).toBe(200)
  })

  it('lets only clients with a certificate in where MTLS is on', async () => {
    const env = { MTLS_ENABLED: 'true', ...encoded }
    await using service = await serve(() => stillAdapter().adapter, { env, listen: true })
    const agent = false
    expect(await get(`${service.url}/health`, { ca: cert, key, cert, agent })).toBe(200)
    await expect(get(`${service.url}/health`, { ca: cert, agent })).rejects.toThrow()
  })

  it('serves metrics the same way', async () => {
    for (const [name, value] of Object.entries({ TLS_ENABLED: 'true', ...encoded })) vi.stubEnv(name, value)
    const { api, metricsApi, stop } = await startAdapter(stillAdapter().adapter)
    const url = await metricsApi!.listen({ host: '127.0.0.1', port: 0 })
    expect(await get(`${url}/metrics`, { ca: cert })).toBe(200)
    await Promise.all([stop(), api!.close(), metricsApi!.close()])
  })

  it('does not start half set up', async () => {
    const starting = serve(() => stillAdapter().adapter, { env: { TLS_ENABLED: 'true' } })
    await expect(starting).rejects.toThrow(/are required when TLS_ENABLED is set to true/)
  })
})
