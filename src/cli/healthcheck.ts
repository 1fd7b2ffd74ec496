#!/usr/bin/env node
import { get as getHttp } from 'node:http'
import { get as getHttps, type RequestOptions } from 'node:https'
import { isIPv6 } from 'node:net'
import { posix } from 'node:path'
import { AdapterConfig } from '../config/adapter-config'
import { readPem } from '../config/pem'
import { isMeasured } from '../config/server-settings'
import { networkText } from '../validation/network-error'

/** The settings that say where the service answers. */
export interface HealthSettings {
  BASE_URL: string
  EA_HOST: string
  EA_MODE: string
  EA_PORT: number
  EXPERIMENTAL_METRICS_ENABLED: boolean
  METRICS_ENABLED: boolean
  METRICS_PORT: number
  METRICS_USE_BASE_URL?: boolean
  MTLS_ENABLED: boolean
  TLS_ENABLED: boolean
  TLS_PASSPHRASE?: string
  TLS_PRIVATE_KEY?: string
  TLS_PUBLIC_KEY?: string
}

/** Addresses that stand for all interfaces. They cannot be connected to, so each has an address to use instead. */
const reachable = new Map([
  ['::', 'localhost'],
  ['0.0.0.0', '127.0.0.1'],
])

/**
 * The URL that answers 200 while the service works: `/live`, which no outage of a provider makes fail; or the metrics of a process with `EA_MODE=writer`, which
 * serves no requests (contract 3.2). Undefined when the service has neither, so that nothing can be asked.
 */
export function healthUrl(settings: HealthSettings): URL | undefined {
  const isWriter = settings.EA_MODE === 'writer'
  if (isWriter && !isMeasured(settings)) return undefined
  const port = isWriter ? settings.METRICS_PORT : settings.EA_PORT
  const base = isWriter && !settings.METRICS_USE_BASE_URL ? '/' : settings.BASE_URL
  const host = reachable.get(settings.EA_HOST) ?? settings.EA_HOST
  const protocol = settings.TLS_ENABLED || settings.MTLS_ENABLED ? 'https' : 'http'
  const path = posix.join(base, isWriter ? 'metrics' : 'live')
  return new URL(path, `${protocol}://${isIPv6(host) ? `[${host}]` : host}:${port}`)
}

function tlsOptions(settings: HealthSettings): RequestOptions {
  if (!settings.TLS_ENABLED && !settings.MTLS_ENABLED) return {}
  // The certificate is for the name that clients use, not for this address; and the request does not leave this host.
  const options = { rejectUnauthorized: false }
  if (!settings.MTLS_ENABLED) return options
  const { TLS_PRIVATE_KEY = '', TLS_PUBLIC_KEY = '', TLS_PASSPHRASE } = settings
  return {
    ...options,
    key: readPem(TLS_PRIVATE_KEY),
    cert: readPem(TLS_PUBLIC_KEY),
    passphrase: TLS_PASSPHRASE,
  }
}

/**
 * Asks the service on this host whether it is healthy.
 *
 * @param timeoutMs how long it may take to answer
 * @throws when it cannot be reached, answers with another status than 200, or does not answer in time
 */
export async function checkHealth(settings: HealthSettings, timeoutMs = 5000): Promise<void> {
  const url = healthUrl(settings)
  if (!url) return
  const get = url.protocol === 'https:' ? getHttps : getHttp
  const statusCode = await new Promise<number | undefined>((resolve, reject) => {
    const request = get(url, { ...tlsOptions(settings), agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    request.on('error', reject)
  })
  if (statusCode !== 200) throw new Error(`${url.pathname} answered ${statusCode}`)
}

async function main(): Promise<void> {
  const config = new AdapterConfig({})
  config.initialize()
  await checkHealth(config.settings)
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(networkText(error))
    process.exitCode = 1
  })
}
