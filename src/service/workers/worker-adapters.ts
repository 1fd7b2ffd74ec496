import { type AnyAdapter } from '../../adapter/adapter'
import { reasonFor } from '../../adapter/wait-for-value'
import { type Cache } from '../../feeds/cache'
import { type AdapterDependencies } from '../../transports/transport'
import { requireLocalCache } from './local-only'
import { MirrorCache } from './mirror-cache'
import { WantedSetFactory } from './wanted-set'
import { WriterLink } from './writer-link'

/** The adapters of a worker: they read what the writer has written, and tell the writer what their clients want. */
export class WorkerAdapters {
  readonly link: WriterLink

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
    const subscriptionSetFactory = new WantedSetFactory(settings, name, this.link)
    return { cache: cache as Cache, subscriptionSetFactory }
  }

  /** Transports do not run here, so the writer is asked why a feed has no value. */
  private askWriter(adapter: AnyAdapter): void {
    adapter.reasonOf = async ({ requestContext }, transport, feed) => {
      const { endpointName, transportName, data } = requestContext
      const params = data
      const name = { adapter: adapter.name, endpoint: endpointName, transport: transportName, params }
      return (await this.link.explain(name)) ?? reasonFor(transport, feed?.absence, params)
    }
  }
}
