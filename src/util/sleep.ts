/** The longest delay a timer can hold; a longer one would fire after 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Waits `ms` milliseconds, with the global `setTimeout` that is there at the call: tests replace it.
 *
 * @param signal - ends the wait early; the promise then resolves as well and no timer is left
 */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS))
    signal?.addEventListener('abort', end)
  })

/**
 * The outcome of `promise`, if it comes within `timeout` milliseconds. The work behind the promise is not stopped: it
 * goes on, and its late outcome is ignored.
 *
 * @throws Error `The promise "<label>" took longer than <timeout> ms to execute, ...`
 */
export const timeoutPromise = <T>(label: string, promise: Promise<T>, timeout: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new Error(`The promise "${label}" took longer than ${timeout} ms to execute, it is not awaited`),
        ),
      Math.min(timeout, MAX_TIMER_MS),
    )
    Promise.resolve(promise).then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (reason: unknown) => {
        clearTimeout(timer)
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, unchanged
        reject(reason)
      },
    )
  })

type DeferredResolve<T> = (value: T | PromiseLike<T>) => void
type DeferredReject = (reason?: unknown) => void

/** A pending promise and the two functions that settle it, in the order `[promise, resolve, reject]`. */
export const deferredPromise = <T>(): [Promise<T>, DeferredResolve<T>, DeferredReject] => {
  let resolve!: DeferredResolve<T>
  let reject!: DeferredReject
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return [promise, resolve, reject]
}
