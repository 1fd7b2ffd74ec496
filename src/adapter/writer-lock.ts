import { localLayerOf } from '../feeds/local-cache'
import { type RedisCache } from '../redis/redis-cache'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { sleep } from '../util/sleep'
import { type AnyAdapter } from './adapter'

const logger = makeLogger('Adapter')

const lockKey = ({ name, settings: { CACHE_PREFIX } }: AnyAdapter): string =>
  CACHE_PREFIX ? `${CACHE_PREFIX}-${name}` : name

/**
 * Whether another process may write values of this adapter, which then may come although this one cannot get any. Undefined where no other
 * can, because the values are in this process's memory.
 */
export const mayOthersWrite = (adapter: AnyAdapter): boolean | Promise<boolean> | undefined => {
  const { cache }: { cache: AnyAdapter['cache'] & Partial<Pick<RedisCache, 'mayOthersWrite'>> } = adapter
  if (localLayerOf(cache) === cache) return undefined
  if (adapter.settings.EA_MODE === 'reader') return true
  return cache.mayOthersWrite?.(lockKey(adapter)) ?? true
}

/**
 * Makes this process the only writer of the adapter's shared store (contract 8.8). The lock is taken after a delay in which an older writer
 * can finish.
 *
 * @returns whether it was taken, or the adapter was closed before; undefined where there is no store to share, or this process only reads
 */
export const writerLock = (adapter: AnyAdapter): Promise<boolean> | undefined => {
  const { cache, settings, shutdownNotifier } = adapter
  const { EA_MODE, CACHE_LOCK_DEFERRAL_MS, CACHE_LOCK_DURATION, CACHE_LOCK_RETRIES } = settings
  if (EA_MODE === 'reader' || cache.lock === undefined) return undefined
  const key = lockKey(adapter)
  const closing = new AbortController()
  shutdownNotifier.once('onClose', () => closing.abort())
  const acquire = async (): Promise<boolean> => {
    await sleep(CACHE_LOCK_DEFERRAL_MS, closing.signal)
    if (closing.signal.aborted) return false
    await cache.lock?.(key, CACHE_LOCK_DURATION, CACHE_LOCK_RETRIES, shutdownNotifier)
    return !closing.signal.aborted
  }
  const acquired = acquire()
  // This handler only logs. Code that awaits the lock gets the failure too.
  acquired.catch((err: unknown) => named(logger, adapter).error({ err }, messageOf(err)))
  return acquired
}
