import { Retry } from '../../../connections/retry'
import { exponentialBackoff } from '../../../util/backoff'
import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { type EndpointContext } from '../../transport'
import { type WebsocketTransportGenerics } from '../config'
import { type CareHost, type Params } from './care'
import { type Lane, type LaneListener } from './lane'
import { Successor } from './successor'

const logger = makeLogger('WebSocketTransport')

/** The pauses after a connection did not come up that was to take the place of one in use. */
export const AFTER_FAILED_SUCCESSOR = exponentialBackoff({ minMs: 1_000, maxMs: 60_000, factor: 2 })

/** When further connections that are too old are replaced: one at a time, and within the limit of connects. */
export class Recycling<T extends WebsocketTransportGenerics> {
  private readonly retry = new Retry(AFTER_FAILED_SUCCESSOR)
  private isBusy = false

  constructor(private readonly care: CareHost<T>) {}

  /** Whether a lane is to be replaced, and may be now. */
  isDue(lane: Lane<T>): boolean {
    if (!lane.isTooOld || this.isBusy || this.retry.isWaiting || this.care.signal.aborted) return false
    return this.care.isOpen() && this.care.holdMs() === undefined
  }

  /** Replaces one, while no other is replaced. */
  async inTurn(context: EndpointContext<T>, replace: () => Promise<void>): Promise<void> {
    this.isBusy = true
    named(logger, context).info('Replacing a further connection: its age')
    try {
      await replace()
    } finally {
      this.isBusy = false
    }
  }

  /** Brings up a lane with these feeds, to take the place of one in use. @returns undefined where that one has to go on */
  async beside(
    context: EndpointContext<T>,
    feeds: Params<T>[],
    listener: LaneListener<T>,
  ): Promise<Lane<T> | undefined> {
    const release = this.care.claimConnect()
    if (release === undefined) return undefined
    const successor = new Successor(this.care, context, listener)
    const { lane } = successor
    const end = (): void => void lane.close()
    this.care.signal.addEventListener('abort', end)
    try {
      await successor.rise(feeds, () => lane.open(this.care.url(), feeds, release))
      this.retry.reset()
      return lane
    } catch (error) {
      named(logger, context).warn(`A further connection goes on, although it is old: ${String(error)}`)
      this.retry.again(undefined, () => this.care.wake())
      await lane.close()
      return undefined
    } finally {
      this.care.signal.removeEventListener('abort', end)
    }
  }

  stop(): void {
    this.retry.stop()
  }
}
