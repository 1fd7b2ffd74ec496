import { type Cache } from '../feeds/cache'
import { type LocalCache, localLayerOf } from '../feeds/local-cache'
import { pollResponseFromCache } from '../feeds/poll'
import { type AdapterResponse } from '../feeds/responses'
import { isErrorOfRedis } from '../redis/redis-command'
import { metrics } from '../metrics/registry'
import { outageOf } from '../transports/capabilities'
import { Departure, type Leaving } from '../util/departure'
import { sleep } from '../util/sleep'
import { type AdapterRequest } from '../transports/transport'
import { isTrouble, type Reason } from '../validation/reason'
import { type PollingStats } from './polling-stats'
import { monotonicMs } from '../util/clock'

interface PollingSettings {
  CACHE_POLLING_MAX_RETRIES: number
  CACHE_POLLING_SLEEP_MS: number
}

/** A signal that says when the client has hung up, and a way to stop listening for that. */
const clientGone = (req: AdapterRequest<unknown>): { signal: Leaving; stop: () => void } => {
  const signal = new Departure()
  const leave = () => signal.leave()
  // Injected requests (tests) have no socket that could close.
  const socket: Partial<NodeJS.EventEmitter & { destroyed: boolean }> | undefined = req.raw?.socket
  if (socket?.destroyed === true) leave()
  socket?.once?.('close', leave)
  return { signal, stop: () => void socket?.removeListener?.('close', leave) }
}

/** CA-7: what others put into a shared store, and is no response, is not there. */
export const responseOrNone = (value: Readonly<AdapterResponse> | undefined) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined

/** That the shared store failed is no reason to stop waiting for a value of this process's own making. */
const lookUp = async (cache: Cache<AdapterResponse>, key: string): Promise<AdapterResponse | undefined> => {
  try {
    return responseOrNone(await cache.get(key))
  } catch (error) {
    if (!isErrorOfRedis(error)) throw error
    return undefined
  }
}

interface Patience {
  maxRetries: number
  pauseMs: number
  signal: Leaving
}

/**
 * Woken by the write. There is a timer for each pause all the same: adapters' tests move a clock from timer to timer and leave real
 * sockets a moment at each (contract 16.2), and fill the cache by ways that wake nobody.
 */
const wakeOrRead = async (
  cache: LocalCache<AdapterResponse>,
  key: string,
  { maxRetries, pauseMs, signal }: Patience,
): Promise<AdapterResponse | undefined> => {
  for (let attempt = 0; attempt <= maxRetries && !signal.aborted; attempt++) {
    const response = cache.read(key)?.value ?? (await cache.waiters.wait(key, pauseMs, signal))
    if (response !== undefined) return response
  }
  return undefined
}

/**
 * Woken by a write of this process, and looking for those of others: once in every pause, and not after the time that the pauses add up
 * to, however long a look takes.
 */
const wakeOrPoll = async (
  cache: Cache<AdapterResponse>,
  layer: LocalCache<AdapterResponse>,
  key: string,
  { maxRetries, pauseMs, signal }: Patience,
): Promise<AdapterResponse | undefined> => {
  const over = new AbortController()
  const stop = () => over.abort()
  signal.addEventListener('abort', stop, { once: true })
  const woken = layer.waiters.wait(key, (maxRetries + 1) * pauseMs, over.signal)
  const poll = async (): Promise<AdapterResponse | undefined> => {
    for (let attempt = 0; attempt <= maxRetries && !over.signal.aborted; attempt++) {
      const response = await lookUp(cache, key)
      if (response !== undefined) return response
      await sleep(pauseMs, over.signal)
    }
    return woken
  }
  try {
    return await Promise.race([woken, poll()])
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/**
 * The value of a feed that has none yet: woken by the write where the cache is this process's memory, polled where others write to it too.
 * Gives up after what the polling settings add up to, at once when they allow no retry (contract 6.6).
 */
export const waitForValue = async (
  cache: Cache<AdapterResponse>,
  req: AdapterRequest<unknown>,
  settings: PollingSettings,
  stats: Pick<PollingStats, 'waited'>,
): Promise<AdapterResponse | undefined> => {
  const { CACHE_POLLING_MAX_RETRIES: maxRetries, CACHE_POLLING_SLEEP_MS: pauseMs } = settings
  const { cacheKey: key, endpointName } = req.requestContext
  const startedAtMs = monotonicMs()
  const client = clientGone(req)
  const layer = localLayerOf(cache)
  let response: AdapterResponse | undefined
  if (maxRetries === 0) response = await lookUp(cache, key)
  else if (layer === undefined)
    response = await pollResponseFromCache(cache, key, { maxRetries, sleep: pauseMs })
  else if (layer === cache)
    response = await wakeOrRead(layer, key, { maxRetries, pauseMs, signal: client.signal })
  else response = await wakeOrPoll(cache, layer, key, { maxRetries, pauseMs, signal: client.signal })
  client.stop()
  stats.waited(endpointName, response !== undefined, (monotonicMs() - startedAtMs) / 1000)
  if (response === undefined)
    metrics.get('transportPollingFailureCount').labels({ adapter_endpoint: endpointName }).inc()
  return response
}

/** Why there is no value: what is wrong with the connection, else what was wrong with the last value. */
export const reasonFor = (
  transport: object,
  absence: Reason | undefined,
  params?: object,
): Reason | undefined => {
  const outage = outageOf(transport, params)
  const isWaitingOnly = !isTrouble(outage) || outage.code === 'RATE_LIMITED'
  if (outage !== undefined && (absence === undefined || !isWaitingOnly)) return { ...outage }
  return absence && { ...absence }
}
