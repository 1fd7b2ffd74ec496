import { goingOn, type Reason } from '../../validation/reason'

/** What is known about one request to the provider. */
interface State {
  pending: number
  /** For which the request that is pending has been made. */
  feeds: Set<string>
  answeredAtUnixMs: number | undefined
  outage: Reason | undefined
}

/**
 * The outcome of each request, for clients that wait for its feeds. A feed's request is found by the feed's identity. Only requests that
 * are pending, or that the caller retains, are kept.
 */
export class RequestStates {
  private readonly states = new Map<string, State>()
  private keyOfFeed = new Map<string, string>()

  /**
   * @param isShared - whether it gets the outcome of the request that is pending already
   * @returns whether somebody takes that outcome for all of these feeds: then nobody else has to
   */
  began(key: string, feeds: string[], isShared: boolean): boolean {
    for (const feed of feeds) this.keyOfFeed.set(feed, key)
    const state = this.states.get(key)
    if (state === undefined) {
      this.states.set(key, {
        pending: 1,
        feeds: new Set(feeds),
        answeredAtUnixMs: undefined,
        outage: undefined,
      })
      return false
    }
    state.pending += 1
    if (!isShared) state.feeds = new Set()
    const areTaken = feeds.every((feed) => state.feeds.has(feed))
    for (const feed of feeds) state.feeds.add(feed)
    return areTaken
  }

  ended(key: string): void {
    const state = this.states.get(key)
    if (state !== undefined) state.pending -= 1
  }

  answered(key: string): void {
    const state = this.states.get(key)
    if (state === undefined) return
    state.answeredAtUnixMs = Date.now()
    state.outage = undefined
  }

  /** @param outage - without a time since when, it counts from now on */
  failed(key: string, outage: Omit<Reason, 'sinceUnixMs'> & Partial<Reason>): void {
    const state = this.states.get(key)
    if (state === undefined) return
    const { sinceUnixMs = Date.now() } = outage
    state.outage = goingOn(state.outage ?? { ...outage, sinceUnixMs }, outage)
  }

  /** The last failure of a feed's request, or the time when it was answered. */
  outageOf(feed: string): ({ key: string } & Pick<State, 'outage' | 'answeredAtUnixMs'>) | undefined {
    const key = this.keyOfFeed.get(feed)
    const state = key === undefined ? undefined : this.states.get(key)
    return key === undefined || state === undefined ? undefined : { key, ...state }
  }

  /** The reason of the first request if all requests fail; undefined if there are none, or if one did not fail. */
  get common(): Reason | undefined {
    const states = [...this.states.values()]
    return states.every(({ outage }) => outage !== undefined) ? states[0]?.outage : undefined
  }

  get pendingKeys(): string[] {
    return [...this.states].filter(([, { pending }]) => pending > 0).map(([key]) => key)
  }

  /** Forgets the requests that are over and that the caller does not keep. */
  retain(isKept: (key: string) => boolean): void {
    for (const [key, { pending }] of this.states) if (pending === 0 && !isKept(key)) this.states.delete(key)
    for (const [feed, key] of this.keyOfFeed) if (!this.states.has(key)) this.keyOfFeed.delete(feed)
  }
}
