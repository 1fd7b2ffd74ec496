import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { type AdapterSettings } from '../../src/config/settings'
import { getTLSOptions } from '../../src/http/tls'
import { startAdapter } from '../../src/service/started-adapter'
import { PlainServer } from '../../src/service/workers/plain-server'
import { serve } from '../../src/testing/serve'
import { eventually } from '../helpers/eventually'
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

describe('TLS files', () => {
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'tls-'))
    onTestFinished(() => rmSync(path, { recursive: true }))
    return path
  }
  const filled = (pair: { key: string; cert: string }, ca = pair.cert, at = folder()) => {
    const texts = { TLS_PRIVATE_KEY: pair.key, TLS_PUBLIC_KEY: pair.cert, TLS_CA: ca }
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(at, name), text)
    const paths = Object.fromEntries(Object.keys(texts).map((name) => [name, join(at, name)]))
    return { paths, fill: (next: typeof pair, nextCa = next.cert) => void filled(next, nextCa, at) }
  }
  const changed = async (check: () => Promise<void>) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    return () =>
      eventually(() => {
        vi.advanceTimersByTime(1_000)
        return check()
      })
  }
  const agent = false

  it('are read where settings have their paths, with PEM or base64 of it in them', () => {
    const { paths } = filled({ key: base64(key), cert })
    expect(getTLSOptions(settings({ TLS_ENABLED: true, ...paths }))).toMatchObject({
      https: { key, cert, ca: cert },
    })
  })

  it('that are not there end the start, and the setting is named without the path', async () => {
    const { paths } = filled({ key, cert })
    rmSync(paths.TLS_PRIVATE_KEY!)
    const starting = serve(() => stillAdapter().adapter, { env: { TLS_ENABLED: 'true', ...paths } })
    const message = await starting.then(() => '', String)
    expect(message).toContain('TLS_PRIVATE_KEY: The file cannot be read (ENOENT)')
    expect(message).not.toContain(paths.TLS_PRIVATE_KEY)
  })

  it.each(['127.0.0.1', 'localhost'])('that change are shown to new clients of %s', async (host) => {
    const [next, { paths, fill }] = [selfSigned(), filled({ key, cert })]
    for (const [name, value] of Object.entries({ TLS_ENABLED: 'true', ...paths })) vi.stubEnv(name, value)
    const { api, metricsApi, stop } = await startAdapter(stillAdapter().adapter)
    const servers: FastifyInstance[] = [api!, metricsApi!]
    const until = await changed(async () => {
      for (const app of servers)
        for (const { address, port } of app.addresses() as AddressInfo[]) {
          const servername = 'localhost'
          const url = `https://${address.includes(':') ? `[${address}]` : address}:${port}/health`
          expect(await get(url, { ca: next.cert, agent, servername })).toBeTruthy()
        }
    })
    for (const app of servers) await app.listen({ host, port: 0 })
    fill(next)
    await until()
    // Besides one for each server, there is one while clients are connected.
    await eventually(() => expect(vi.getTimerCount()).toBe(2))
    await Promise.all([stop(), api!.close(), metricsApi!.close()])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that change say which clients are let in where MTLS is on', async () => {
    const [mine, other, { paths, fill }] = [selfSigned(), selfSigned(), filled({ key, cert })]
    fill({ key, cert }, mine.cert)
    const env = { MTLS_ENABLED: 'true', ...paths }
    const until = await changed(async () => {
      expect(await get(`${url}/health`, { ca: cert, key: other.key, cert: other.cert, agent })).toBe(200)
    })
    await using service = await serve(() => stillAdapter().adapter, { env, listen: true })
    const { url } = service
    expect(await get(`${url}/health`, { ca: cert, key: mine.key, cert: mine.cert, agent })).toBe(200)
    fill({ key, cert }, other.cert)
    await until()
    await expect(get(`${url}/health`, { ca: cert, key: mine.key, cert: mine.cert, agent })).rejects.toThrow()
  })

  it('that change are shown by the servers of a service with several processes too', async () => {
    const [next, { paths, fill }] = [selfSigned(), filled({ key, cert })]
    const plain = new PlainServer(
      settings({ TLS_ENABLED: true, EA_HOST: '127.0.0.1', ...paths }),
      { port: 0, portVariable: 'METRICS_PORT' },
      (_req, res) => void res.end('hello'),
    )
    const until = await changed(async () => {
      expect(await get(`https://${at}`, { ca: next.cert, agent })).toBe(200)
    })
    const at = await plain.listen()
    fill(next)
    await until()
    await plain.stop()
    await eventually(() => expect(vi.getTimerCount()).toBe(0))
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
