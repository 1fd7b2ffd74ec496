import { Adapter, AdapterEndpoint } from '../../../src/public/adapter'
import { AdapterConfig } from '../../../src/public/config'
import { type Said, WebSocketTransport } from '../../../src/public/transports'
import { type SingleNumberResultResponse } from '../../../src/public/util'
import { InputParameters } from '../../../src/public/validation'
import { type ProviderConnection, serve, type WsProvider } from '../../../src/testing'
import { type Config } from './support'

/**
 * What the venue does with a subscribe: `mute` subscribes without an answer, `lose` does not even do that, `deaf` subscribes and never sends
 * anything, `close` ends the connection.
 */
export type Manner = 'accept' | 'refuse' | 'mute' | 'lose' | 'deaf' | 'close'

type Message =
  | { yes: string; ch?: number }
  | { no: string }
  | { dup: string; ch?: number }
  | { ended: string | number }
  | { of: string | number; price: number }
  | { still: string | number }
  | { alive: true }

export interface Sent {
  op: 'sub' | 'unsub'
  id: number
  s: string[]
  ch?: number
}

/** Each symbol has its own price, so that no value can pass for another's. */
export const priceOf = (symbol: string): number => 1_000 + Number(symbol.slice(1))

/** A provider with its own idea of what is subscribed: by symbol, or by the numbers of channels. */
export class Venue {
  mannerOf: (symbol: string, connection: ProviderConnection) => Manner = () => 'accept'
  /** Whether it says the number of a channel that was subscribed before. */
  saysNumberOfDup = true
  readonly sent: (Sent & { connection: number })[] = []
  private readonly books = new Map<ProviderConnection, Map<string, number>>()
  private lastChannel = 0

  constructor(
    readonly provider: WsProvider,
    readonly hasNumbers: boolean,
  ) {
    provider.onConnection((connection) => void this.books.set(connection, new Map()))
    provider.onMessage((text, connection) => {
      const message = JSON.parse(text) as Sent
      if (!this.books.has(connection)) return
      if (message.op === 'sub' && message.s.some((symbol) => this.mannerOf(symbol, connection) === 'close'))
        return this.kill(connection)
      this.sent.push({ ...message, connection: connection.index })
      for (const answer of message.op === 'sub'
        ? this.subscribe(message, connection)
        : this.end(message, connection))
        connection.send(answer)
    })
  }

  /** What is subscribed on open connections, each as often as it is. */
  get subscribed(): string[] {
    return this.open.flatMap(([, book]) => [...book.keys()]).sort()
  }

  get open(): [ProviderConnection, Map<string, number>][] {
    return [...this.books].filter(([connection]) => connection.isOpen)
  }

  /** Every subscription brings its price, or is confirmed. */
  tick(kind: 'of' | 'still' = 'of'): void {
    for (const [connection, book] of this.open) {
      connection.send({ alive: true })
      for (const [symbol, ch] of book) {
        if (this.mannerOf(symbol, connection) === 'deaf') continue
        const name = this.hasNumbers ? ch : symbol
        connection.send(kind === 'of' ? { of: name, price: priceOf(symbol) } : { still: name })
      }
    }
  }

  /** Ends a connection, and all that is subscribed on it. */
  kill(connection: ProviderConnection): void {
    this.books.delete(connection)
    connection.destroy()
  }

  /** Forgets a subscription without a word. */
  forget(symbol: string): void {
    for (const [, book] of this.books) book.delete(symbol)
  }

  private subscribe({ s }: Sent, connection: ProviderConnection): Message[] {
    return s.flatMap((symbol): Message[] => {
      const book = this.books.get(connection) ?? new Map<string, number>()
      const known = book.get(symbol)
      const number = (ch: number) => (this.hasNumbers ? { ch } : {})
      if (known !== undefined) return [{ dup: symbol, ...(this.saysNumberOfDup ? number(known) : {}) }]
      const manner = this.mannerOf(symbol, connection)
      if (manner === 'refuse') return [{ no: symbol }]
      if (manner === 'lose') return []
      const ch = ++this.lastChannel
      book.set(symbol, ch)
      return manner === 'mute' ? [] : [{ yes: symbol, ...number(ch) }]
    })
  }

  private end({ s, ch }: Sent, connection: ProviderConnection): Message[] {
    const book = this.books.get(connection)!
    if (!this.hasNumbers) {
      for (const symbol of s) book.delete(symbol)
      return s.map((symbol) => ({ ended: symbol }))
    }
    for (const [symbol, channel] of book) if (channel === ch) book.delete(symbol)
    return ch === undefined ? [] : [{ ended: ch }]
  }
}

/** What a test may declare beside the batches. */
type Declared = Pick<Config, 'limits' | 'makeBeforeBreak'>

const makeAdapter = (hasNumbers: boolean, declared: Declared) => {
  const config = new AdapterConfig({
    WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', required: true },
  })
  const inputParameters = new InputParameters({
    s: { description: 'Symbol', type: 'string', required: true },
  })
  type Types = {
    Parameters: typeof inputParameters.definition
    Response: SingleNumberResultResponse
    Settings: typeof config.settings
    Provider: { WsMessage: Message }
  }
  const answer = (message: Message): Said<Types> | undefined => {
    if ('yes' in message) return { accepted: [[message.yes, message.ch]] }
    if ('no' in message) return { refused: [[message.no, `${message.no} is not listed`]] }
    if ('dup' in message) return { already: [[message.dup, message.ch]] }
    if ('ended' in message) return { ended: [message.ended] }
    if ('still' in message) return { confirmed: [message.still] }
    if ('alive' in message) return { isAlive: true }
    return { values: [[message.of, { result: message.price, data: { result: message.price } }]] }
  }
  const transport = new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    ...declared,
    batches: {
      symbolOf: ({ s }) => s,
      size: hasNumbers ? 1 : 3,
      session: () => ({
        subscribe: (s, { id }) => ({ op: 'sub', id, s }),
        unsubscribe: (s, { id, channels: [ch] }) =>
          hasNumbers && ch === undefined ? undefined : { op: 'unsub', id, s, ...(hasNumbers && { ch }) },
        answer,
      }),
    },
  })
  const price = new AdapterEndpoint({
    name: 'price',
    transport,
    inputParameters,
    caseSensitive: true,
    freshness: { mode: 'confirmed', maxAgeMs: 60_000, hardMaxAgeMs: 3_600_000 },
  })
  return new Adapter({ name: 'BATCH', defaultEndpoint: 'price', config, endpoints: [price] })
}

export const startBatching = (
  { provider, hasNumbers }: Venue,
  env: Record<string, string> = {},
  declared: Declared = {},
) =>
  serve(() => makeAdapter(hasNumbers, declared), {
    env: {
      WS_API_ENDPOINT: provider.url,
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_MAX_MS: '3000',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
      CACHE_POLLING_MAX_RETRIES: '0',
      ...env,
    },
  })
