import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type ProviderResult, type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { serve, type Served, type ServeOptions } from '../../../src/testing/serve'
import { type SseTransportConfig } from '../../../src/transports/sse/config'
import { SseTransport } from '../../../src/transports/sse/sse-transport'
import { InputParameters } from '../../../src/validation/input-parameters'

export const inputParameters = new InputParameters({
  base: { description: 'Base asset', type: 'string', required: true },
})

export type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
  Provider: { RequestBody: string[] }
}
export type Params = typeof inputParameters.validated
export type Config = SseTransportConfig<Types>

export interface Tick {
  base: string
  price: number
  t?: number
}

const result = ({ base, price, t }: Tick): ProviderResult<Types> => ({
  params: { base },
  response: {
    result: price,
    data: { result: price },
    ...(t !== undefined && { timestamps: { providerIndicatedTimeUnixMs: t } }),
  },
})

/** A provider with `tick` events that are lists of {@link Tick}, subscribed by lists of symbols. */
export const config = (url: string | (() => string), changes: Partial<Config> = {}): Config => {
  const base = () => new URL(typeof url === 'string' ? url : url()).origin
  const post = (path: string, feeds: Params[]) => ({
    url: `${base()}${path}`,
    method: 'POST',
    data: feeds.map((feed) => feed.base),
  })
  return {
    prepareSSEConnectionConfig: () => ({ url: typeof url === 'string' ? url : url() }),
    prepareSubscriptionRequest: (feeds) => post('/subscribe', feeds),
    prepareUnsubscriptionRequest: (feeds) => post('/unsubscribe', feeds),
    eventListeners: [
      { type: 'tick', parseResponse: ({ data }) => (JSON.parse(String(data)) as Tick[]).map(result) },
    ],
    ...changes,
  }
}

/** Everything that was logged in this file since it was emptied. */
export const logged: { level: string; args: unknown[]; text: string }[] = []

const child = () =>
  Object.fromEntries(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
      level,
      (...args: unknown[]) =>
        void logged.push({ level, args, text: String(typeof args[0] === 'string' ? args[0] : args[1]) }),
    ]),
  )

const loggerFactory = { child } as unknown as NonNullable<
  NonNullable<ServeOptions['dependencies']>['loggerFactory']
>

export const linesAt = (...levels: string[]) =>
  logged.filter(({ level }) => levels.includes(level)).map(({ text }) => text)

export const FAST = {
  CACHE_POLLING_MAX_RETRIES: '0',
  RETRY: '0',
  STREAM_HANDLER_RETRY_MIN_MS: '100',
  /** The next pass would be ten seconds away: what comes sooner followed an event. */
  BACKGROUND_EXECUTE_MS_SSE: '10000',
}

export type Running = Served & { transport: SseTransport<Types> }

/** An adapter with one endpoint over server-sent events, running. */
export const start = async (
  of: Config,
  env: Record<string, string> = {},
  dependencies: ServeOptions['dependencies'] = {},
  guardMs?: number,
): Promise<Running> => {
  const transport = new SseTransport<Types>(of)
  const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
  const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  const service = await serve(make, {
    env: { ...FAST, ...env },
    dependencies: { loggerFactory, ...dependencies },
    ...(guardMs && { guardMs }),
  })
  return Object.assign(service, { transport })
}
