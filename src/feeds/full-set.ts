import { type App } from '../metrics/labels'
import { metrics } from '../metrics/registry'
import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { type Reason } from '../validation/reason'
import { ExpiringSortedSet } from './expiring-sorted-set'
import { type SubscriptionSet } from './subscription-set'

const logger = makeLogger('SubscriptionSet')

/** A set as far as it says whether it has room. That of a test may be none. */
type Limited = Pick<SubscriptionSet<unknown>, 'hasRoomFor'>

/**
 * Why a feed cannot become wanted: the set is full of feeds that are, and none of them gives way, or all would lose their values in turn.
 * Undefined where it is wanted already, or there is room. A set in Redis has its own limit of their number.
 */
export const fullFor = (set: Limited | undefined, key: string, params?: object): Reason | undefined => {
  if (set?.hasRoomFor?.(key, params) ?? true) return undefined
  const { size, capacity } = set instanceof ExpiringSortedSet ? set : { size: 0, capacity: Infinity }
  const why =
    size < capacity
      ? 'The parameters of the wanted feeds take as much memory as they may, and those of this one are large'
      : `${size} feeds are wanted, and no more than ${capacity} may be (SUBSCRIPTION_SET_MAX_ITEMS)`
  return {
    code: 'CAPACITY',
    message: `${why}: there is room when one is no longer asked for`,
    sinceUnixMs: Date.now(),
  }
}

/** Counts the refusals of one set, and logs them once per interval. */
export class Refusing {
  private readonly problems = new LogLimiter()

  /** @param whose - what belongs to the adapter, such as the transport */
  constructor(
    private readonly of: { app: App; endpoint: string; transport: string },
    private readonly whose: object,
  ) {}

  /** The reason by {@link fullFor}, which is counted. */
  refusal(set: Limited | undefined, key: string, params?: object): Reason | undefined {
    const reason = fullFor(set, key, params)
    if (reason === undefined) return undefined
    const { app, endpoint, transport } = this.of
    metrics.get('subscriptionsRefused').inc({ ...app, adapter_endpoint: endpoint, transport })
    this.problems.run('full', (repeated) => {
      named(logger, this.whose).warn(
        { endpoint, transport, repeated },
        `A new feed is refused: ${reason.message}`,
      )
    })
    return reason
  }
}
