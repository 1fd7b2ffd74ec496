type Callback = (...args: unknown[]) => void

/** Timers that are set while it watches and keep a process alive. */
export interface LiveTimers {
  /** Where those were set that have neither fired nor been cleared. */
  pending(): string[]
  /** Ends the watch. */
  restore(): void
}

const FRAMES = 12

/** The lines of a stack that are not of Node.js. */
const placeOf = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => line.includes(' at ') && !line.includes('(node:'))
    .slice(0, 2)
    .map((line) => line.trim())
    .join(' ')

const keepsAlive = (timer: unknown): boolean =>
  !(typeof timer === 'object' && timer !== null && 'hasRef' in timer) || (timer as NodeJS.Timeout).hasRef()

/** Watches the global timers from now on. */
export const liveTimers = (): LiveTimers => {
  const set = new Map<unknown, string>()
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
  /** @param by - what was called to set it */
  const note = (timer: unknown, by: unknown): unknown => {
    const at = { stack: '' }
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = FRAMES
    Error.captureStackTrace(at, by as () => void)
    Error.stackTraceLimit = limit
    set.set(timer, placeOf(at.stack))
    return timer
  }
  const timeout = (run: Callback, ms?: number, ...args: unknown[]): unknown => {
    const timer: unknown = setTimeout(
      (...given: unknown[]) => {
        set.delete(timer)
        run(...given)
      },
      ms,
      ...args,
    )
    return note(timer, timeout)
  }
  const interval = (run: Callback, ms?: number, ...args: unknown[]): unknown =>
    note(setInterval(run, ms, ...args), interval)
  const cleared = (clear: (timer: never) => void) => (timer: unknown) => {
    set.delete(timer)
    clear(timer as never)
  }
  // What is kept on the functions, such as their promisified forms, stays there.
  Object.assign(globalThis, {
    setTimeout: Object.defineProperties(timeout, Object.getOwnPropertyDescriptors(setTimeout)),
    setInterval: Object.defineProperties(interval, Object.getOwnPropertyDescriptors(setInterval)),
    clearTimeout: cleared(clearTimeout),
    clearInterval: cleared(clearInterval),
  })
  return {
    pending: () => [...set].filter(([timer]) => keepsAlive(timer)).map(([, place]) => place),
    restore: () => {
      Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval })
    },
  }
}
