import { type WakeSignal } from '../util/wake-signal'

/** Why a transport has no values to give right now, for the clients that wait for one. */
export interface Outage {
  code: string
  message: string
  sinceUnixMs: number
  nextAttemptUnixMs?: number
}

export const WAKE: unique symbol = Symbol('tickwell.wake')
export const OUTAGE: unique symbol = Symbol('tickwell.outage')

/** The signal that ends a transport's sleep early, for transports that have one. */
export const wakeSignalOf = (transport: object): WakeSignal | undefined =>
  (transport as { [WAKE]?: WakeSignal })[WAKE]

/** What is wrong with a transport's connection, if it says. */
export const outageOf = (transport: object): Outage | undefined =>
  (transport as { [OUTAGE]?: Outage })[OUTAGE]
