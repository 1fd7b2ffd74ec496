/**
 * With several workers values are in their memory, and reach them by a link of their own.
 *
 * @throws Error for an adapter that is set up to keep them elsewhere
 */
export const requireLocalCache = ({ CACHE_TYPE }: { CACHE_TYPE: string }): void => {
  if (CACHE_TYPE === 'local') return
  throw new Error(
    `CACHE_TYPE is ${CACHE_TYPE}, and must be local where WORKERS is more than 1. With Redis, run several services with EA_MODE=reader instead`,
  )
}
