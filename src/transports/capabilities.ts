import { type ConnectionStatus } from '../connections/connection-status'
import { type Reason } from '../validation/reason'
import { type WakeSignal } from '../util/wake-signal'
import { type Transport, type TransportGenerics } from './transport'

export const WAKE: unique symbol = Symbol('tickwell.wake')
export const OUTAGE: unique symbol = Symbol('tickwell.outage')
export const FEED_OUTAGE: unique symbol = Symbol('tickwell.feed-outage')
export const CONNECTIONS: unique symbol = Symbol('tickwell.connections')
export const CHILDREN: unique symbol = Symbol('tickwell.children')
export const STANDBY: unique symbol = Symbol('tickwell.standby')

/**
 * How a transport that asks the provider again and again is told which of its feeds are filled without it: it asks for no others than those
 * that `isNeeded` says. What it returns tells it to look at once whether that has changed.
 */
export type Standby = (isNeeded: (params: Record<string, unknown>) => boolean) => () => void

/** For transports that can stand by; undefined for all others. */
export const standbyOf = (transport: object): Standby | undefined => {
  const capable = of(transport)
  return capable[STANDBY]?.bind(capable)
}

/** The signal that ends a transport's sleep early, for transports that have one. */
export const wakeSignalOf = (transport: object): WakeSignal | undefined => of(transport)[WAKE]

/** What a transport may be able to do, or to say of itself, beside the contract. */
interface Capable {
  [WAKE]?: WakeSignal
  [CHILDREN]?: ReadonlyMap<string, object>
  [CONNECTIONS]?: () => ConnectionStatus[]
  [OUTAGE]?: Reason
  [FEED_OUTAGE]?: (params: object) => Reason | undefined
  [STANDBY]?: Standby
}

const of = (transport: object): Capable => transport

/** What is wrong with a transport's connection, or with its requests for the feed of these params, if it says. */
export const outageOf = (transport: object, params?: object): Reason | undefined => {
  const ailing = of(transport)
  return (params && ailing[FEED_OUTAGE]?.(params)) ?? ailing[OUTAGE]
}

/** The transports, by name, that are to be run in place of one that is made of them; undefined for all others. */
export const childrenOf = <T extends TransportGenerics>(
  transport: Transport<T>,
): ReadonlyMap<string, Transport<T>> | undefined =>
  (transport as { [CHILDREN]?: ReadonlyMap<string, Transport<T>> })[CHILDREN]

/** The connections that a transport shows, or that those show which it is made of. */
export const connectionsOf = (transport: object): ConnectionStatus[] => {
  const children = of(transport)[CHILDREN]
  if (children !== undefined) return [...children.values()].flatMap(connectionsOf)
  return of(transport)[CONNECTIONS]?.() ?? []
}
