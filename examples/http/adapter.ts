/**
 * Quarry prices: one request for up to 100 assets, and a plan that limits requests.
 *
 * Units: a price is in quote units, `asOf` is Unix seconds.
 */
import { Adapter, AdapterEndpoint } from 'tickwell/adapter'
import { AdapterConfig } from 'tickwell/config'
import { HttpTransport } from 'tickwell/transports'
import { type SingleNumberResultResponse, splitArrayIntoChunks } from 'tickwell/util'
import { InputParameters } from 'tickwell/validation'

const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://api.quarry.example' },
  API_KEY: { description: 'Key from the Quarry console', type: 'string', required: true, sensitive: true },
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
  Provider: {
    RequestBody: { pairs: string[] }
    ResponseBody: { prices: Record<string, { price: number; asOf: number } | { error: string }> }
  }
}

const nameOf = ({ base, quote }: Pair) => `${base}/${quote}`

const makeTransport = () =>
  new HttpTransport<Types>({
    prepareRequests: (params, { API_ENDPOINT, API_KEY }) =>
      splitArrayIntoChunks(params, 100).map((chunk) => ({
        params: chunk,
        request: {
          baseURL: API_ENDPOINT,
          url: '/prices',
          method: 'POST',
          headers: { 'x-api-key': API_KEY },
          data: { pairs: chunk.map(nameOf) },
        },
      })),
    parseResponse: (params, { data: { prices } }) =>
      params.map((pair) => {
        const found = prices[nameOf(pair)] ?? { error: `Quarry has no price of ${nameOf(pair)}` }
        if ('error' in found)
          return { params: pair, response: { statusCode: 502, errorMessage: found.error } }
        const { price: result, asOf } = found
        const timestamps = { providerIndicatedTimeUnixMs: asOf * 1_000 }
        return { params: pair, response: { result, data: { result }, timestamps } }
      }),
  })

const makePrice = () =>
  new AdapterEndpoint({
    name: 'price',
    aliases: ['crypto'],
    transport: makeTransport(),
    inputParameters,
    caseSensitive: true,
    guards: { min: 0, maxAgeMs: 120_000 },
  })

/** An adapter can be started once. Each test makes its own. */
export const makeAdapter = () =>
  new Adapter({
    name: 'QUARRY',
    defaultEndpoint: 'price',
    endpoints: [makePrice()],
    config,
    rateLimiting: {
      tiers: {
        free: { rateLimit1m: 10, note: 'https://quarry.example/plans' },
        pro: { rateLimit1s: 5 },
      },
    },
  })

export const adapter = makeAdapter()
