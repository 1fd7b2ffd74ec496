import { vi } from 'vitest'
import { ourTime } from '../../src/util/clock'
import { FAKED } from '../transports/websocket/support'

/** What the clocks show when a scenario begins. */
export const START = 1_700_000_000_000

const turn = () => new Promise((resolve) => setImmediate(resolve))
/** In which all that a timer, or a request, has set off goes on. A woken loop first gathers what else is wanted, for twelve of them. */
const TURNS = 20

/**
 * The time of one scenario: all clocks are faked, and moved from timer to timer, so that an hour takes seconds and the machine's speed counts
 * for nothing. Nothing may be real but turns of the event loop: sockets and requests are those of {@link Venue}.
 */
export class Time {
  private sleptMs = 0
  private readonly beganMs: number

  constructor() {
    vi.useFakeTimers({ ...FAKED, now: START })
    // As in a service: a step of the wall clock is one.
    ourTime.trustsWall = false
    ourTime.restart()
    this.beganMs = this.monotonicMs
  }

  /** What a clock shows that nobody sets, such as a good provider's, in Unix ms. */
  get trueMs(): number {
    return START + this.elapsedMs
  }

  get elapsedMs(): number {
    return this.monotonicMs - this.beganMs + this.sleptMs
  }

  /** Somebody sets our wall clock. */
  step(byMs: number): void {
    vi.setSystemTime(Date.now() + byMs)
  }

  /** How far our wall clock is from the truth. */
  get wrongByMs(): number {
    return Date.now() - this.trueMs
  }

  /** Our machine sleeps: our monotonic clock and our timers stand still, the wall clock and everybody else's go on. */
  sleep(forMs: number): void {
    this.step(forMs)
    this.sleptMs += forMs
  }

  async pass(ms: number): Promise<void> {
    let isOver = false
    setTimeout(() => (isOver = true), ms)
    await settle()
    while (!isOver) {
      vi.advanceTimersToNextTimer()
      await settle()
    }
  }

  end(): void {
    vi.useRealTimers()
    ourTime.trustsWall = undefined
    ourTime.restart()
  }

  get monotonicMs(): number {
    const { clock } = setTimeout as unknown as { clock: { hrtime: () => [number, number] } }
    const [seconds, nanoseconds] = clock.hrtime()
    return seconds * 1_000 + nanoseconds / 1_000_000
  }
}

/** Lets what has begun go on, as far as it needs no timer. */
export const settle = async (): Promise<void> => {
  for (let n = 0; n < TURNS; n++) await turn()
}
