import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext } from '../transport'
import { type WebsocketTransportGenerics } from './config'
import { WebSocketTransport } from './websocket-transport'
import { monotonicMs } from '../../util/clock'
import { WeighedMap } from '../../feeds/weighed-map'
import { weightOf } from '../../feeds/weight'

/** How long a mapping is kept after its feed is unsubscribed, for messages that come late. */
const KEEP_UNSUBSCRIBED_MS = 60_000
/** The most mappings. A provider that uses a new name in every message must not fill the memory. */
const MAX_MAPPINGS = 100_000

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/**
 * For providers whose messages do not contain the requested params: it relates a value of the provider (an id, a symbol, a channel number)
 * to the params of a feed. A mapping is removed some time after its feed is unsubscribed.
 */
export class WebsocketReverseMappingTransport<
  T extends WebsocketTransportGenerics,
  K,
> extends WebSocketTransport<T> {
  private readonly unsubscribedAt = new Map<string, number>()
  private readonly mappings = new WeighedMap<K, { params: Params<T>; identity: string }>({
    limit: MAX_MAPPINGS,
    bound: 'reverse_mappings',
    room: () => this.knownRoom,
    isUsed: ({ identity }) => !this.unsubscribedAt.has(identity),
  })

  setReverseMapping(value: K, params: Params<T>): void {
    const identity = this.identityOf(params)
    this.mappings.set(value, { params, identity }, weightOf(identity))
  }

  /** The params of the feed for which a value stands. A value without a feed is counted, and logged once per interval. */
  getReverseMapping(value: K): Params<T> | undefined {
    const mapping = this.mappings.get(value)
    if (mapping === undefined) this.refuse('unknown-feed', () => String(value))
    return mapping?.params
  }

  override async streamHandler(
    context: EndpointContext<T>,
    subscriptions: SubscriptionDeltas<Params<T>>,
  ): Promise<void> {
    this.prune(subscriptions)
    await super.streamHandler(context, subscriptions)
  }

  override async shutdown(): Promise<void> {
    await super.shutdown()
    this.mappings.close()
  }

  /** A provider may give the same id or channel number to different feeds on different connections. */
  protected override get isSingle(): boolean {
    return this.config.singleConnection ?? true
  }

  private prune({ new: fresh, stale }: SubscriptionDeltas<Params<T>>): void {
    const now = monotonicMs()
    for (const params of stale) this.unsubscribedAt.set(this.identityOf(params), now)
    if (this.unsubscribedAt.size === 0) return
    for (const params of fresh) this.unsubscribedAt.delete(this.identityOf(params))
    const due = new Set<string>()
    for (const [identity, since] of this.unsubscribedAt)
      if (now - since >= KEEP_UNSUBSCRIBED_MS) due.add(identity)
    if (due.size === 0) return
    for (const identity of due) this.unsubscribedAt.delete(identity)
    for (const [value, { identity }] of this.mappings) if (due.has(identity)) this.mappings.delete(value)
  }
}
