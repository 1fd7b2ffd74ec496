import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { sleep } from '../util/sleep'
import { type AnyAdapter } from './adapter'

const logger = makeLogger('Adapter')

/**
 * Makes this process the only writer of the adapter's shared store (contract 8.8). The lock is taken after a delay in which an older writer
 * can finish.
 *
 * @returns whether it was taken, or the adapter was closed before; undefined where there is no store to share, or this process only reads
 */
export const writerLock = ({
  cache,
  name,
  settings,
  shutdownNotifier,
}: AnyAdapter): Promise<boolean> | undefined => {
  const { EA_MODE, CACHE_PREFIX, CACHE_LOCK_DEFERRAL_MS, CACHE_LOCK_DURATION, CACHE_LOCK_RETRIES } = settings
  if (EA_MODE === 'reader' || cache.lock === undefined) return undefined
  const key = CACHE_PREFIX ? `${CACHE_PREFIX}-${name}` : name
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
  acquired.catch((err: unknown) => logger.error({ err }, messageOf(err)))
  return acquired
}
