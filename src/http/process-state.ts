import { metrics } from '../metrics/registry'
import { monotonicMs, ourTime } from '../util/clock'
import { makeLogger } from '../util/logging'
import { Heartbeats } from '../util/heartbeats'

const logger = makeLogger('Service')

/** The event loop says that it goes on this often, and is late after this long. */
const BEAT_MS = 1_000
const BEAT_WITHIN_MS = 10_000
/** A beat that is so late was held up. */
const STALL_MS = 1_000

/** One of several processes of a service that does not answer its supervisor. */
export interface SilentProcess {
  /** Such as `worker-1`. */
  process: string
  /** When it answered last. */
  sinceUnixMs: number
  /** How long it may be silent, in ms. */
  withinMs: number
}

/** A time when an event loop stood still. */
export interface Stall {
  process: number
  endedUnixMs: number
  forMs: number
  /** How often that has happened. */
  count: number
}

/** Where a process that answers requests stands, and the loops that are not those of one adapter. */
export class ProcessState {
  readonly loops = new Heartbeats()
  /** What the supervisor says of the processes beside this one, and of this one. */
  silent: readonly SilentProcess[] = []
  private current: 'starting' | 'serving' | 'stopping' = 'starting'
  /** The last one; undefined as long as there was none. */
  stall: Stall | undefined
  private endWatch = () => {}

  get phase(): 'starting' | 'serving' | 'stopping' {
    return this.current
  }

  /** Everything has been started. Nothing begins anew after {@link stopping}. */
  serving(): void {
    if (this.current === 'starting') this.current = 'serving'
  }

  stopping(): void {
    this.current = 'stopping'
    this.endWatch()
  }

  /** Watches the event loop. Only for processes that listen: it sets a timer, which adapters' tests would see. */
  watchEventLoop(): void {
    const heart = this.loops.add('timers of the event loop', BEAT_WITHIN_MS)
    let lastMs = monotonicMs()
    const timer = setInterval(() => {
      heart.beat()
      // A sleep is to be seen before the wall clock is set back: after that no clock tells of it.
      ourTime.now()
      const now = monotonicMs()
      const forMs = Math.round(now - lastMs - BEAT_MS)
      lastMs = now
      if (forMs > STALL_MS) this.stalled(forMs)
    }, BEAT_MS)
    timer.unref()
    this.endWatch = () => {
      clearInterval(timer)
      heart.stop()
    }
  }

  private stalled(forMs: number): void {
    const count = (this.stall?.count ?? 0) + 1
    this.stall = { process: process.pid, endedUnixMs: Date.now(), forMs, count }
    metrics.getMetricsDefinition()?.eventLoopStalls.inc()
    logger.warn({ forMs }, 'The event loop stood still')
  }
}
