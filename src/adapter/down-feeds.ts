import { reasonBeside, told } from '../feeds/error-reason'
import { localLayerOf } from '../feeds/local-cache'
import { metrics, PerScrape } from '../metrics/registry'
import { classOf, type ReasonClass } from '../validation/reason'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EndpointGenerics } from './params'
import { reasonFor } from './wait-for-value'
import { wantedAtHand, type WantedFeed } from './wanted-feeds'

type Endpoint = AdapterEndpoint<EndpointGenerics>

/** The wanted feeds of an endpoint at the time of a scrape. */
interface Seen {
  endpoint: string
  wanted: number
  /** Of those that have no good value, by the class of their reason. */
  down: ReadonlyMap<ReasonClass, number>
}

/** Undefined where it has a good value to serve. A feed of which nothing is known to be wrong has only not had the time yet. */
const classOfDown = (
  adapter: AnyAdapter,
  endpoint: Endpoint,
  wanted: WantedFeed,
): ReasonClass | undefined => {
  const { key, transportName, params } = wanted
  const value = localLayerOf(adapter.cache)?.read(key)?.value
  if (value !== undefined && value.errorMessage === undefined) return undefined
  const reason =
    value === undefined
      ? reasonFor(
          endpoint.transportRoutes.get(transportName),
          endpoint.responseCache?.feed(transportName, params).absence,
          params,
        )
      : reasonBeside(told(value))
  return reason === undefined ? 'starting' : classOf(reason)
}

const look = (adapter: AnyAdapter, endpoint: Endpoint): Seen => {
  const down = new Map<ReasonClass, number>()
  const feeds = wantedAtHand(endpoint)
  for (const wanted of feeds) {
    const kind = classOfDown(adapter, endpoint, wanted)
    if (kind !== undefined) down.set(kind, (down.get(kind) ?? 0) + 1)
  }
  return { endpoint: endpoint.name, wanted: feeds.length, down }
}

/**
 * `feeds_wanted`, and `feeds_down` by the class of the reason, of each endpoint: found out when metrics are scraped, whether or not anybody
 * asks. For the one process that runs the adapter's transports, which alone knows what all of its clients want, and what is wrong.
 *
 * @returns removes the series
 */
export const publishDownFeeds = (adapter: AnyAdapter): (() => void) => {
  const app_name = adapter.name
  const all = new PerScrape(() => adapter.endpoints.map((endpoint) => look(adapter, endpoint)))
  const stops = [
    metrics.publish('feedsWanted', (gauge) => {
      for (const { endpoint, wanted } of all.get())
        gauge.set({ app_name, adapter_endpoint: endpoint }, wanted)
    }),
    metrics.publish('feedsDown', (gauge) => {
      for (const { endpoint, down } of all.get())
        for (const [reason_class, count] of down)
          gauge.set({ app_name, adapter_endpoint: endpoint, reason_class }, count)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
