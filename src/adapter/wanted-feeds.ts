import { ExpiringSortedSet } from '../feeds/expiring-sorted-set'
import { type SubscriptionSet } from '../feeds/subscription-set'
import { wantingTransports } from '../transports/subscription-transport'
import { type Transport } from '../transports/transport'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EndpointGenerics } from './params'

type Data = Record<string, unknown>

/** A feed that somebody wants of an endpoint. */
export interface WantedFeed {
  /** Of its value in the cache. */
  key: string
  transportName: string
  params: Data
}

/** All feeds that are wanted of an endpoint now, each once. Those of transports that do not say what is wanted of them are not among them. */
export const wantedFeeds = async ({
  transportRoutes,
  responseCache,
}: AdapterEndpoint<EndpointGenerics>): Promise<WantedFeed[]> => {
  const found: WantedFeed[] = []
  for (const [transportName, transport] of transportRoutes.entries()) {
    for (const [known, params] of await wantedOf(transport)) {
      const key = known ?? responseCache?.feed(transportName, params).key
      if (key !== undefined) found.push({ key, transportName, params })
    }
  }
  return found
}

/**
 * The same without a wait, for who cannot: of a store that several processes share, what the transport found there at its last pass. Nobody
 * knows more where passes have begun.
 */
export const wantedAtHand = ({
  transportRoutes,
  responseCache,
}: AdapterEndpoint<EndpointGenerics>): WantedFeed[] =>
  transportRoutes.entries().flatMap(([transportName, transport]) => {
    const [first] = wantingTransports(transport)
    if (first === undefined) return []
    const set: SubscriptionSet<Data> = first.subscriptionSet
    if (set instanceof ExpiringSortedSet)
      return Array.from(set.entries() as Iterable<[string, Data]>, ([key, params]) => ({
        key,
        transportName,
        params,
      }))
    return first.wantedAtLastPass.flatMap((params: Data) => {
      const key = responseCache?.feed(transportName, params).key
      return key === undefined ? [] : [{ key, transportName, params }]
    })
  })

/** Every part of a transport that is made of several has the same feeds. */
const wantedOf = async (
  transport: Transport<EndpointGenerics>,
): Promise<Iterable<[key: string | undefined, params: Data]>> => {
  const [first] = wantingTransports(transport)
  if (first === undefined) return []
  const set: SubscriptionSet<Data> = first.subscriptionSet
  if (set instanceof ExpiringSortedSet) return set.entries() as Iterable<[string, Data]>
  try {
    return (await set.getAll()).map((params) => [undefined, params])
  } catch {
    // A store that does not answer: this is for pages that must.
    return []
  }
}
