import { vi } from 'vitest'

type Callback = (...args: unknown[]) => void

/** The first line of a stack that is the product's, and not its harness's or a test's. */
const placeOf = (stack: string): string | undefined =>
  stack
    .split('\n')
    .find((line) => /\/(src|protocols)\//.test(line) && !/\/(node_modules|testing|test)\//.test(line))
    ?.trim()

/**
 * Watches the global timers for those that are set from within the product, packages that it calls included.
 *
 * @param faked - fake timers to put in place first, where the test has such
 */
export const ownTimers = (faked?: Parameters<typeof vi.useFakeTimers>[0]) => {
  if (faked !== undefined) vi.useFakeTimers(faked)
  const pending = new Map<unknown, string>()
  const { setTimeout: timeout, setInterval: interval, clearTimeout, clearInterval } = globalThis

  const note = (timer: unknown, { stack = '' }: Error): void => {
    const place = placeOf(stack)
    if (place !== undefined) pending.set(timer, place)
  }
  const setTimeoutNoted = (callback: Callback, ms?: number, ...args: unknown[]): unknown => {
    const fire = (...given: unknown[]) => {
      pending.delete(timer)
      callback(...given)
    }
    const timer: unknown = timeout(fire, ms, ...args)
    note(timer, new Error())
    return timer
  }
  const setIntervalNoted = (callback: Callback, ms?: number, ...args: unknown[]): unknown => {
    const timer: unknown = interval(callback, ms, ...args)
    note(timer, new Error())
    return timer
  }
  const cleared = (clear: (timer: never) => void) => (timer: unknown) => {
    pending.delete(timer)
    clear(timer as never)
  }
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 30
  const mine = {
    setTimeout: setTimeoutNoted,
    setInterval: setIntervalNoted,
    clearTimeout: cleared(clearTimeout),
    clearInterval: cleared(clearInterval),
  }
  Object.assign(globalThis, mine)
  return {
    /** Where those were set that have neither fired nor been cleared. */
    pending: () => [...pending.values()],
    [Symbol.dispose]: () => {
      Error.stackTraceLimit = limit
      Object.assign(globalThis, { setTimeout: timeout, setInterval: interval, clearTimeout, clearInterval })
    },
  }
}
