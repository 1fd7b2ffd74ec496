import './disposal'
import { monotonicMs, ourTime } from '../util/clock'

/**
 * The two clocks of this process, which a test moves while time goes on: the wall clock (`Date`), which an operator or a time server can
 * set, and the monotonic one (`process.hrtime`, `performance.now`), which is never set and stands still while the machine sleeps. Timers
 * go on in real time. Ends with `restore()`, or with a `using`.
 */
export interface StepClock extends Disposable {
  /** How far the wall clock is ahead of the real one, in ms. */
  readonly wallOffsetMs: number
  /** How far the monotonic clock is ahead of the real one, in ms. */
  readonly monotonicOffsetMs: number
  /** So much time has passed: both clocks go forward. */
  pass(ms: number): void
  /** The wall clock is set, forward or (with a negative number) back. */
  setWall(byMs: number): void
  /** The machine has slept so long: the wall clock has gone on, the monotonic one has not. */
  suspend(ms: number): void
  restore(): void
}

const MS_PER_S = 1_000
const NS_PER_MS = 1_000_000
const NS_PER_S = 1_000_000_000

const requirePositive = (ms: number): void => {
  if (!(ms >= 0)) throw new Error(`${ms} ms cannot pass: only the wall clock goes back, by setWall()`)
}

/**
 * Takes the place of the clocks. Times of providers are judged as in production then: a wall clock that was set is not believed before the
 * ticks of providers agree with it. (Under the clocks of test frameworks whatever the wall clock shows is the time.)
 *
 * @throws Error when one is there already
 * @example
 * using clock = stepClock()
 * // ... serve an adapter and get a price ...
 * clock.pass(120_000)
 * expect(await service.post(feed)).toHaveReason('STALE_VALUE')
 */
export const stepClock = (): StepClock => new Steps()

let isThere = false

class Steps implements StepClock {
  wallOffsetMs = 0
  monotonicOffsetMs = 0
  private readonly undo: (() => void)[] = []

  constructor() {
    if (isThere) throw new Error('There is a step clock already: restore() it before another is made')
    isThere = true
    this.replaceDate()
    this.replaceHrtime()
    const before = Object.getOwnPropertyDescriptor(performance, 'now')
    const now = performance.now.bind(performance)
    performance.now = () => now() + this.monotonicOffsetMs
    this.undo.push(() => {
      Reflect.deleteProperty(performance, 'now')
      if (before !== undefined) Object.defineProperty(performance, 'now', before)
    })
    ourTime.trustsWall = false
    ourTime.restart()
    this.undo.push(() => (ourTime.trustsWall = undefined))
  }

  pass(ms: number): void {
    requirePositive(ms)
    this.wallOffsetMs += ms
    this.monotonicOffsetMs += ms
  }

  setWall(byMs: number): void {
    this.wallOffsetMs += byMs
  }

  suspend(ms: number): void {
    requirePositive(ms)
    this.wallOffsetMs += ms
  }

  restore(): void {
    if (this.undo.length === 0) return
    for (const run of this.undo.splice(0)) run()
    isThere = false
    // The monotonic clock of the package goes on from where it was, and must not be seen to go back.
    monotonicMs()
    ourTime.restart()
  }

  [Symbol.dispose](): void {
    this.restore()
  }

  /** On the class that is there as well: packages have kept it. */
  private replaceDate(): void {
    const { Date: real } = globalThis
    const { now } = real
    const shown = () => now.call(real) + this.wallOffsetMs
    real.now = shown
    globalThis.Date = new Proxy(real, {
      construct: (target, given: [], made: () => void) =>
        Reflect.construct(target, given.length === 0 ? [shown()] : given, made) as object,
      apply: () => new Date(shown()).toString(),
    })
    this.undo.push(() => {
      real.now = now
      globalThis.Date = real
    })
  }

  private replaceHrtime(): void {
    const { hrtime } = process
    const shown = ((before?: [number, number]): [number, number] => {
      const [seconds, nanoseconds] = hrtime()
      const all = nanoseconds + (this.monotonicOffsetMs % MS_PER_S) * NS_PER_MS
      const whole = seconds + Math.floor(this.monotonicOffsetMs / MS_PER_S) + Math.floor(all / NS_PER_S)
      const rest = Math.round(all % NS_PER_S)
      if (before === undefined) return [whole, rest]
      const borrowed = rest < before[1] ? 1 : 0
      return [whole - before[0] - borrowed, rest - before[1] + borrowed * NS_PER_S]
    }) as NodeJS.HRTime
    shown.bigint = () => hrtime.bigint() + BigInt(Math.round(this.monotonicOffsetMs * NS_PER_MS))
    process.hrtime = shown
    this.undo.push(() => (process.hrtime = hrtime))
  }
}
