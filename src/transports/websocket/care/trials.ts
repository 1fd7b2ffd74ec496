import { monotonicMs } from '../../../util/clock'
import { type WebsocketTransportGenerics } from '../config'
import { type Care, type Params } from './care'
import { type PoisonSearch } from './poison-search'

interface Trial<P> {
  params: P
  writes: number | undefined
  atMs: number
  isAccepted: boolean
}

/** What may be the cause of the end of a connection. */
export interface Ended {
  /** What was subscribed last and has not been answered, and the rest. */
  last: string[]
  earlier: string[]
  /** How long ago the last of it was subscribed; undefined where there is none. */
  delayMs: number | undefined
}

/** What was subscribed on one connection lately, and has brought nothing since: it may be the cause when that connection closes. */
export class Trials<T extends WebsocketTransportGenerics> {
  private readonly trials = new Map<string, Trial<Params<T>>>()

  /** @param suspicionMs - for so long after it was subscribed a feed may be the cause */
  constructor(
    private readonly care: Care<T>,
    private readonly search: PoisonSearch,
    private readonly suspicionMs: number,
  ) {}

  sent(feeds: readonly Params<T>[]): void {
    const atMs = monotonicMs()
    for (const params of feeds)
      this.trials.set(this.care.idOf(params), {
        params,
        writes: this.care.tallyOf(params)?.sets,
        atMs,
        isAccepted: false,
      })
  }

  /** The provider has accepted the subscription of these feeds: it has read as far as them at least. */
  accepted(feeds: readonly Params<T>[]): void {
    if (this.trials.size === 0) return
    for (const params of feeds) {
      const trial = this.trials.get(this.care.idOf(params))
      if (trial !== undefined) trial.isAccepted = true
    }
  }

  /** What has brought something, or has been there for long, is beyond suspicion. */
  settle(now: number): void {
    for (const [id, { params, writes, atMs }] of this.trials) {
      const isOld = now - atMs > this.suspicionMs
      if (!isOld && !hasWritten(this.care, params, writes)) continue
      this.trials.delete(id)
      this.search.trust(id)
      if (isOld && this.trials.size === 0) this.search.calm()
    }
  }

  /**
   * The connection has ended.
   *
   * @param probeMs - what was subscribed no longer ago, and was not accepted, is the last; the rest is earlier
   */
  end(now: number, probeMs: number): Ended {
    this.settle(now)
    const [last, earlier]: [string[], string[]] = [[], []]
    let lastMs = -Infinity
    for (const [id, { atMs, isAccepted }] of this.trials) {
      lastMs = Math.max(lastMs, atMs)
      if (now - atMs <= probeMs && !isAccepted) last.push(id)
      else earlier.push(id)
    }
    this.trials.clear()
    return { last, earlier, delayMs: lastMs === -Infinity ? undefined : now - lastMs }
  }

  clear(): void {
    this.trials.clear()
  }
}

/** Whether something was written for a feed since then; false where that is not known. */
export const hasWritten = <T extends WebsocketTransportGenerics>(
  care: Care<T>,
  params: Params<T>,
  before: number | undefined,
): boolean => before !== undefined && care.tallyOf(params)?.sets !== before
