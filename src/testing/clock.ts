/** A fake clock like those of `@sinonjs/fake-timers`; {@link viClock} makes one from vitest's fake timers. */
export interface FakeClock {
  /** Fake time in ms. */
  readonly now: number
  /** Moves time, firing what is due on the way, and lets promises settle in between. */
  tickAsync(ms: number): Promise<unknown>
  /** Moves time to the next timer and fires it. */
  nextAsync(): Promise<unknown>
  /** How many timers are set. */
  countTimers(): number
}

/** The methods of vitest's `vi` that are used. */
export interface ViTimers {
  isFakeTimers(): boolean
  advanceTimersByTimeAsync(ms: number): Promise<unknown>
  advanceTimersToNextTimerAsync(): Promise<unknown>
  getTimerCount(): number
}

/** How far the clock moves when no timer is set: a real event, such as one of a socket, may still set one. */
const IDLE_STEP_MS = 10

/** How long, in fake ms, {@link runUntil} and {@link runUntilSettled} go on by default. */
const LIMIT_MS = 60_000

/**
 * Vitest's fake timers as a {@link FakeClock}. `Date` must be among what is faked.
 *
 * @throws Error when no fake timers are installed
 * @example
 * vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
 * const clock = viClock(vi)
 */
export const viClock = (vi: ViTimers): FakeClock => {
  if (!vi.isFakeTimers()) throw new Error('Call vi.useFakeTimers() first: there is no fake clock to move')
  return {
    get now() {
      return Date.now()
    },
    tickAsync: (ms) => vi.advanceTimersByTimeAsync(ms),
    nextAsync: () => vi.advanceTimersToNextTimerAsync(),
    countTimers: () => vi.getTimerCount(),
  }
}

/**
 * Moves the clock by `ms`, timer by timer.
 *
 * @example
 * await advance(clock, 90_000) // the cached value has expired
 * expect((await service.post(feed)).statusCode).toBe(504)
 */
export const advance = async (clock: Pick<FakeClock, 'tickAsync'>, ms: number): Promise<void> => {
  await clock.tickAsync(ms)
}

/**
 * Moves the clock from timer to timer until the predicate holds; not at all if it holds already.
 *
 * @throws Error when it does not hold after `limitMs` of fake time
 * @example
 * await runUntil(clock, () => provider.openCount === 1)
 */
export const runUntil = async (
  clock: FakeClock,
  predicate: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> => {
  const end = clock.now + limitMs
  while (!(await predicate())) {
    const leftMs = end - clock.now
    if (leftMs <= 0) throw new Error(`What was waited for is still not so after ${limitMs} ms of fake time`)
    if (clock.countTimers() > 0) await clock.nextAsync()
    else await clock.tickAsync(Math.min(IDLE_STEP_MS, leftMs))
  }
}

/**
 * Moves the clock from timer to timer until a promise is settled, and returns or throws its outcome.
 *
 * @throws Error when it is not settled after `limitMs` of fake time
 * @example
 * const reply = await runUntilSettled(clock, service.post(feed)) // the 504 comes after 2.2 s of fake time
 */
export const runUntilSettled = async <T>(
  clock: FakeClock,
  promise: Promise<T>,
  limitMs = LIMIT_MS,
): Promise<T> => {
  let isSettled = false
  const settle = () => void (isSettled = true)
  promise.then(settle, settle)
  await runUntil(clock, () => isSettled, limitMs)
  return promise
}
