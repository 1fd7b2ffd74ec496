import { type AnyAdapter } from '../adapter/adapter'
import { type AnyRequest, type EndpointGenerics } from '../adapter/params'
import { storedOrNone } from '../adapter/wait-for-value'
import { reasonBeside, told as toldIn } from '../feeds/error-reason'
import { ExpiringSortedSet } from '../feeds/expiring-sorted-set'
import { type Feed } from '../feeds/feed'
import { type LocalCacheEntry, localLayerOf } from '../feeds/local-cache'
import { type ResponseCache } from '../feeds/response-cache'
import { type AdapterResponse } from '../feeds/responses'
import { childrenOf, linksOf, outageOf, polls, recordsOf, subscriptionOf } from '../transports/capabilities'
import { SubscriptionTransport } from '../transports/subscription-transport'
import { type Transport } from '../transports/transport'
import { instant, leftMs } from '../util/clock'
import { memberOf } from '../util/objects'
import { beginningOf, redactStrings, redactText } from '../util/redaction'
import { answered, type Reason, type ReasonAnswer } from '../validation/reason'
import { type ExplainAnswer } from './explain-answer'

const MAX_SHOWN = 4_096

const RECORD_NOTES = {
  kept: 'The newest message for this feed, as it came.',
  begun:
    'None yet: from now on, for ten minutes, the newest message for this feed is kept. Ask again after the next one.',
  none: 'This transport does not show what it receives: its last value is in lastGood.',
}

type Response = AdapterResponse
type Caches = ResponseCache<EndpointGenerics>

/** As it is, or the beginning of its text. Secrets are taken out before it is cut. */
const shown = (value: unknown): unknown => {
  const safe = redactStrings(value)
  try {
    const text = JSON.stringify(safe) ?? 'nothing'
    return text.length > MAX_SHOWN ? beginningOf(text, MAX_SHOWN) : (JSON.parse(text) as unknown)
  } catch {
    return 'a value that cannot be shown'
  }
}

const told = (reason: Reason): ReasonAnswer => answered(redactStrings(reason))

/** Why a feed is answered as it is. It makes nothing wanted, and changes no counter. Never rejects. */
export const explanationOf = async (adapter: AnyAdapter, request: AnyRequest): Promise<ExplainAnswer> => {
  const { cacheKey, data, endpointName, transportName } = request.requestContext
  const endpoint = adapter.endpointsMap[endpointName]!
  const transport = endpoint.transportRoutes.get(transportName)
  const caches: Caches = endpoint.responseCache!
  const feed = caches.feed(transportName, data)
  const current = await storedOrNone(adapter.cache, cacheKey)
  const isServed = current !== undefined && current.errorMessage === undefined
  const beside = current && reasonBeside(toldIn(current))
  const reason = beside ?? (isServed ? undefined : await adapter.reasonOf(request, transport, feed))
  const good = lastGood(adapter, cacheKey, isServed ? current : undefined)
  const transports = partsOf(transport, transportName).map(([name, part]) =>
    partOf(name, part, data, cacheKey),
  )
  return {
    adapter: adapter.name,
    endpoint: endpointName,
    feed: redactText(`${adapter.name.toLowerCase()}:${endpointName}:${feed.name}`),
    feedId: feed.feedId,
    cacheKey: redactText(cacheKey),
    params: shown(data),
    state: isServed ? 'fresh' : stateOf(current, feed, transports),
    ...(reason && { reason: told(reason) }),
    ...(current?.errorMessage !== undefined && { error: shown(toldIn(current)) }),
    ...(good && { lastGood: good }),
    guards: guardsOf(caches, feed, transports),
    transports,
  }
}

const stateOf = (
  current: Readonly<Response> | undefined,
  feed: Feed,
  transports: ExplainAnswer['transports'],
): string => {
  if (current !== undefined) return 'error'
  const { absence } = feed
  if (absence !== undefined) return absence.code === 'STALE_VALUE' ? 'stale' : 'refused'
  return transports.some(({ isWanted }) => isWanted === false) ? 'unwanted' : 'waiting'
}

/** @param served - what is served now, which may come from a store that is shared with others */
const lastGood = (
  { cache }: AnyAdapter,
  key: string,
  served: Readonly<Response> | undefined,
): ExplainAnswer['lastGood'] => {
  const entry = localLayerOf(cache)?.lastGood(key)
  const response = served ?? entry?.value
  if (response === undefined) return undefined
  const { providerDataReceivedUnixMs: received, providerIndicatedTimeUnixMs: indicated } =
    response.timestamps ?? {}
  const now = Date.now()
  const source = memberOf(response.meta, 'transportName')
  return {
    response: shown(response),
    ...(typeof source === 'string' && { source }),
    ...(received !== undefined && { receivedUnixMs: received, ageMs: Math.max(0, now - received) }),
    ...(indicated !== undefined && { indicatedUnixMs: indicated, ageByProviderMs: now - indicated }),
    lifeLeftMs: entry === undefined ? 0 : lifeLeftOf(entry),
  }
}

const lifeLeftOf = ({
  expirationTimestamp: unixMs,
  endsAtMs: monotonicMs,
}: LocalCacheEntry<unknown>): number => Math.max(0, Math.round(leftMs({ unixMs, monotonicMs }, instant())))

const guardsOf = (
  caches: Caches,
  feed: Feed,
  transports: ExplainAnswer['transports'],
): ExplainAnswer['guards'] => {
  const { policy, guards, freshness, limits } = caches.inspectionOf(feed)
  const { refusal, flags, sets } = feed
  const accepted = flags === undefined ? 'accepted' : 'flagged'
  const unrefused = sets > 0 ? accepted : 'none'
  const refused: Record<string, number> = {}
  for (const { name } of transports) Object.assign(refused, caches.refusalsOf(name).all)
  return {
    policy,
    declared: shown(guards),
    ...(freshness && { freshness: shown(freshness) }),
    ...(limits && { limits: shown(limits) }),
    last: refusal === undefined ? unrefused : 'refused',
    ...(flags && { flags: [...flags] }),
    ...(refusal && { refusal: told(refusal) }),
    refused,
  }
}

const partsOf = (
  transport: Transport<EndpointGenerics>,
  name: string,
): (readonly [string, Transport<EndpointGenerics>])[] => [...(childrenOf(transport) ?? [[name, transport]])]

const partOf = (
  name: string,
  part: Transport<EndpointGenerics>,
  params: Record<string, unknown>,
  key: string,
): ExplainAnswer['transports'][number] => {
  const isWanted = wantedIn(part, key)
  const outage: Reason | undefined = outageOf(part, params)
  const subscription = polls(part) && isWanted !== false ? { state: 'polled' } : subscriptionOf(part, params)
  const records = recordsOf(part)
  const record = records?.ask(part.responseCache.feed(name, params).key)
  const note = record === undefined ? 'begun' : 'kept'
  return {
    name,
    ...(isWanted !== undefined && { isWanted }),
    ...(isWanted !== false && subscription && { subscription }),
    ...(outage && { outage: told(outage) }),
    connections: redactStrings(linksOf(part)),
    ...(record && { record }),
    records: RECORD_NOTES[records === undefined ? 'none' : note],
  }
}

/** Undefined where the wanted feeds are not in this process, or the author keeps them. */
const wantedIn = (transport: Transport<EndpointGenerics>, key: string): boolean | undefined => {
  const set: unknown = transport instanceof SubscriptionTransport ? transport.subscriptionSet : undefined
  return set instanceof ExpiringSortedSet ? set.has(key) : undefined
}
