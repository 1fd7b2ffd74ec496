import { canonicalJson } from '../util/canonical-json'
import { type ExpiringSortedSet } from './expiring-sorted-set'

/** What a streaming transport has to do: contract 10.3. */
export type SubscriptionDeltas<T> = {
  /** All feeds that are wanted now. */
  desired: T[]
  /** Wanted feeds that are not subscribed yet. */
  new: T[]
  /** Subscribed feeds that are no longer wanted. */
  stale: T[]
}

/** Names a feed by its params: all spellings of the same params have the same name. */
export type Identify = (params: unknown) => string

const identifier = (isCaseSensitive: boolean): Identify => {
  const identities = new WeakMap<object, string>()
  return (params) => {
    if (typeof params !== 'object' || params === null) return String(params)
    let identity = identities.get(params)
    if (identity === undefined) identities.set(params, (identity = canonicalJson(params, isCaseSensitive)))
    return identity
  }
}

/** For endpoints where params that differ only in letter case are the same feed. */
export const identify: Identify = identifier(false)
const identifyExactly: Identify = identifier(true)

/** The naming that an endpoint uses. */
export const identifierFor = (isCaseSensitive: boolean): Identify =>
  isCaseSensitive ? identifyExactly : identify

/**
 * The difference between wanted and subscribed feeds. Feeds are compared by name, so that two clients that spell one feed differently do
 * not make the transport unsubscribe and subscribe again and again.
 */
export const diff = <T>(
  desired: T[],
  subscribed: T[],
  identityOf: Identify = identify,
): SubscriptionDeltas<T> => {
  const have = new Set(subscribed.map(identityOf))
  const want = new Set<string>()
  const fresh: T[] = []
  for (const params of desired) {
    const identity = identityOf(params)
    if (!have.has(identity) && !want.has(identity)) fresh.push(params)
    want.add(identity)
  }
  return { desired, new: fresh, stale: subscribed.filter((params) => !want.has(identityOf(params))) }
}

/**
 * The same difference, kept up to date by a set's changes and not computed anew: where nothing has changed it costs nothing, even with
 * thousands of feeds. What was returned once is returned again until {@link settle} is called.
 */
export class DeltaTracker<T> {
  private readonly due = { new: new Map<string, T>(), stale: new Map<string, T>() }

  constructor(private readonly set: ExpiringSortedSet<T>) {}

  take(desired: T[]): SubscriptionDeltas<T> {
    const { added, removed } = this.set.takeChanges()
    for (const [key, params] of removed) if (!this.due.new.delete(key)) this.due.stale.set(key, params)
    for (const [key, params] of added) if (!this.due.stale.delete(key)) this.due.new.set(key, params)
    return { desired, new: [...this.due.new.values()], stale: [...this.due.stale.values()] }
  }

  /** Everything that was returned so far has reached the provider. */
  settle(): void {
    this.due.new.clear()
    this.due.stale.clear()
  }
}
