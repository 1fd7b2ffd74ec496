import { type Cache } from '../feeds/cache'
import { type LocalCache, localLayerOf } from '../feeds/local-cache'
import { pollResponseFromCache } from '../feeds/poll'
import { type AdapterResponse } from '../feeds/responses'
import { isErrorOfRedis } from '../redis/redis-command'
import { outageOf, seenOf } from '../transports/capabilities'
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

/** Watches a wait that lasts `limitMs` at most, and may `leave` it early. @returns ends the watch */
export type Watch = (leave: () => void, limitMs: number) => () => void

/** A signal that is set when the client has disconnected or all waits end, and a function that stops listening for that. */
const waitOver = (
  req: AdapterRequest<unknown>,
  ending?: Leaving,
): { signal: Departure; stop: () => void } => {
  const signal = new Departure()
  const leave = () => signal.leave()
  // Injected requests, which tests make, have no socket that could close.
  const socket: Partial<NodeJS.EventEmitter & { destroyed: boolean }> | undefined = req.raw?.socket
  if (socket?.destroyed === true) leave()
  socket?.once?.('close', leave)
  if (ending?.aborted === true) leave()
  ending?.addEventListener('abort', leave)
  const stop = () => {
    socket?.removeListener?.('close', leave)
    ending?.removeEventListener('abort', leave)
  }
  return { signal, stop }
}

/** CA-7: other processes may put something into a shared store that is not a response. It is treated as absent. */
export const responseOrNone = (value: Readonly<AdapterResponse> | undefined) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined

/** For pages that must answer: a store that does not answer is like one that has no value. */
export const storedOrNone = async (
  cache: Cache<AdapterResponse>,
  key: string,
): Promise<Readonly<AdapterResponse> | undefined> => {
  try {
    return responseOrNone(await cache.get(key))
  } catch {
    return undefined
  }
}

/** A failure of the shared store does not end the wait, because this process may still get the value itself. */
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
 * Waits in pauses, each of which ends early when this process writes the value. The timers are needed although the write wakes the wait:
 * adapters' tests move a clock from timer to timer and give real sockets a moment at each (contract 16.2), and they fill the cache in ways
 * that wake nothing.
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
  return signal.aborted ? cache.read(key)?.value : undefined
}

/**
 * Ends when this process writes the value. For values of other processes, it reads the store once in every pause. It ends after the sum of
 * the pauses, however long a read takes.
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
 * Waits for the value of a feed that has none yet. Where the cache is in this process's memory, the write wakes the wait; where other
 * processes write to it too, it is also polled. It gives up after the time that the polling settings add up to, and at once when they allow
 * no retry (contract 6.6).
 *
 * @param watch - told when a wait begins; ends it where it is useless (ER-5)
 * @param ending - when all waits end, because the process stops
 */
export const waitForValue = async (
  cache: Cache<AdapterResponse>,
  req: AdapterRequest<unknown>,
  settings: PollingSettings,
  stats: Pick<PollingStats, 'waited'>,
  { watch, ending }: { watch?: Watch | undefined; ending?: Leaving } = {},
): Promise<AdapterResponse | undefined> => {
  const { CACHE_POLLING_MAX_RETRIES: maxRetries, CACHE_POLLING_SLEEP_MS: pauseMs } = settings
  const { cacheKey: key, endpointName } = req.requestContext
  const startedAtMs = monotonicMs()
  const over = waitOver(req, ending)
  const layer = localLayerOf(cache)
  let response: AdapterResponse | undefined
  if (maxRetries === 0) response = await lookUp(cache, key)
  else if (layer === undefined)
    response = await pollResponseFromCache(cache, key, { maxRetries, sleep: pauseMs })
  else {
    const end = watch?.(() => over.signal.leave(), (maxRetries + 1) * pauseMs)
    const patience = { maxRetries, pauseMs, signal: over.signal }
    response = await (layer === cache
      ? wakeOrRead(layer, key, patience)
      : wakeOrPoll(cache, layer, key, patience))
    end?.()
  }
  over.stop()
  stats.waited(endpointName, response !== undefined, (monotonicMs() - startedAtMs) / 1000)
  return response
}

/** ER-1: a value has ended for want of budget where no request may be made now, or where one has waited for its turn since before. */
const hasRunOut = (outage: Reason, absence: Reason | undefined): boolean =>
  outage.code === 'RATE_LIMITED' &&
  absence?.code === 'STALE_VALUE' &&
  absence.class === undefined &&
  (outage.nextAttemptUnixMs !== undefined || outage.sinceUnixMs <= absence.sinceUnixMs)

/**
 * Why there is no value: the trouble with the connection, or else the reason why the last value was not served, or else that the transport
 * is still waiting for its turn or for the provider, or else what was seen of the feed.
 */
export const reasonFor = (
  transport: object,
  absence: Reason | undefined,
  params?: object,
): Reason | undefined => {
  const outage = outageOf(transport, params)
  const isWaitingOnly = !isTrouble(outage) || outage.code === 'RATE_LIMITED'
  if (outage !== undefined && (absence === undefined || !isWaitingOnly || hasRunOut(outage, absence)))
    return { ...outage }
  return absence === undefined ? params && seenOf(transport, params) : { ...absence }
}
