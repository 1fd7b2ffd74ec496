/** Why several workers cannot have another cache, as a problem of the settings. */
export const NEEDS_LOCAL_CACHE =
  'WORKERS: Several workers get their values from memory, so CACHE_TYPE must be local. With Redis, run several services with EA_MODE=reader instead'

/**
 * Checks that an adapter keeps its values in memory: with several workers, values reach their memories over links of our own.
 *
 * @throws Error for another `CACHE_TYPE`
 */
export const requireLocalCache = ({ CACHE_TYPE }: { CACHE_TYPE: string }): void => {
  if (CACHE_TYPE === 'local') return
  throw new Error(
    `CACHE_TYPE is ${CACHE_TYPE}, and must be local where WORKERS is more than 1. With Redis, run several services with EA_MODE=reader instead`,
  )
}
