import { type AnyAdapter } from '../../adapter/adapter'
import { type AnyRequest } from '../../adapter/params'
import { watchUselessness } from '../../adapter/useless'
import { reasonFor } from '../../adapter/wait-for-value'
import { FeedRooms } from '../../feeds/feed-rooms'
import { explanationOf } from '../../http/explanation'
import { ProcessState } from '../../http/process-state'
import { livenessOf, readinessOf } from '../../http/views'
import { capacityReason } from '../../transports/subscription-transport'
import { type AdapterDependencies } from '../../transports/transport'
import { type Reason } from '../../validation/reason'
import { requireLocalCache } from './local-only'
import { type FeedName, type Look } from './messages'
import { Publisher } from './publisher'
import { WantedFeeds } from './wanted-feeds'

/** The adapters of a writer: what they write is published to the workers, and they fill the feeds that workers want. */
export class WriterAdapters {
  private readonly adapters = new Map<string, AnyAdapter>()
  private readonly feedRooms = new FeedRooms()
  private readonly wanted = new WantedFeeds(this.feedRooms.wanted)
  private readonly publisher = new Publisher({
    want: (feed) => this.wanted.want(feed),
    explain: (feed) => this.explain(feed),
    watch: (feed, waitMs, tell) => this.watch(feed, waitMs, tell),
    look: (at) => this.look(at),
  })

  constructor(private readonly state = new ProcessState()) {}

  /** The dependencies to initialize an adapter with. @throws Error for one that does not keep its values in memory */
  dependenciesOf(adapter: AnyAdapter): Partial<AdapterDependencies> {
    const { name, settings } = adapter
    requireLocalCache(settings)
    this.adapters.set(name, adapter)
    return {
      cache: this.publisher.cacheFor(name, settings.CACHE_MAX_ITEMS),
      subscriptionSetFactory: this.wanted.factoryFor(name, settings),
      feedRooms: this.feedRooms,
    }
  }

  /** @throws Error when the socket cannot be made */
  listen(path: string): Promise<void> {
    return this.publisher.listen(path)
  }

  stop(): void {
    this.publisher.stop()
  }

  private async look(at: Look): Promise<unknown> {
    const adapters = [...this.adapters.values()]
    if (at.what !== 'explanation')
      return at.what === 'liveness' ? livenessOf(this.state, adapters) : readinessOf(adapters)
    const { adapter: name, endpoint: endpointName, transport: transportName, params: data, key } = at.feed
    const adapter = this.adapters.get(name)
    const requestContext = { endpointName, transportName, data, cacheKey: key }
    return adapter && explanationOf(adapter, { requestContext } as unknown as AnyRequest)
  }

  private explain(name: FeedName): Reason | undefined {
    const { transport, feed } = this.find(name) ?? {}
    if (transport === undefined) return undefined
    return (
      (feed && capacityReason(transport, feed.key, name.params)) ??
      reasonFor(transport, feed?.absence, name.params)
    )
  }

  private watch(name: FeedName, waitMs: number, tell: (reason: Reason) => void): () => void {
    const { transport, feed } = this.find(name) ?? {}
    if (transport === undefined) return () => {}
    const full = feed && capacityReason(transport, feed.key, name.params)
    if (full === undefined) return watchUselessness(transport, name.params, waitMs, tell)
    tell(full)
    return () => {}
  }

  private find({ adapter, endpoint: name, transport: route, params }: FeedName) {
    const endpoint = this.adapters.get(adapter)?.endpointsMap[name]
    const transport = endpoint?.transportRoutes.entries().find(([one]) => one === route)?.[1]
    return transport && { transport, feed: endpoint?.responseCache?.feed(route, params) }
  }
}
