import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { SubscriptionSetFactory } from '../../adapter/subscription-set-factory'
import { type WantedRoom } from '../../feeds/feed-rooms'
import { Refusing } from '../../feeds/full-set'
import { type SubscriptionSet } from '../../feeds/subscription-set'
import { makeLogger } from '../../util/logging'
import { LogLimiter } from '../../util/log-limiter'
import { MAX_TIMER_MS } from '../../util/sleep'
import { type WantedFeed } from './messages'

const logger = makeLogger('WantedFeeds')

const nameOf = (adapter: string, endpoint: string, transport: string): string =>
  JSON.stringify([adapter, endpoint, transport])

/** The subscription sets of the transports that run in the writer. Workers add to them. */
export class WantedFeeds {
  private readonly sets = new Map<string, ExpiringSortedSet<unknown>>()
  private readonly refusing = new Map<string, Refusing>()
  private readonly problems = new LogLimiter()

  constructor(private readonly room?: WantedRoom) {}

  /** Builds the sets of one adapter, and remembers them. */
  factoryFor(
    adapter: string,
    settings: { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number },
  ): SubscriptionSetFactory {
    return new RememberingFactory(
      settings,
      adapter,
      (endpoint, transport, set) => this.sets.set(nameOf(adapter, endpoint, transport), set),
      this.room,
    )
  }

  /** Keeps a feed wanted, if it is or there is room. If this writer has no transport for it (its adapter did not start here), that is logged. */
  want({ adapter, endpoint, transport, params, key, ttlMs }: WantedFeed): void {
    const set = this.sets.get(nameOf(adapter, endpoint, transport))
    if (set === undefined) {
      this.problems.run(`${adapter} ${endpoint} ${transport}`, (repeated) => {
        logger.warn(
          { adapter, endpoint, transport, repeated },
          'A worker wants a feed that nothing here fills',
        )
      })
      return
    }
    const ttl = Math.min(ttlMs, MAX_TIMER_MS)
    // The first spelling is kept for as long as the feed is wanted, so that a provider always sees the same bytes.
    if (set.refresh(key, ttl)) return
    if (this.refusingOf(adapter, endpoint, transport, set).refusal(set, key, params) === undefined)
      set.add(params, ttl, key)
  }

  private refusingOf(adapter: string, endpoint: string, transport: string, set: object): Refusing {
    const name = nameOf(adapter, endpoint, transport)
    let refusing = this.refusing.get(name)
    if (refusing === undefined)
      this.refusing.set(
        name,
        (refusing = new Refusing({ app: { app_name: adapter }, endpoint, transport }, set)),
      )
    return refusing
  }
}

class RememberingFactory extends SubscriptionSetFactory {
  constructor(
    settings: { CACHE_TYPE: string; SUBSCRIPTION_SET_MAX_ITEMS: number },
    adapterName: string,
    private readonly remember: (endpoint: string, transport: string, set: ExpiringSortedSet<unknown>) => void,
    room?: WantedRoom,
  ) {
    super(settings, adapterName, undefined, room)
  }

  override buildSet<T>(endpoint: string, transport: string): SubscriptionSet<T> {
    const set = super.buildSet<T>(endpoint, transport)
    if (set instanceof ExpiringSortedSet)
      this.remember(endpoint, transport, set as ExpiringSortedSet<unknown>)
    return set
  }
}
