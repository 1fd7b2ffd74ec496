import { type ConnectionStatus } from '../connections/connection-status'
import { type Reason } from '../validation/reason'
import { type Listeners } from '../util/listeners'
import { type WakeSignal } from '../util/wake-signal'
import { type RawRecords } from './raw-records'
import { type Transport, type TransportGenerics } from './transport'

export const WAKE: unique symbol = Symbol('tickwell.wake')
export const OUTAGE: unique symbol = Symbol('tickwell.outage')
export const FEED_OUTAGE: unique symbol = Symbol('tickwell.feed-outage')
export const STALL: unique symbol = Symbol('tickwell.stall')
export const FAILURES: unique symbol = Symbol('tickwell.failures')
export const SEEN: unique symbol = Symbol('tickwell.seen')
export const CONNECTIONS: unique symbol = Symbol('tickwell.connections')
export const CHILDREN: unique symbol = Symbol('tickwell.children')
export const STANDBY: unique symbol = Symbol('tickwell.standby')
export const POLLS: unique symbol = Symbol('tickwell.polls')
export const LINKS: unique symbol = Symbol('tickwell.links')
export const RECORDS: unique symbol = Symbol('tickwell.records')
export const SUBSCRIPTION: unique symbol = Symbol('tickwell.subscription')
export const IS_WAITING: unique symbol = Symbol('tickwell.is-waiting')
export const GOODBYE: unique symbol = Symbol('tickwell.goodbye')
export const OPEN: unique symbol = Symbol('tickwell.open')
export const LEAVE: unique symbol = Symbol('tickwell.leave')

/**
 * How a transport that polls the provider learns which of its feeds other transports fill: it requests only the feeds for which `isNeeded`
 * is true. Call the function that it returns when that may have changed, so that it checks at once.
 */
export type Standby = (isNeeded: (params: Record<string, unknown>) => boolean) => () => void

/** The {@link Standby} of a transport; undefined for those that cannot stand by. */
export const standbyOf = (transport: object): Standby | undefined => {
  const capable = of(transport)
  return capable[STANDBY]?.bind(capable)
}

/** The signal that ends a transport's sleep early; undefined for transports without one. */
export const wakeSignalOf = (transport: object): WakeSignal | undefined => of(transport)[WAKE]

/** How far the subscription of one feed is, as its transport knows it. */
export interface SubscriptionState {
  /** `wanted`: to be asked for. `sent`: asked for. `acknowledged`: the provider has said so. `ticking`: data has come since. */
  state: 'wanted' | 'sent' | 'acknowledged' | 'ticking' | 'refused' | 'leaving' | 'polled'
  sinceUnixMs?: number
  /** How often it was asked for without an answer. */
  asked?: number
  /** Whether it is on another connection than the main one, or kept off it. */
  isElsewhere?: boolean
}

/** Nothing can come for a feed before the next attempt is made. */
export interface Stall {
  reason: Reason
  /** How long it is until that attempt, in ms. */
  leftMs: number
  /** Whether that attempt is not expected to help. */
  isLasting: boolean
}

/** Optional abilities of a transport that are not part of the contract. */
interface Capable {
  [WAKE]?: WakeSignal
  [POLLS]?: true
  [GOODBYE]?: () => Promise<void> | undefined
  [LEAVE]?: () => void
  [OPEN]?: (context: never) => Promise<void>
  [IS_WAITING]?: () => boolean
  [SUBSCRIPTION]?: (params: object) => SubscriptionState | undefined
  [LINKS]?: () => ConnectionStatus[]
  [RECORDS]?: RawRecords
  [CHILDREN]?: ReadonlyMap<string, object>
  [CONNECTIONS]?: () => ConnectionStatus[]
  [OUTAGE]?: Reason
  [FEED_OUTAGE]?: (params: object) => Reason | undefined
  [STALL]?: (params: object) => Stall | undefined
  [FAILURES]?: Listeners
  [SEEN]?: (params: object) => Reason | undefined
  [STANDBY]?: Standby
}

const of = (transport: object): Capable => transport

/** Whether a transport asks its provider for every value, so that its rate is ours to decide. */
export const polls = (transport: object): boolean => of(transport)[POLLS] === true

/**
 * Tells the provider by a request that nothing is wanted any more, before the requests end. Undefined where there is nothing to tell. It
 * resolves within a short time, and never rejects.
 */
export const sayGoodbye = (transport: object): Promise<void> | undefined => of(transport)[GOODBYE]?.()

/** Whether a transport is of no use unless it can listen where it is to. */
export const listens = (transport: object): boolean => of(transport)[OPEN] !== undefined

/**
 * Begins to listen where a transport is to, before its background work begins.
 *
 * @throws ConfigError where it cannot
 */
export const open = async (transport: object, context: object): Promise<void> => {
  await of(transport)[OPEN]?.(context as never)
}

/** Ends the connection of a stream, which opens another one when it is run again, and the requests of one that polls. */
export const leaveConnection = (transport: object): void => of(transport)[LEAVE]?.()

/** Whether a transport's run waits for answers, or for its turn within a rate limit, which may take long. */
export const isWaiting = (transport: object): boolean => of(transport)[IS_WAITING]?.() === true

/** How far the subscription of a feed is; undefined where the transport does not say, or has none. */
export const subscriptionOf = (transport: object, params: object): SubscriptionState | undefined =>
  of(transport)[SUBSCRIPTION]?.(params)

/** The connections of one transport for who looks into it: also those that `/status` does not show. */
export const linksOf = (transport: object): ConnectionStatus[] =>
  of(transport)[LINKS]?.() ?? of(transport)[CONNECTIONS]?.() ?? []

/** Where a transport keeps what the provider sent; undefined for those that do not show it. */
export const recordsOf = (transport: object): RawRecords | undefined => of(transport)[RECORDS]

/** What is wrong with a transport's requests for the feed of these params, or else with its connection; undefined if it reports nothing. */
export const outageOf = (transport: object, params?: object): Reason | undefined => {
  const ailing = of(transport)
  return (params && ailing[FEED_OUTAGE]?.(params)) ?? ailing[OUTAGE]
}

/** Why nothing can come for a feed for a while; undefined where something may come at any time, or an attempt is due or under way. */
export const stallOf = (transport: object, params: object): Stall | undefined =>
  of(transport)[STALL]?.(params)

/** Told whenever an attempt of the transport to get something may have failed: after each that did, and after each pass of a stream. */
export const failuresOf = (transport: object): Listeners | undefined => of(transport)[FAILURES]

/**
 * What was seen of a feed for which nothing has come, where nothing else is known to be wrong. It is no outage: only a client that waits
 * for the feed is told.
 */
export const seenOf = (transport: object, params: object): Reason | undefined => of(transport)[SEEN]?.(params)

/** The transports, by name, that must be run instead of the transport that is made of them; undefined for all other transports. */
export const childrenOf = <T extends TransportGenerics>(
  transport: Transport<T>,
): ReadonlyMap<string, Transport<T>> | undefined =>
  (transport as { [CHILDREN]?: ReadonlyMap<string, Transport<T>> })[CHILDREN]

/** A transport, or all that it is made of. */
export const childrenIn = (transport: object): object[] => [
  ...(of(transport)[CHILDREN]?.values() ?? [transport]),
]

/** The connections that a transport shows; for one that is made of others, those that they show. */
export const connectionsOf = (transport: object): ConnectionStatus[] => {
  const children = of(transport)[CHILDREN]
  if (children !== undefined) return [...children.values()].flatMap(connectionsOf)
  return of(transport)[CONNECTIONS]?.() ?? []
}
