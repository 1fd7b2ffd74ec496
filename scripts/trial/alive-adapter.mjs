/**
 * A small adapter on the framework whose folder TRIAL_FRAMEWORK names: one endpoint over WebSocket, SSE or HTTP (TRIAL_KIND), which passes
 * on what the provider says of a symbol. TRIAL_DECLARED says in JSON what it declares of its provider: `limits` and `failover` of a
 * WebSocket transport, `urls` in place of one, `tiers` of rate limits. A framework without several URLs gets them as its authors do it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const {
  TRIAL_FRAMEWORK: framework,
  TRIAL_PROVIDER: provider,
  TRIAL_KIND,
  TRIAL_DECLARED = '{}',
} = process.env
const require = createRequire(import.meta.url)
const load = (name) => require(join(framework, name))

const { expose } = load('index.js')
const { Adapter, AdapterEndpoint } = load('adapter')
const { HttpTransport, SseTransport, WebSocketTransport } = load('transports')
const { InputParameters } = load('validation')

const { urls, failover, limits, tiers } = JSON.parse(TRIAL_DECLARED)

const types = join(framework, 'lib/transports/websocket/config.d.ts')
const knowsUrls = existsSync(types) && /\burls\b/.test(readFileSync(types, 'utf8'))

const address = () => {
  if (urls === undefined) return { url: () => provider }
  if (knowsUrls) return { urls, failover }
  const at = ({ streamHandlerInvocationsWithNoConnection: n }) => urls[(n - 1) % urls.length]
  return { url: (_context, _wanted, counted) => at(counted) }
}

const resultOf = ({ symbol, result }) => ({ params: { symbol }, response: { result, data: { result } } })
const subscription = (op, params) => ({
  method: 'POST',
  baseURL: provider,
  url: `/${op}`,
  data: params.map(({ symbol }) => symbol),
})

const transports = {
  ws: () =>
    new WebSocketTransport({
      ...address(),
      ...(limits && { limits }),
      handlers: { message: (said) => ('result' in said ? [resultOf(said)] : undefined) },
      builders: {
        subscribeMessage: ({ symbol }) => ({ op: 'subscribe', symbol }),
        unsubscribeMessage: ({ symbol }) => ({ op: 'unsubscribe', symbol }),
      },
    }),
  sse: () =>
    new SseTransport({
      prepareSSEConnectionConfig: () => ({ url: `${provider}/stream` }),
      prepareSubscriptionRequest: (params) => subscription('subscribe', params),
      prepareUnsubscriptionRequest: (params) => subscription('unsubscribe', params),
      eventListeners: [{ type: 'tick', parseResponse: ({ data }) => [resultOf(JSON.parse(data))] }],
    }),
  http: () =>
    new HttpTransport({
      prepareRequests: (params) =>
        params.map((one) => ({
          params: [one],
          request: { baseURL: provider, url: '/price', params: { symbol: one.symbol } },
        })),
      parseResponse: ([one], { data }) => [resultOf({ symbol: one.symbol, result: data.result })],
    }),
}

const endpoint = new AdapterEndpoint({
  name: 'price',
  transport: transports[TRIAL_KIND](),
  inputParameters: new InputParameters({
    symbol: { description: 'What the provider calls it', type: 'string', required: true },
  }),
})

await expose(
  new Adapter({
    name: 'TRIAL',
    defaultEndpoint: 'price',
    endpoints: [endpoint],
    ...(tiers && { rateLimiting: { tiers } }),
  }),
)
