/** The right to run, until it is released. */
export type Turn = {
  release: () => void
}

/** Thrown to a task that was taken out of the queue because too many were waiting. */
export class EvictedError extends Error {
  override name = 'EvictedError'
}

interface Waiter {
  start: (turn: Turn) => void
  evict: () => void
}

export interface TurnOptions {
  /** Runs before all that are not urgent; urgent ones run in the order in which they came. Default false. */
  isUrgent?: boolean
  /** When it aborts, the task leaves the queue, and its promise is rejected with the signal's reason. */
  signal?: AbortSignal
}

/** Runs tasks one at a time: urgent ones first, else in the order in which they came. */
export class TurnQueue {
  private isTaken = false
  private readonly urgent: Waiter[] = []
  private readonly regular: Waiter[] = []

  /** @param maxLength - how many may wait. One more evicts the one that has waited longest, an urgent one only when all are urgent */
  constructor(private readonly maxLength: number) {}

  /** How many wait for their turn. */
  get length(): number {
    return this.urgent.length + this.regular.length
  }

  /**
   * Runs the task in its turn, which ends when the task does.
   *
   * @throws EvictedError when the turn never came, and whatever the task throws
   */
  async runInTurn(task: () => Promise<void>, options: TurnOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const turn = this.isTaken ? await this.wait(options) : this.take()
    try {
      await task()
    } finally {
      turn.release()
    }
  }

  private take(): Turn {
    this.isTaken = true
    let isReleased = false
    return {
      release: () => {
        if (isReleased) return
        isReleased = true
        this.isTaken = false
        const next = this.urgent.shift() ?? this.regular.shift()
        next?.start(this.take())
      },
    }
  }

  private wait({ isUrgent = false, signal }: TurnOptions): Promise<Turn> {
    const lane = isUrgent ? this.urgent : this.regular
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = lane.indexOf(waiter)
        if (at !== -1) lane.splice(at, 1)
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's own reason
        reject(signal?.reason)
      }
      const waiter: Waiter = {
        start: (turn) => {
          signal?.removeEventListener('abort', leave)
          resolve(turn)
        },
        evict: () => {
          signal?.removeEventListener('abort', leave)
          reject(new EvictedError('Too many pending turns'))
        },
      }
      signal?.addEventListener('abort', leave)
      lane.push(waiter)
      if (this.length > this.maxLength) (this.regular.shift() ?? this.urgent.shift())?.evict()
    })
  }
}
