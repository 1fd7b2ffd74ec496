/**
 * Brook prices: one stream of server-sent events, and requests that subscribe pairs on it.
 *
 * Units: `price` is in quote units, `at` is Unix ms.
 */
import { Adapter, AdapterEndpoint } from 'tickwell/adapter'
import { AdapterConfig } from 'tickwell/config'
import { SseTransport } from 'tickwell/transports'
import { type SingleNumberResultResponse } from 'tickwell/util'
import { InputParameters } from 'tickwell/validation'

const config = new AdapterConfig({
  API_ENDPOINT: { description: 'URL', type: 'string', default: 'https://events.brook.example' },
})

const inputParameters = new InputParameters({
  base: { description: 'Base asset', aliases: ['from'], type: 'string', required: true },
  quote: { description: 'Quote asset', aliases: ['to'], type: 'string', required: true },
})
type Pair = typeof inputParameters.validated

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { RequestBody: Pair[] }
}

const makeTransport = () =>
  new SseTransport<Types>({
    prepareSSEConnectionConfig: (_pairs, { adapterSettings }) => ({
      url: `${adapterSettings.API_ENDPOINT}/prices`,
    }),
    prepareSubscriptionRequest: (pairs, { adapterSettings }) => ({
      baseURL: adapterSettings.API_ENDPOINT,
      url: '/subscribe',
      method: 'POST',
      data: pairs,
    }),
    prepareUnsubscriptionRequest: (pairs, { adapterSettings }) => ({
      baseURL: adapterSettings.API_ENDPOINT,
      url: '/unsubscribe',
      method: 'POST',
      data: pairs,
    }),
    eventListeners: [
      {
        type: 'price',
        parseResponse({ data }) {
          const {
            base,
            quote,
            price: result,
            at,
          } = JSON.parse(String(data)) as Pair & {
            price: number
            at: number
          }
          const timestamps = { providerIndicatedTimeUnixMs: at }
          return [{ params: { base, quote }, response: { result, data: { result }, timestamps } }]
        },
      },
      {
        type: 'refused',
        parseResponse({ data }) {
          const { base, quote, why } = JSON.parse(String(data)) as Pair & { why: string }
          return [{ params: { base, quote }, response: { statusCode: 502, errorMessage: why } }]
        },
      },
    ],
  })

const makePrice = () =>
  new AdapterEndpoint({
    name: 'price',
    transport: makeTransport(),
    inputParameters,
    caseSensitive: true,
    guards: { min: 0, maxAgeMs: 60_000 },
  })

/** An adapter can be started once. Each test makes its own. */
export const makeAdapter = () =>
  new Adapter({
    name: 'BROOK',
    defaultEndpoint: 'price',
    endpoints: [makePrice()],
    config,
    rateLimiting: { tiers: { free: { rateLimit1s: 5 } } },
  })

export const adapter = makeAdapter()
