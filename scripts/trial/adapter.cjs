/**
 * A small adapter as an author would write it: one endpoint over WebSocket, HTTP or SSE (TRIAL_KIND), with the guards of TRIAL_GUARDS if
 * there are any. What a provider says of a symbol is passed on as it is. Run as a program it is exposed, on the framework whose folder
 * TRIAL_FRAMEWORK names; a service of several workers has it among its own adapters.
 */
'use strict'
const { join } = require('node:path')

const { TRIAL_FRAMEWORK, TRIAL_PROVIDER: provider, TRIAL_KIND, TRIAL_GUARDS } = process.env

const responseOf = ({ result, time, data }) => ({
  result,
  data: { result, ...data },
  timestamps: { providerIndicatedTimeUnixMs: time },
})
const resultOf = (tick) => ({ params: { symbol: tick.symbol }, response: responseOf(tick) })
const symbolsOf = (params) => params.map(({ symbol }) => symbol)
const subscription = (op, params) => ({
  method: 'POST',
  baseURL: provider,
  url: `/${op}`,
  data: symbolsOf(params),
})

const transports = {
  ws: ({ WebSocketTransport }) =>
    new WebSocketTransport({
      url: () => provider,
      handlers: { message: (tick) => [resultOf(tick)] },
      builders: {
        subscribeMessage: ({ symbol }) => ({ op: 'subscribe', symbol }),
        unsubscribeMessage: ({ symbol }) => ({ op: 'unsubscribe', symbol }),
      },
    }),
  http: ({ HttpTransport }) =>
    new HttpTransport({
      prepareRequests: (params) =>
        params.map((one) => ({
          params: [one],
          request: { baseURL: provider, url: '/price', params: { symbol: one.symbol } },
        })),
      parseResponse: (params, { data }) => params.map((one) => resultOf({ ...data, symbol: one.symbol })),
    }),
  sse: ({ SseTransport }) =>
    new SseTransport({
      prepareSSEConnectionConfig: () => ({ url: `${provider}/stream` }),
      prepareSubscriptionRequest: (params) => subscription('subscribe', params),
      prepareUnsubscriptionRequest: (params) => subscription('unsubscribe', params),
      eventListeners: [{ type: 'tick', parseResponse: ({ data }) => [resultOf(JSON.parse(data))] }],
    }),
}

/** @param framework - the folder of the package whose adapter it is */
const adapterOn = (framework) => {
  const load = (name) => require(join(framework, name))
  const { Adapter, AdapterEndpoint } = load('adapter')
  const { InputParameters } = load('validation')
  const endpoint = new AdapterEndpoint({
    name: 'price',
    transport: transports[TRIAL_KIND](load('transports')),
    inputParameters: new InputParameters({
      symbol: { description: 'What the provider calls it', type: 'string', required: true },
    }),
    ...(TRIAL_GUARDS === undefined ? {} : { guards: JSON.parse(TRIAL_GUARDS) }),
  })
  return new Adapter({ name: 'TRIAL', defaultEndpoint: 'price', endpoints: [endpoint] })
}

module.exports = { adapterOn }

if (require.main === module)
  void require(join(TRIAL_FRAMEWORK, 'index.js')).expose(adapterOn(TRIAL_FRAMEWORK))
