import process from 'node:process'
import { LoggerFactoryProvider, makeLogger } from './logging'
import { OurTime, STEP_MS } from './our-time'

const logger = makeLogger('Clock')

/** A clock of tests that has taken the place of the timers, as `@sinonjs/fake-timers` leaves it on what it replaces. */
interface TimerClock {
  hrtime: () => [seconds: number, nanoseconds: number]
}

let source: TimerClock | undefined
let offsetMs = 0
let lastMs = 0

const reading = (clock: TimerClock | undefined): number => {
  const [seconds, nanoseconds] = clock === undefined ? process.hrtime() : clock.hrtime()
  return seconds * 1_000 + nanoseconds / 1_000_000
}

/**
 * Milliseconds on the clock that timers wait by: it is never set, and all processes of a machine read the same one. For everything that
 * is paced or waited for, and for comparing with an end that another process of this machine has named (TM-6). It stands still while
 * the machine sleeps.
 *
 * Tests that fake the timers move this clock with them, whether or not they fake `performance` and `hrtime` as well (contract 16.2).
 * Going from one clock to another it continues where it was.
 */
export const monotonicMs = (): number => {
  const { clock } = setTimeout as { clock?: TimerClock }
  const now = reading(clock)
  if (clock !== source || now + offsetMs < lastMs) {
    source = clock
    // Whole ms: a fake clock's ends are met exactly.
    offsetMs = Math.ceil(lastMs - now)
    if (clock === undefined) offsetMs = Math.max(0, offsetMs)
  }
  return (lastMs = now + offsetMs)
}

/** A moment on both clocks. */
export interface Instant {
  readonly unixMs: number
  readonly monotonicMs: number
  /** The era of our time then, see {@link OurTime.era}; absent where no sleep since then matters. */
  readonly era?: number | undefined
}

/** The wall clock as it was when this was loaded. */
const ownNow = Date.now

/** @param unixMs - what the wall clock has just shown, where somebody else has read it; else it is read here, and a step is noticed */
export const instant = (unixMs?: number): Instant => {
  const monotonic = monotonicMs()
  if (unixMs !== undefined) return { unixMs, monotonicMs: monotonic, era: ourTime.era }
  const wall = Date.now()
  return { unixMs: wall, monotonicMs: monotonic, era: ourTime.glance(wall, monotonic) }
}

/** When what the running task reads from sockets has arrived; undefined between tasks. */
let arrived: Instant | undefined
const forgetArrival = (): void => {
  arrived = undefined
}

/**
 * The moment for a message that has just been read from a socket. Messages that one read has brought are handled one after the other without
 * a pause, and share one moment, the first one's: it is never later than their own, so nothing seems younger than it is. While a test has
 * taken the place of a clock, each message has its own.
 */
export const arrival = (): Instant => {
  if (Date.now !== ownNow || 'clock' in setTimeout) return instant()
  if (arrived !== undefined) return arrived
  void Promise.resolve().then(forgetArrival)
  return (arrived = instant())
}

/** So many ms after a moment, on both clocks. */
export const later = (at: Instant, ms: number): Instant => ({
  unixMs: at.unixMs + ms,
  monotonicMs: at.monotonicMs + ms,
  era: at.era,
})

/**
 * How long after `now` an end is, in ms: whichever clock reaches its end first counts. What the machine may have slept since is not left
 * either: of a sleep, and a wall clock that was set back after it, neither clock tells. 0 and below: it is over.
 */
export const leftMs = (end: Instant, now: Instant): number => {
  const sleptMs = end.era === undefined || end.era === now.era ? 0 : ourTime.sleptMs(end.era)
  return Math.min(end.unixMs - now.unixMs, end.monotonicMs - now.monotonicMs - sleptMs)
}

/**
 * How old what was there at an instant is, in ms: the larger of what the two clocks have counted, so that neither a step of the wall
 * clock back nor a machine that slept makes it younger (TM-6), nor both of them one after the other. Never below 0.
 */
export const ageMs = (of: Instant, now = instant()): number => -leftMs(of, now)

/**
 * How long ago others wrote down what the wall clock showed, by the monotonic clock. A time that is new since the last look was written
 * between the two looks; how long ago is what the wall clock says, within those bounds.
 */
export class WallMark {
  private unixMs = 0
  private atMs = -Infinity
  private lookedMs = monotonicMs()

  /** @param unixMs - the time that stands there now; 0 was never written */
  msSince(unixMs: number): number {
    if (ourTime.isWall) return Math.max(0, Date.now() - unixMs)
    const now = monotonicMs()
    if (unixMs !== this.unixMs) {
      const sinceLook = now - this.lookedMs
      this.atMs = now - Math.min(Math.max(0, Date.now() - unixMs), sinceLook)
      this.unixMs = unixMs
    }
    this.lookedMs = now
    return now - this.atMs
  }
}

/** A clock that does not run, or runs wild, steps again and again, and is named this seldom. */
const SAY_EVERY_MS = 60_000
let saidMs = -Infinity

/** What the times of providers are judged by in this process. */
export const ourTime = new OurTime(
  { wall: () => Date.now(), monotonic: monotonicMs, isFake: () => Date.now !== ownNow },
  ({ movedMs, byMs }) => {
    const now = monotonicMs()
    if (!LoggerFactoryProvider.isSet || now - saidMs < SAY_EVERY_MS) return
    saidMs = now
    const fields = { movedMs: Math.round(movedMs), byMs: Math.round(byMs) }
    if (Math.abs(byMs) < STEP_MS) logger.warn(fields, 'The wall clock was set back to where it was')
    else logger.warn(fields, 'The wall clock was set: the ticks of providers decide whether it is right')
  },
)

/** A duration as people read it. */
export const secondsOf = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/** What is the first thing to know where times are wrong: that our own clock was set. Empty where it was not. */
export const clockNote = (): string => {
  const { lastStep: step } = ourTime
  if (step === undefined) return ''
  const when = new Date(step.seenUnixMs).toISOString()
  return `; our own clock was set by ${secondsOf(step.movedMs)} at ${when}`
}
