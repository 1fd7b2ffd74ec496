import { type GuardReason } from '../../../feeds/guards'
import { type ProviderResult } from '../../../feeds/responses'
import { type TypeFromDefinition } from '../../../validation/input-parameters'
import {
  type WebSocketTransportConfig,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from '../config'

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

/** What the provider calls a feed in a message: the symbol that we asked with, or the number of the channel that it gave for it. */
export type FeedName = string | number

/** A symbol that is subscribed, with the number of its channel where the provider gives one. */
export type Acceptance = string | readonly [symbol: string, channel: number | undefined]

/** A feed that is refused, in the provider's words. `quota`: not the symbol is at fault, but a limit of the provider. */
export type SubscriptionRefusal = readonly [name: FeedName, words: string, kind?: 'symbol' | 'quota']

/**
 * What one message of the provider says. Each member stands for itself, and those that a message does not speak of are left out. Names of
 * feeds that nobody wants are ignored.
 */
export interface Said<T extends WebsocketTransportGenerics> {
  /** New values, as `handlers.message` would return them, by the name of their feed. */
  values?: Iterable<readonly [name: FeedName, response: ProviderResult<T>['response']]>
  /** Data without a value that could be served. It is counted, and is the reason of a feed that has no other value. */
  unusable?: Iterable<readonly [name: FeedName, why: GuardReason]>
  /** Subscribed, as we asked. */
  accepted?: Iterable<Acceptance>
  /** The provider says that it is subscribed already. It counts as accepted, also without the number of its channel. */
  already?: Iterable<Acceptance>
  /** Whether `accepted` is everything that is subscribed on this connection. What is missing in it then was forgotten or refused. */
  isWhole?: boolean
  /** Refused. Its clients get these words, unless a value lives still; it is asked for again after a minute, and then less often. */
  refused?: Iterable<SubscriptionRefusal>
  /** Unsubscribed, as we asked. Only needed where channels have numbers. */
  ended?: Iterable<FeedName>
  /**
   * The last value of this feed on this connection still stands. Its life is extended, as far as the endpoint's freshness allows. A feed
   * without any value is known to have none: it is listed, but nothing has been traded.
   */
  confirmed?: Iterable<FeedName>
  /** There is something newer than the last value of this feed, and we were not sent it. If it does not come soon, it is asked for again. */
  missed?: Iterable<FeedName>
  /** Whether the message shows that the connection works, although it has nothing of the above. */
  isAlive?: boolean
  /** Words that concern no feed. They are logged, each once a minute, and told to clients as long as nothing has been accepted. */
  notice?: unknown
  /** Why no prices move from now on: no value of this connection is served until it is restarted, and clients get these words. */
  paused?: string
  /** Why everything has to be subscribed again on a new connection. */
  restart?: string
}

/** Beside the symbols, what a message can be made of. */
export interface Asking {
  /** A number that no other message of this transport has, for providers that repeat it in their answer. */
  id: number
  /** The numbers of the channels of the symbols, in the same order. A channel that is ours by mistake comes without a symbol. */
  channels: readonly (number | undefined)[]
}

/** One connection's conversation with the provider. What it remembers ends with the connection. */
export interface Session<T extends WebsocketTransportGenerics> {
  /** The message that subscribes these symbols. An object is sent as JSON, a string as it is. */
  subscribe(symbols: string[], asking: Asking): unknown
  /**
   * The message that unsubscribes them. Undefined where it cannot be said yet, because the number of the channel is not known: then it is
   * sent after the answer to the subscribe.
   */
  unsubscribe(symbols: string[], asking: Asking): unknown
  /**
   * What a message says. If it throws, only this message is lost.
   *
   * @param asked - gives the symbols of a message of ours that have no answer yet, by its `id`
   */
  answer(
    message: T['Provider']['WsMessage'],
    asked: (id: number | string | undefined) => string[],
  ): Said<T> | undefined
  /** A message to be sent every `WS_HEARTBEAT_INTERVAL_MS`, for providers that want or answer pings. */
  ping?(asking: Pick<Asking, 'id'>): unknown
}

/**
 * How feeds are subscribed at a provider that answers. The framework keeps for each symbol whether it was asked for, accepted, and is
 * ticking. What is not answered, or is accepted and then silent, is asked for again; what is refused is told to clients. So a wanted feed
 * always has a value, or a reason why it has none.
 */
export interface Batches<T extends WebsocketTransportGenerics> {
  /** The provider's symbol for a feed. Feeds with the same symbol share a subscription. */
  symbolOf: (params: Params<T>) => string
  /** The most symbols in a message. Default 1. */
  size?: number
  /** How long to wait for an answer before a symbol is asked for again, in ms; each further time twice as long. Default 15 000. */
  ackWithinMs?: number
  /** How long an accepted symbol may be without data before it is asked for again, by itself, in ms. Default 15 000; thin markets 60 000. */
  firstDataMs?: number
  /** Called for each new connection. */
  session: () => Session<T>
}

/** The config of a transport with {@link Batches}: they take the place of `builders` and of `handlers.message`. */
export type BatchedTransportConfig<T extends WebsocketTransportGenerics> = (
  | Omit<WebSocketTransportConfig<T>, 'handlers' | 'builders'>
  | Omit<WebSocketUrlsConfig<T>, 'handlers' | 'builders'>
) & {
  handlers?: Omit<WebSocketTransportConfig<T>['handlers'], 'message'>
  batches: Batches<T>
}
