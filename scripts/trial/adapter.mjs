/**
 * A small adapter on the framework whose folder TRIAL_FRAMEWORK names, as an author would write it: one endpoint over WebSocket, HTTP or
 * SSE (TRIAL_KIND), with the guards of TRIAL_GUARDS if there are any. What a provider says of a symbol is passed on as it is.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { TRIAL_FRAMEWORK: framework, TRIAL_PROVIDER: provider, TRIAL_KIND, TRIAL_GUARDS } = process.env
const require = createRequire(import.meta.url)
const load = (name) => require(join(framework, name))

const { expose } = load('index.js')
const { Adapter, AdapterEndpoint } = load('adapter')
const { HttpTransport, SseTransport, WebSocketTransport } = load('transports')
const { InputParameters } = load('validation')

const responseOf = ({ result, time, data }) => ({
  result,
  data: { result, ...data },
  timestamps: { providerIndicatedTimeUnixMs: time },
})
const resultOf = (tick) => ({ params: { symbol: tick.symbol }, response: responseOf(tick) })
const symbolsOf = (params) => params.map(({ symbol }) => symbol)

const transports = {
  ws: () =>
    new WebSocketTransport({
      url: () => provider,
      handlers: { message: (tick) => [resultOf(tick)] },
      builders: {
        subscribeMessage: ({ symbol }) => ({ op: 'subscribe', symbol }),
        unsubscribeMessage: ({ symbol }) => ({ op: 'unsubscribe', symbol }),
      },
    }),
  http: () =>
    new HttpTransport({
      prepareRequests: (params) =>
        params.map((one) => ({
          params: [one],
          request: { baseURL: provider, url: '/price', params: { symbol: one.symbol } },
        })),
      parseResponse: (params, { data }) => params.map((one) => resultOf({ ...data, symbol: one.symbol })),
    }),
  sse: () =>
    new SseTransport({
      prepareSSEConnectionConfig: () => ({ url: `${provider}/stream` }),
      prepareSubscriptionRequest: (params) => subscription('subscribe', params),
      prepareUnsubscriptionRequest: (params) => subscription('unsubscribe', params),
      eventListeners: [{ type: 'tick', parseResponse: ({ data }) => [resultOf(JSON.parse(data))] }],
    }),
}
const subscription = (op, params) => ({
  method: 'POST',
  baseURL: provider,
  url: `/${op}`,
  data: symbolsOf(params),
})

const endpoint = new AdapterEndpoint({
  name: 'price',
  transport: transports[TRIAL_KIND](),
  inputParameters: new InputParameters({
    symbol: { description: 'What the provider calls it', type: 'string', required: true },
  }),
  ...(TRIAL_GUARDS === undefined ? {} : { guards: JSON.parse(TRIAL_GUARDS) }),
})

await expose(new Adapter({ name: 'TRIAL', defaultEndpoint: 'price', endpoints: [endpoint] }))
