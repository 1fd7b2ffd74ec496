/** The outcome of a promise; or, if the signal aborts first, a rejection with its reason. The work itself is not stopped. */
export const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's own reason
    const leave = (): void => reject(signal.reason)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    const settled = (): void => signal.removeEventListener('abort', leave)
    promise.then(
      (value) => {
        settled()
        resolve(value)
      },
      (reason: unknown) => {
        settled()
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, unchanged
        reject(reason)
      },
    )
  })
