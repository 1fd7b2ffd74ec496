import { type Identify, identifierFor } from '../../feeds/delta'
import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { type SubscriptionSet } from '../../feeds/subscription-set'
import { RedisSubscriptionSet } from '../../redis/redis-subscription-set'

/** So many more than twice the members of the set are kept, so that those that have left it are seldom looked for. */
const MOST_LEFT = 100

/**
 * Tells whether feeds are wanted at this moment, by their params: a set is read once a pass, and a request may wait in the queue for much
 * longer (RL-5). What came into the set by another way than a request, or is in a set of an author's, counts as wanted.
 */
export class WantedParams<P extends object> {
  /** The set's keys by the feeds' names. */
  private readonly keys = new Map<string, string>()

  constructor(
    private readonly set?: SubscriptionSet<P>,
    private readonly identityOf: Identify = identifierFor(false),
  ) {}

  /** A request wants a feed that is not in the set. */
  note(params: P, key: string): void {
    const { keys, set } = this
    if (!(set instanceof ExpiringSortedSet)) return
    if (keys.size > 2 * set.size + MOST_LEFT)
      for (const [name, one] of keys) if (!set.isLive(one)) keys.delete(name)
    if (set.hasRoomFor(key, params)) keys.set(this.identityOf(params), key)
  }

  has(params: P): boolean {
    if (this.set instanceof RedisSubscriptionSet) return this.set.has(params, this.identityOf)
    const key = this.keys.get(this.identityOf(params))
    return key === undefined || this.isLive(key)
  }

  private isLive(key: string): boolean {
    return this.set instanceof ExpiringSortedSet && this.set.isLive(key)
  }
}
