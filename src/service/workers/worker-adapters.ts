import { type AnyAdapter } from '../../adapter/adapter'
import { reasonFor } from '../../adapter/wait-for-value'
import { type Cache } from '../../feeds/cache'
import { FeedRooms } from '../../feeds/feed-rooms'
import { ExpiringSortedSet } from '../../feeds/expiring-sorted-set'
import { wantingTransports } from '../../transports/subscription-transport'
import { type AdapterDependencies, type AdapterRequest } from '../../transports/transport'
import { type EmptyInputParameters } from '../../validation/input-parameters'
import { requireLocalCache } from './local-only'
import { MirrorCache } from './mirror-cache'
import { WantedSetFactory } from './wanted-set'
import { WriterLink } from './writer-link'

type RequestContext = AdapterRequest<EmptyInputParameters>['requestContext']

/** The adapters of a worker: they read what the writer has written, and tell the writer what their clients want. */
export class WorkerAdapters {
  readonly link: WriterLink
  private readonly feedRooms = new FeedRooms()

  constructor(path: string) {
    this.link = new WriterLink(path)
  }

  /** The dependencies to initialize an adapter with. @throws Error for one that does not keep its values in memory */
  dependenciesOf(adapter: AnyAdapter): Partial<AdapterDependencies> {
    const { name, settings } = adapter
    requireLocalCache(settings)
    const cache = new MirrorCache(settings.CACHE_MAX_ITEMS)
    this.link.mirror(name, cache)
    this.askWriter(adapter)
    const subscriptionSetFactory = new WantedSetFactory(settings, name, this.link, this.feedRooms.wanted)
    return { cache: cache as Cache, subscriptionSetFactory, feedRooms: this.feedRooms }
  }

  /** Transports do not run here, so the writer is asked why a feed has no value. */
  private askWriter(adapter: AnyAdapter): void {
    const nameOf = ({ endpointName, transportName, data }: RequestContext) => ({
      adapter: adapter.name,
      endpoint: endpointName,
      transport: transportName,
      params: data,
    })
    adapter.reasonOf = async ({ requestContext }, transport, feed) =>
      (await this.link.explain(nameOf(requestContext))) ??
      reasonFor(transport, feed?.absence, requestContext.data)
    adapter.watchWait = ({ requestContext }, transport, limitMs, tell) =>
      this.link.watch(nameOf(requestContext), limitMs, (reason) => {
        // So the next request tells the writer again, which may have room by then.
        if (reason.code === 'CAPACITY')
          for (const { subscriptionSet } of wantingTransports(transport))
            if (subscriptionSet instanceof ExpiringSortedSet) subscriptionSet.delete(requestContext.cacheKey)
        tell(reason)
      })
  }
}
