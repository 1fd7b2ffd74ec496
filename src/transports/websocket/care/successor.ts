import { ResponseCache } from '../../../feeds/response-cache'
import { type Identify } from '../../../feeds/delta'
import { isObject } from '../../../util/objects'
import { monotonicMs } from '../../../util/clock'
import { WakeSignal } from '../../../util/wake-signal'
import { type EndpointContext } from '../../transport'
import { type WebsocketTransportGenerics } from '../config'
import { type Params } from './care'
import { Lane, type LaneListener, type LaneMaker } from './lane'
import { type Tally } from './silence'

/** What a successor needs to know of its transport. */
export interface SuccessorHost<T extends WebsocketTransportGenerics> {
  maker: LaneMaker<T>
  idOf: (params: Params<T>) => string
  /** What stands for a feed where its values are kept, however its params are written. */
  feedOf: (params: Params<T>) => unknown
  /** Where the writes for a feed are counted; undefined where they are not. */
  tallyOf: (params: Params<T>) => Tally | undefined
  /** How long something is waited for from each feed after the last of them was subscribed. */
  firstDataMs: number
}

/** Names feeds by the ids that they have anyway where their values are noted by themselves, so that no further texts are kept for them. */
export const identityIn = (cache: unknown, transportName: string, usual: Identify): Identify => {
  if (!(cache instanceof ResponseCache) || !cache.hasOwnFeeds(transportName)) return usual
  return (params) => (isObject(params) ? cache.feed(transportName, params).feedId : usual(params))
}

/** How the feeds of a transport are told apart, and how often each was written, where its values are noted by themselves. */
export const feedsOf = <T extends WebsocketTransportGenerics>(
  cache: unknown,
  transportName: string,
  idOf: (params: Params<T>) => string,
): Pick<SuccessorHost<T>, 'idOf' | 'feedOf' | 'tallyOf'> => {
  if (!(cache instanceof ResponseCache) || !cache.hasOwnFeeds(transportName))
    return { idOf, feedOf: idOf, tallyOf: () => undefined }
  const feedOf = (params: Params<T>) => cache.feed(transportName, params)
  return { idOf, feedOf, tallyOf: feedOf }
}

/**
 * A connection that comes up beside another, to take its place (CN-8): it is opened, everything is subscribed on it, and it is up when
 * something has come for each feed. Values that come meanwhile are written, as those of the other one are.
 */
export class Successor<T extends WebsocketTransportGenerics> {
  readonly lane: Lane<T>
  /** What is subscribed on it. */
  readonly feeds = new Map<string, Params<T>>()
  /** Feeds that nothing has come for, and how often each had been written when it was subscribed. */
  private readonly missing = new Map<unknown, { params: Params<T>; writes: number | undefined }>()
  private readonly news = new WakeSignal()
  private isSent = false
  private isOver = false
  private isSending = false

  constructor(
    private readonly host: SuccessorHost<T>,
    context: EndpointContext<T>,
    listener: LaneListener<T> = {},
  ) {
    const heard = (feeds: readonly Params<T>[]) => this.heard(feeds)
    this.lane = new Lane(host.maker, context, {
      ...listener,
      onHeard: heard,
      onAccepted: (feeds) => {
        listener.onAccepted?.(feeds)
        heard(feeds)
      },
    })
    void this.lane.over.then(() => {
      this.isOver = true
      this.news.wake()
    })
  }

  /**
   * Opens it and subscribes everything.
   *
   * @param open - opens its lane
   * @throws Error when it cannot be opened, closes, or brings nothing of what the other one brings. It is then to be closed
   */
  async rise(feeds: readonly Params<T>[], open: () => Promise<void>): Promise<void> {
    await open()
    for (const params of feeds) {
      this.feeds.set(this.host.idOf(params), params)
      this.missing.set(this.host.feedOf(params), { params, writes: this.host.tallyOf(params)?.sets })
    }
    const sent = this.lane.change([...feeds])
    this.isSent = true
    await sent
    await this.proven()
    if (this.isOver || !this.lane.isOpen) throw new Error('The provider closed the next connection')
    const lacking = [...this.missing.values()].filter((one) => this.isBroughtElsewhere(one)).length
    if (lacking > 0) throw new Error(`The next connection brought nothing for ${lacking} feeds that tick`)
  }

  /** Whether it is open, and everything was subscribed on it, as far as the limit of messages allows. */
  get isSubscribed(): boolean {
    return this.isSent && this.lane.isOpen
  }

  /** Makes it match what is wanted now. Feeds that are new are not waited for. */
  async follow(wanted: readonly Params<T>[]): Promise<void> {
    if (this.isSending || !this.lane.isOpen || this.feeds.size === 0) return
    this.isSending = true
    try {
      const { fresh, stale } = this.difference(wanted)
      for (const params of stale) {
        this.feeds.delete(this.host.idOf(params))
        this.missing.delete(this.host.feedOf(params))
      }
      for (const params of fresh) this.feeds.set(this.host.idOf(params), params)
      if (this.missing.size === 0) this.news.wake()
      await this.lane.change(fresh, stale)
    } finally {
      this.isSending = false
    }
  }

  /** What would have to be subscribed and unsubscribed on it now. */
  difference(wanted: readonly Params<T>[]): { fresh: Params<T>[]; stale: Params<T>[] } {
    const ids = new Set(wanted.map((params) => this.host.idOf(params)))
    return {
      fresh: wanted.filter((params) => !this.feeds.has(this.host.idOf(params))),
      stale: [...this.feeds].flatMap(([id, params]) => (ids.has(id) ? [] : [params])),
    }
  }

  private heard(feeds: readonly Params<T>[]): void {
    if (this.missing.size === 0) return
    for (const params of feeds) this.missing.delete(this.host.feedOf(params))
    if (this.missing.size === 0) this.news.wake()
  }

  private async proven(): Promise<void> {
    const endMs = monotonicMs() + this.host.firstDataMs
    for (;;) {
      this.news.clear()
      const leftMs = endMs - monotonicMs()
      if (this.isOver || this.missing.size === 0 || leftMs <= 0) return
      await this.news.wait(leftMs)
    }
  }

  private isBroughtElsewhere({ params, writes }: { params: Params<T>; writes: number | undefined }): boolean {
    return writes !== undefined && (this.host.tallyOf(params)?.sets ?? 0) > writes
  }
}
