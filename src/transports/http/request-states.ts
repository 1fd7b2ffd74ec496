import { goingOn, type Reason } from '../../validation/reason'

/** What is known of one request to the provider, by its key. */
interface State {
  pending: number
  answeredAtUnixMs: number | undefined
  outage: Reason | undefined
}

/**
 * What became of each request, for the clients of its feeds that wait: which request is whose is known by the feed's identity. Holds no
 * more than what was last asked for.
 */
export class RequestStates {
  private readonly states = new Map<string, State>()
  private keyOfFeed = new Map<string, string>()

  began(key: string, feeds: string[]): void {
    for (const feed of feeds) this.keyOfFeed.set(feed, key)
    const state = this.states.get(key)
    if (state === undefined)
      this.states.set(key, { pending: 1, answeredAtUnixMs: undefined, outage: undefined })
    else state.pending += 1
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

  failed(key: string, outage: Omit<Reason, 'sinceUnixMs'>): void {
    const state = this.states.get(key)
    if (state === undefined) return
    state.outage = goingOn(state.outage, outage)
  }

  /** What a feed's request failed with last, or that it was answered without a value for the feed. */
  outageOf(feed: string): ({ key: string } & Pick<State, 'outage' | 'answeredAtUnixMs'>) | undefined {
    const key = this.keyOfFeed.get(feed)
    const state = key === undefined ? undefined : this.states.get(key)
    return key === undefined || state === undefined ? undefined : { key, ...state }
  }

  /** What is wrong with all requests there are; undefined when any is well. */
  get common(): Reason | undefined {
    const states = [...this.states.values()]
    return states.every(({ outage }) => outage !== undefined) ? states[0]?.outage : undefined
  }

  get pendingKeys(): string[] {
    return [...this.states].filter(([, { pending }]) => pending > 0).map(([key]) => key)
  }

  /** Forgets the requests that are over and of which nobody asks any more. */
  retain(isKept: (key: string) => boolean): void {
    for (const [key, { pending }] of this.states) if (pending === 0 && !isKept(key)) this.states.delete(key)
    for (const [feed, key] of this.keyOfFeed) if (!this.states.has(key)) this.keyOfFeed.delete(feed)
  }
}
