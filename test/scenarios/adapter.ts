import { vi } from 'vitest'
import WebSocket from 'ws'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type AdapterRateLimitTier } from '../../src/outbound-http/tiers'
import { type BaseAdapterSettings } from '../../src/config/settings'
import { type Freshness } from '../../src/feeds/freshness'
import { type GuardOptions } from '../../src/feeds/guards'
import { type ProviderResult, type SingleNumberResultResponse } from '../../src/feeds/responses'
import { WebSocketClassProvider } from '../../src/connections/class-provider'
import { serve, type Served } from '../../src/testing/serve'
import { HttpTransport } from '../../src/transports/http/http-transport'
import { type Transport } from '../../src/transports/transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { type WebSocketTransportConfig } from '../../src/transports/websocket/config'
import { InputParameters } from '../../src/validation/input-parameters'
import { logged, loggerFactory } from '../transports/websocket/support'
import { type Model } from './model'
import { settle, type Time } from './time'
import { VirtualSocket } from './virtual-socket'

export const inputParameters = new InputParameters({
  symbol: { description: 'What the provider calls it', type: 'string', required: true },
})

interface Said {
  s: string
  p: number
  t: number
}

export type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
  Provider: { WsMessage: Said; RequestBody: never; ResponseBody: Said }
}

const result = ({ s: symbol, p, t }: Said): ProviderResult<Types> => ({
  params: { symbol },
  response: { result: p, data: { result: p }, timestamps: { providerIndicatedTimeUnixMs: t } },
})

type Config = WebSocketTransportConfig<Types>

/** A transport for a {@link Venue}. */
export const stream = (url: string | Config['url'], changes: Partial<Config> = {}) =>
  new WebSocketTransport<Types>({
    url: typeof url === 'string' ? () => url : url,
    handlers: { message: (said) => [result(said)] },
    builders: {
      subscribeMessage: ({ symbol }) => `+${symbol}`,
      unsubscribeMessage: ({ symbol }) => `-${symbol}`,
    },
    ...changes,
  })

/** A transport that polls. */
export const poll = (baseURL: string) =>
  new HttpTransport<Types>({
    prepareRequests: (feeds) =>
      feeds.map((one) => ({ params: [one], request: { baseURL, url: '/price', params: one } })),
    parseResponse: (_, { data }) => [result(data)],
  })

export interface Declared {
  guards?: GuardOptions
  freshness?: Freshness
  tiers?: Record<string, AdapterRateLimitTier>
  env?: Record<string, string>
}

const ENV = {
  // Nobody moves the clock while a client waits.
  CACHE_POLLING_MAX_RETRIES: '0',
  BACKGROUND_EXECUTE_MS_WS: '1000',
  WS_SUBSCRIPTION_TTL: '120000',
  CACHE_MAX_AGE: '90000',
}

export type Endpoints = Record<string, Transport<Types>>

/** An adapter that is served in virtual time, and whose every answer is judged. */
export class Client {
  private constructor(
    readonly service: Served,
    private readonly time: Time,
    private readonly model: Model,
  ) {}

  /** @param endpoints - a transport each, by name; the first is the default */
  static async start(endpoints: Endpoints, declared: Declared, time: Time, model: Model): Promise<Client> {
    logged.length = 0
    WebSocketClassProvider.set(VirtualSocket as never)
    const { guards, freshness, tiers, env } = declared
    const make = () =>
      new Adapter({
        name: 'TEST',
        defaultEndpoint: Object.keys(endpoints)[0]!,
        ...(tiers && { rateLimiting: { tiers } }),
        endpoints: Object.entries(endpoints).map(
          ([name, transport]) =>
            new AdapterEndpoint<Types>({
              name,
              transport,
              inputParameters,
              caseSensitive: true,
              ...(guards && { guards }),
              ...(freshness && { freshness }),
            }),
        ),
      })
    const service = await serve(make, { env: { ...ENV, ...env }, dependencies: { loggerFactory } })
    return new Client(service, time, model)
  }

  /**
   * Asks for a feed.
   *
   * @param feed - its name in the model. Default: the symbol
   * @returns whether it has a value; and the answer
   */
  async ask(symbol: string, { endpoint, feed = symbol }: { endpoint?: string; feed?: string } = {}) {
    const answer = await this.service.post({ symbol }, endpoint === undefined ? {} : { endpoint })
    const isFresh = this.model.answered(feed, answer, this.time.trueMs)
    return { isFresh, answer, reason: answer.json?.error?.reason as Reason | undefined }
  }

  /** Asks for each, and counts those with a value. */
  async askAll(symbols: readonly string[], endpoint?: string): Promise<number> {
    let fresh = 0
    for (const symbol of symbols)
      if ((await this.ask(symbol, endpoint === undefined ? {} : { endpoint })).isFresh) fresh++
    return fresh
  }

  /** Stops the adapter. @returns how many timers are left, but those of venues */
  async stop(ofVenues = 0): Promise<number> {
    const stopping = this.service.stop()
    await this.time.pass(3_000)
    await stopping
    await settle()
    WebSocketClassProvider.set(WebSocket)
    return vi.getTimerCount() - ofVenues
  }
}

export interface Reason {
  code: string
  class: string
  message: string
  nextAttemptUnixMs?: number
}

export const symbolsOf = (count: number, prefix = 'S') =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
