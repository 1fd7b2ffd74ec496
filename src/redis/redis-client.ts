import { createRequire } from 'node:module'
import { type Redis, type RedisOptions } from 'ioredis'
import { isClosed, markClosed, markOwner, tellsOfOutages } from './redis-command'
import { OutageLines } from '../connections/outage-lines'
import { type App, appOf } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { makeLogger } from '../util/logging'
import { sleep } from '../util/sleep'
import { networkText } from '../validation/network-error'

const logger = makeLogger('RedisClient')

/** A connection on which a reply is missing for this long counts as dead, even if the network reports no error. */
const DEAD_AFTER_MS = 5_000
const REDIS = { none: 'No connection to Redis', again: 'connected to Redis again' }
/** How long we wait for the other side to confirm the end of a connection. */
const FAREWELL_MS = 500

export interface RedisSettings {
  CACHE_REDIS_CONNECTION_TIMEOUT: number
  CACHE_REDIS_HOST: string
  CACHE_REDIS_MAX_RECONNECT_COOLDOWN: number
  CACHE_REDIS_PASSWORD?: string
  CACHE_REDIS_PATH?: string
  CACHE_REDIS_PORT: number
  CACHE_REDIS_TIMEOUT: number
  CACHE_REDIS_URL?: string
}

/** Loaded only when needed: most services have no Redis, and loading takes a tenth of a second. */
const loadClient = (): typeof Redis => (createRequire(__filename)('ioredis') as { Redis: typeof Redis }).Redis

const optionsOf = (settings: RedisSettings, app: App): RedisOptions => ({
  host: settings.CACHE_REDIS_HOST,
  port: settings.CACHE_REDIS_PORT,
  password: settings.CACHE_REDIS_PASSWORD,
  path: settings.CACHE_REDIS_PATH,
  // Nothing here needs RESP3, and proxies in front of a Redis often do not know it.
  protocol: 2,
  enableAutoPipelining: true,
  // These are sent at once, because transactions are too: only so do all writes keep their order.
  autoPipeliningIgnoredCommands: ['del', 'eval', 'evalsha', 'pexpire', 'setExternalAdapterResponse'],
  connectTimeout: settings.CACHE_REDIS_CONNECTION_TIMEOUT,
  commandTimeout: settings.CACHE_REDIS_TIMEOUT,
  socketTimeout: Math.max(DEAD_AFTER_MS, 2 * settings.CACHE_REDIS_TIMEOUT),
  disconnectTimeout: FAREWELL_MS,
  maxRetriesPerRequest: 30,
  // A write that an outage delayed is not sent when the outage ends: its value would get its whole TTL from then.
  autoResendUnfulfilledCommands: false,
  retryStrategy: (attempt) => {
    metrics.get('redisRetriesCount').inc(app, 1)
    return Math.min(attempt * 100, settings.CACHE_REDIS_MAX_RECONNECT_COOLDOWN)
  },
})

/**
 * The client that cache, lock and subscription sets of an adapter share (contract 8.7). It begins to connect at once and never stops
 * trying. A Redis that cannot be reached is logged once per interval; nothing ends because of it.
 *
 * @param adapterName - whose connections and commands the metrics count them as. Default: the process's
 */
export const buildRedisClient = (settings: RedisSettings, adapterName?: string): Redis => {
  const Client = loadClient()
  const app = appOf({ adapterName })
  const options = optionsOf(settings, app)
  const { CACHE_REDIS_URL: url } = settings
  const client = url ? new Client(url, options) : new Client(options)
  markOwner(client, app)
  const outages = new OutageLines(client, logger, REDIS)
  client.on('connect', () => metrics.get('redisConnectionsOpen').inc(app, 1))
  client.on('error', (error: Error & { code?: string }) => {
    if (isClosed(client)) return
    // The error itself is not logged: it may hold the command that failed, and so the password.
    const text = `The connection to Redis failed: ${networkText(error)}`
    outages.failed({ level: 'error', fields: { code: error.code }, text })
  })
  client.on('ready', () => outages.over())
  tellsOfOutages(client, () => outages.isOpen)
  return client
}

const CLOSING: unique symbol = Symbol('tickwell.redisClosing')

const quit = async (client: Redis): Promise<void> => {
  // A test double may lack members that the contract does not name.
  const { status }: Partial<Pick<Redis, 'status'>> = client
  const isLive = status === undefined || status === 'ready'
  markClosed(client)
  const over = new AbortController()
  if (status !== undefined) client.once('end', () => over.abort())
  try {
    if (isLive) await client.quit()
  } catch {
    // Redis does not answer: the connection is closed below.
  }
  if (status === undefined) return
  const isBetweenAttempts = client.status === 'reconnecting'
  client.disconnect()
  if (!isBetweenAttempts && client.status !== 'end') await sleep(2 * FAREWELL_MS, over.signal)
}

/** Ends a client's connection for good, politely if Redis answers. Resolves when no handle is left; never rejects. */
export const closeRedisClient = (client: Redis): Promise<void> => {
  const closing: Redis & { [CLOSING]?: Promise<void> } = client
  return (closing[CLOSING] ??= quit(client))
}
