/**
 * The real timers, kept on purpose: a wait for a socket must fail in real time even if a test has replaced the global timers by
 * a fake clock that does not move, and a slow answer of a provider is one in real time. Only what is here may use them.
 */
const {
  setTimeout: realSetTimeout,
  clearTimeout: realClearTimeout,
  setInterval: realSetInterval,
  clearInterval: realClearInterval,
} = globalThis

/** How long, in real milliseconds, a wait of the harness lasts before it fails with a message. */
export const GUARD_MS = 20_000

/** @returns a function that ends it */
export const realInterval = (ms: number, run: () => void): (() => void) => {
  const timer = realSetInterval(run, ms)
  return () => realClearInterval(timer)
}

/** The two functions that settle the promise of a wait. */
export interface Settle<T> {
  resolve: (value: T) => void
  reject: (error: Error) => void
}

/**
 * A promise that is settled by an event, or rejected after a guard time with a message that names what was waited for.
 *
 * @param of.describe - called when the time is over, so that it can say what did arrive
 * @param of.begin - begins the wait, and returns a function that ends it
 */
export const guarded = <T>(of: {
  guardMs?: number | undefined
  describe: () => string
  begin: (settle: Settle<T>) => () => void
}): Promise<T> => {
  const guardMs = of.guardMs ?? GUARD_MS
  // Made here and not in the timer, so that its stack shows the line of the test that waits.
  const failure = new Error()
  return new Promise<T>((resolve, reject) => {
    let guard: NodeJS.Timeout | undefined = undefined
    let cancel = () => {}
    guard = realSetTimeout(() => {
      cancel()
      failure.message = `Waited ${guardMs} ms for ${of.describe()}`
      reject(failure)
    }, guardMs)
    cancel = of.begin({
      resolve: (value) => {
        realClearTimeout(guard)
        resolve(value)
      },
      reject: (error) => {
        realClearTimeout(guard)
        reject(error)
      },
    })
  })
}
