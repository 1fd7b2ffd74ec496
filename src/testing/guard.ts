/**
 * The real timers, captured on purpose: a wait for a socket must fail in real time even while a test has replaced the global
 * ones by a fake clock that nobody moves. Nothing but this guard may use them.
 */
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis

/** How long, in real milliseconds, a wait of the harness lasts before it fails with a message. */
export const GUARD_MS = 20_000

/** What a wait does with its promise. */
export interface Settle<T> {
  resolve: (value: T) => void
  reject: (error: Error) => void
}

/**
 * A promise that is settled by an event, or rejected after a guard time with a message that names what was waited for.
 *
 * @param of.describe - called when time is up, so that it can tell what did arrive
 * @param of.begin - puts the waiter in its place, and returns how to take it away
 */
export const guarded = <T>(of: {
  guardMs?: number
  describe: () => string
  begin: (settle: Settle<T>) => () => void
}): Promise<T> => {
  const guardMs = of.guardMs ?? GUARD_MS
  // Made here and not in the timer, where its stack would no longer lead to the line that waits.
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
