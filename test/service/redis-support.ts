import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type Adapter } from '../../src/adapter/adapter'
import { startAdapter } from '../../src/service/started-adapter'
import { withEnv } from '../../src/testing/env'
import { loggerFactory } from '../redis/redis-support'
import { stillAdapter } from '../http/support'
import { GUARD_MS } from '../helpers/eventually'
import { makeAcme } from '../testing/acme'

export const ETH = { base: 'ETH', quote: 'USD' }
export const BTC = { base: 'BTC', quote: 'USD' }

export type Mode = 'reader' | 'writer' | 'reader-writer'

export const envOf = (port: number, mode: Mode, more: Record<string, string> = {}) => ({
  CACHE_TYPE: 'redis',
  CACHE_REDIS_PORT: String(port),
  // The most there is: what a test is not about must not fail because the machine is busy.
  CACHE_REDIS_TIMEOUT: '10000',
  EA_MODE: mode,
  ...more,
})

/** An adapter as one process of a deployment runs it. Its clients wait long for a value, unless told otherwise. */
export const processOf = async <A extends { adapter: Adapter }>(
  make: () => A,
  port: number,
  mode: Mode,
  more?: Record<string, string>,
) => {
  const env = withEnv(envOf(port, mode, more))
  let made: A
  try {
    made = make()
  } finally {
    env.restore()
  }
  const { api, metricsApi, stop } = await startAdapter(made.adapter, { loggerFactory })
  // More than a setting may say.
  const { settings } = made.adapter
  if (more?.['CACHE_POLLING_MAX_RETRIES'] === undefined)
    settings.CACHE_POLLING_MAX_RETRIES = GUARD_MS / settings.CACHE_POLLING_SLEEP_MS
  const end = async () => {
    await Promise.all([api?.close(), metricsApi?.close(), stop()])
  }
  const post = async (data: object) => {
    const { statusCode, body } = await api!.inject({ method: 'POST', url: '/', payload: { data } })
    return { statusCode, text: body, json: () => JSON.parse(body) as { result?: number } }
  }
  return { ...made, api, stop, post, [Symbol.asyncDispose]: end }
}

export const still = (port: number, mode: Mode, more?: Record<string, string>) =>
  processOf(() => stillAdapter(), port, mode, more)

export const acme = (port: number, mode: Mode, url: string, more?: Record<string, string>) => {
  const make = () => ({ adapter: makeAcme() as unknown as Adapter })
  return processOf(make, port, mode, { WS_API_ENDPOINT: url, ...more })
}

export const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

export const unusedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
