/**
 * The part of a fake clock of `@sinonjs/fake-timers` that is used, for any of its versions. It is declared here, so that users do not need
 * the types of that package to compile against ours.
 */
export interface TestClock {
  /** Fake time in ms. */
  now: number
  // Declared as methods, because TypeScript compares their arguments less strictly: they differ between versions of the package.
  setTimeout(callback: () => void, timeout: number): unknown
  tickAsync(ms: number): Promise<number>
  /** Moves time to the next timer and fires it. Without timers it only lets real events happen. */
  nextAsync(): Promise<number>
}

/** A clock that replaces the real one, as tests keep it in their context. */
export interface InstalledTestClock extends TestClock {
  tick(ms: number): number
  next(): number
  runAllAsync(): Promise<number>
  countTimers(): number
  reset(): void
  setSystemTime(now?: number | Date): void
  uninstall(): void
}

const watch = (promise: Promise<unknown>): { isSettled: boolean } => {
  const outcome = { isSettled: false }
  const settle = () => void (outcome.isSettled = true)
  promise.then(settle, settle)
  return outcome
}

/** Fires what is due, then moves the clock from timer to timer until the predicate holds. */
export const runAllUntil = async (clock: TestClock, isComplete: () => boolean): Promise<void> => {
  await clock.tickAsync(0)
  while (!isComplete()) await clock.nextAsync()
}

/** Moves the clock by exactly `time` ms, timer by timer. */
export const runAllUntilTime = async (clock: TestClock, time: number): Promise<void> => {
  let isOver = false
  clock.setTimeout(() => (isOver = true), time)
  while (!isOver) await clock.nextAsync()
}

/** Moves the clock from timer to timer until the promise is settled, and returns or throws its outcome. */
export const runAllUntilSettled = async <T>(clock: TestClock, promise: Promise<T>): Promise<T> => {
  // Watched before anything is awaited, so that a rejection is never unhandled.
  const outcome = watch(promise)
  await clock.tickAsync(0)
  while (!outcome.isSettled) await clock.nextAsync()
  return promise
}

/** Calls `fn`, and moves the clock from timer to timer until its promise is settled. */
export const waitUntilResolved = async <T>(clock: TestClock, fn: () => Promise<T>): Promise<T> => {
  const promise = fn()
  const outcome = watch(promise)
  while (!outcome.isSettled) await clock.nextAsync()
  return promise
}

/**
 * Checks periodic background work: `times` times it moves the clock by `interval` ms, and then from timer to timer until
 * `stepValidation(iteration)` holds.
 */
export const runPeriodicAsyncBackgroundExecution = async (
  clock: TestClock,
  {
    interval,
    times,
    stepValidation,
  }: { interval: number; times: number; stepValidation: (iteration: number) => boolean },
): Promise<void> => {
  for (let iteration = 0; iteration < times; iteration++) {
    await clock.tickAsync(interval)
    await runAllUntil(clock, () => stepValidation(iteration))
  }
}
