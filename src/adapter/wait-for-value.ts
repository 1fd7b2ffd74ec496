import { type Cache } from '../cache/cache'
import { isLocalReader } from '../cache/local-cache'
import { pollResponseFromCache } from '../cache/poll'
import { type AdapterResponse } from '../cache/responses'
import { metrics } from '../metrics/registry'
import { outageOf } from '../transports/capabilities'
import { type AdapterRequest } from '../transports/transport'
import { type ErrorReason } from '../validation/errors'

interface PollingSettings {
  CACHE_POLLING_MAX_RETRIES: number
  CACHE_POLLING_SLEEP_MS: number
}

/** A signal that aborts when the client has hung up, and a way to stop listening for that. */
const clientGone = (req: AdapterRequest<unknown>): { signal: AbortSignal; stop: () => void } => {
  const gone = new AbortController()
  const leave = () => gone.abort()
  // Injected requests (tests) have no socket that could close.
  const socket = req.raw?.socket as Partial<NodeJS.EventEmitter & { destroyed: boolean }> | undefined
  if (socket?.destroyed === true) leave()
  socket?.once?.('close', leave)
  return { signal: gone.signal, stop: () => void socket?.removeListener?.('close', leave) }
}

/**
 * The value of a feed that has none yet: woken by the write where the cache is this process's memory, polled otherwise. Gives up after
 * what the polling settings add up to, at once when they allow no retry (contract 6.6).
 */
export const waitForValue = async (
  cache: Cache<AdapterResponse>,
  req: AdapterRequest<unknown>,
  settings: PollingSettings,
): Promise<AdapterResponse | undefined> => {
  const { CACHE_POLLING_MAX_RETRIES: maxRetries, CACHE_POLLING_SLEEP_MS: pauseMs } = settings
  const { cacheKey: key, endpointName } = req.requestContext
  const startedAt = Date.now()
  const client = clientGone(req)
  const response =
    maxRetries === 0 || !isLocalReader(cache)
      ? await pollResponseFromCache(cache, key, { maxRetries, sleep: pauseMs })
      : (cache.read(key)?.value ?? (await cache.waiters.wait(key, (maxRetries + 1) * pauseMs, client.signal)))
  client.stop()
  metrics
    .get('transportPollingDurationSeconds')
    .labels({ adapter_endpoint: endpointName, succeeded: String(response !== undefined) })
    .set((Date.now() - startedAt) / 1000)
  if (response === undefined)
    metrics.get('transportPollingFailureCount').labels({ adapter_endpoint: endpointName }).inc()
  return response
}

/** Why there is no value: what is wrong with the connection, else what was wrong with the last value. */
export const reasonFor = (
  transport: object,
  refusal: { message: string; sinceUnixMs: number; reason: string } | undefined,
): ErrorReason | undefined => {
  const outage = outageOf(transport)
  if (outage !== undefined) return { ...outage }
  if (refusal === undefined) return undefined
  const code = refusal.reason === 'too-old' ? 'STALE_VALUE' : 'REFUSED_VALUE'
  return { code, message: refusal.message, sinceUnixMs: refusal.sinceUnixMs }
}
