import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { version } from '../../package.json'
import { AdapterConfig } from '../../src/config/adapter-config'
import { runningVersion } from '../../src/config/running-version'
import { type StatusResponse } from '../../src/http/status'
import { parseSamples } from '../../src/testing/samples'
import { TestAdapter } from '../../src/testing/test-adapter'
import { stillAdapter } from '../http/support'
import { endAll, freePort, launch, type Line, PATIENCE_MS } from './service-process'

afterEach(endAll)
afterEach(() => vi.unstubAllEnvs())

const statusOf = async (url: string) => ((await (await fetch(url)).json()) as StatusResponse).adapter

/** The labels and the value of the metric, of the process that holds the provider's connections. */
const metricOf = async (port: string) => {
  const samples = parseSamples(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
  const of = samples.filter(({ name }) => name === 'adapter_started_timestamp_seconds')
  return of.map(({ labels: { app_name, version, configuration_hash: configurationHash }, value }) => ({
    name: app_name,
    version,
    configurationHash,
    startedUnixMs: value * 1_000,
  }))
}

const shownIn = ({ version, configurationHash, startedUnixMs }: Line | StatusResponse['adapter']) => ({
  version,
  configurationHash,
  startedUnixMs,
})

describe('what runs', { timeout: PATIENCE_MS }, () => {
  it('LC-8: is told by version, hash of the configuration and start, the same in status, log and metrics', async () => {
    const before = Date.now()
    const port = await freePort()
    const service = launch({
      ADAPTERS: 'kraken,coinbase',
      METRICS_ENABLED: 'true',
      METRICS_PORT: port,
      KRAKEN_CACHE_MAX_AGE: '50000',
    })
    const url = await service.url()
    const told = await Promise.all(
      ['kraken', 'coinbase'].map(async (name) => {
        const status = shownIn(await statusOf(`${url}/${name}/status`))
        expect(shownIn(await service.line(({ adapter }) => adapter === name))).toEqual(status)
        return { name: name.toUpperCase(), ...status }
      }),
    )
    expect((await metricOf(port)).sort((a, b) => (a.name! < b.name! ? 1 : -1))).toEqual(told)
    for (const one of told) {
      // The service is not started by npm here, and knows its own version all the same.
      expect(one.version).toBe(version)
      expect(one.configurationHash).toMatch(/^[0-9a-f]{16}$/)
      expect(one.startedUnixMs).toBeGreaterThanOrEqual(before - 60_000)
      expect(one.startedUnixMs).toBeLessThanOrEqual(Date.now())
    }
    expect(told[0]!.configurationHash).not.toBe(told[1]!.configurationHash)
  })

  it('LC-8: is told of an exposed adapter too, with the version that npm gives its package', async () => {
    const port = await freePort()
    const env = { npm_package_version: '7.8.9', METRICS_ENABLED: 'true', METRICS_PORT: port }
    const variables = { OWN_WS_API_ENDPOINT: 'ws://127.0.0.1:9', ...env }
    const process = launch(variables, join('test', 'service', 'exposed-adapter.ts'))
    const line = await process.line(({ msg }) => msg.startsWith('Listening'))
    const status = await statusOf(`http://127.0.0.1:${String(line['port'])}/status`)
    expect(status.version).toBe('7.8.9')
    expect(shownIn(line)).toEqual(shownIn(status))
    expect(await metricOf(port)).toEqual([{ name: 'OWN', ...shownIn(status) }])
  })
})

describe('the hash of a configuration', () => {
  const hashWith = (env: Record<string, string>): string => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const config = new AdapterConfig({
      OWN_KEY: { type: 'string', description: 'A secret' },
      OWN_LIMIT: { type: 'number', description: 'None', default: 5 },
    })
    config.initialize()
    vi.unstubAllEnvs()
    return runningVersion(config).configurationHash
  }

  it('LC-8: changes with each setting, and with nothing else', () => {
    const hash = hashWith({})
    expect(hashWith({})).toBe(hash)
    expect(hashWith({ OWN_LIMIT: '5' })).toBe(hash)
    for (const [name, value] of Object.entries({ OWN_LIMIT: '6', CACHE_MAX_AGE: '80000', OWN_KEY: 'k' }))
      expect(hashWith({ [name]: value }), name).not.toBe(hash)
  })

  it('cannot be used to guess a secret', () => {
    expect(hashWith({ OWN_KEY: 'abc' })).toBe(hashWith({ OWN_KEY: 'xyz' }))
  })

  it('is left out of the status on the harness of the contract, whose tests compare the whole body', async () => {
    const { api, adapter } = await TestAdapter.start(stillAdapter().adapter, {})
    const status = (await api.inject('/status')).json<StatusResponse>()
    expect(Object.keys(status.adapter)).toEqual(['name', 'version', 'uptimeSeconds'])
    await api.close()
    expect(adapter.givesReasons).toBe(false)
  })
})
