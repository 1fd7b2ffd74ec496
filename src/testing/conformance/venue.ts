import { type AnyAdapter } from '../../adapter/adapter'
import { type Variables } from '../env'
import { type StreamEvent } from '../event-stream'
import { type HttpAnswer } from '../http-answer'
import { type Outgoing } from '../provider-connection'
import { type ProviderRequest } from '../provider-request'
import { type CheckName } from './check-names'

/** One thing with a price: what clients ask the adapter for, and what the adapter asks the provider for. */
export interface VenueFeed {
  params: object
  symbol: string
}

/** What a provider says of a symbol. */
export interface Quote {
  /** A number when all is well. Put it where the last price, the bid and the ask are, as it is or as text. */
  price: unknown
  /** The provider's own time, in Unix ms. */
  timeMs: number
}

/** What a message, or a request, of the adapter is about. */
export interface Ask<Message> {
  subscribe?: readonly string[]
  unsubscribe?: readonly string[]
  /** What is said to it besides, such as the answer to a ping or a login. */
  reply?: readonly Message[]
}

/** How a provider talks on one connection. It may remember what it needs, such as channel numbers. */
export interface WsDialect {
  /** What it sends as soon as the connection is open. */
  greeting?: () => readonly Outgoing[]
  /** What a text frame of the adapter asks for; undefined: nothing. */
  read: (text: string) => Ask<Outgoing> | undefined
  /** What it sends when it takes a subscription; the first price follows. Default: nothing. */
  accept?: (symbol: string, text: string) => readonly Outgoing[]
  /** What it sends when it does not have the symbol. Default: nothing. */
  refuse?: (symbol: string, text: string) => readonly Outgoing[]
  price: (symbol: string, quote: Quote) => Outgoing
}

/** How a provider talks over server-sent events. */
export interface SseDialect {
  /** What a request is about, that of the stream among them (whose URL may name symbols). */
  read: (request: ProviderRequest) => Ask<StreamEvent> | undefined
  accept?: (symbol: string) => readonly StreamEvent[]
  refuse?: (symbol: string) => readonly StreamEvent[]
  price: (symbol: string, quote: Quote) => StreamEvent
}

/** How a provider answers requests. */
export interface HttpDialect {
  /** The symbols that a request is for. */
  read: (request: ProviderRequest) => readonly string[]
  /** The answer: quotes by symbol, of those that were asked for and that the provider has. */
  answer: (quotes: ReadonlyMap<string, Quote>, request: ProviderRequest) => HttpAnswer
}

/** An adapter and its provider, as {@link conformance} tries them. */
export type Venue = VenueBase & ({ ws: () => WsDialect } | { sse: SseDialect } | { http: HttpDialect })

export interface VenueBase {
  /** For the titles of the tests. */
  name: string
  /** Makes a new adapter each time: one can be started once only. */
  adapter: () => AnyAdapter | Promise<AnyAdapter>
  /** The settings that lead the adapter to the provider on loopback. */
  env: (url: string) => Variables
  /** Two that the provider has. */
  feeds: readonly [VenueFeed, VenueFeed]
  /** One that it does not have, and what clients are told then, where the provider says that. */
  unlisted: VenueFeed & { says?: string }
  /** Where it is not the adapter's default endpoint. */
  endpoint?: string
  /** How many symbols one request or message may have, and the n-th of any number of feeds. Without it the size of batches is not tried. */
  batch?: { size: number; feed: (n: number) => VenueFeed }
  /** How long a wait lasts before it fails, in real ms. Default 20 000. */
  guardMs?: number
  /** Checks that cannot hold here, each with the reason. No test is made of them. */
  except?: Partial<Record<CheckName, string>>
}
