import { Heartbeats } from '../util/heartbeats'

/** The event loop says that it goes on this often, and is late after this long. */
const BEAT_MS = 1_000
const BEAT_WITHIN_MS = 10_000

/** Where a process that answers requests stands, and the loops that are not those of one adapter. */
export class ProcessState {
  readonly loops = new Heartbeats()
  private current: 'starting' | 'serving' | 'stopping' = 'starting'
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
    const timer = setInterval(() => heart.beat(), BEAT_MS)
    timer.unref()
    this.endWatch = () => {
      clearInterval(timer)
      heart.stop()
    }
  }
}
