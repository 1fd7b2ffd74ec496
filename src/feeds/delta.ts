import { canonicalJson } from '../util/canonical-json'
import { type ExpiringSortedSet } from './expiring-sorted-set'

/** What a streaming transport has to do: contract 10.3. */
export type SubscriptionDeltas<T> = {
  /** All feeds that are wanted now. */
  desired: T[]
  /** Those of them that have not been subscribed yet. */
  new: T[]
  /** Subscribed, and wanted no longer. */
  stale: T[]
}

/** Names a feed by its params, the same for all spellings of them. */
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

/** Letter case does not make another feed. */
export const identify: Identify = identifier(false)
const identifyExactly: Identify = identifier(true)

/** How the feeds of an endpoint are told apart. */
export const identifierFor = (isCaseSensitive: boolean): Identify =>
  isCaseSensitive ? identifyExactly : identify

/**
 * The difference between what is wanted and what is subscribed, feed by feed: two clients that spell one differently cause no subscribing
 * to and fro.
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
 * The same difference, kept up to date from a set's changes instead of computed: an idle look costs nothing, whatever the number of
 * feeds. What was handed out stays due until {@link settle} says that it was done.
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

  /** Everything handed out so far has reached the provider. */
  settle(): void {
    this.due.new.clear()
    this.due.stale.clear()
  }
}
