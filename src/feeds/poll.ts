import { sleep } from '../util/sleep'
import { type Cache } from './cache'
import { type AdapterResponse } from './responses'

/**
 * Looks a key up repeatedly: up to `maxRetries + 1` times, with a pause after every miss, also after the last (contract 6.6). For caches
 * that cannot tell when something is written.
 */
export const pollResponseFromCache = async (
  cache: Cache<AdapterResponse>,
  key: string,
  options: { maxRetries: number; sleep: number },
  retry = 0,
): Promise<AdapterResponse | undefined> => {
  for (let attempt = retry; attempt <= options.maxRetries; attempt++) {
    const response = await cache.get(key)
    if (response !== undefined) return response
    // contract 6.6: without retries there is no pause after the miss
    if (options.maxRetries > 0) await sleep(options.sleep)
  }
  return undefined
}
