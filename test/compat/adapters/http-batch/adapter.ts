import { Adapter, AdapterEndpoint } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  API_ENDPOINT: {
    description: 'Where prices come from',
    type: 'string',
    default: 'https://prices.batch.example',
  },
  API_KEY: { description: 'Key of the account', type: 'string', required: true, sensitive: true },
})

export const inputParameters = new InputParameters(
  {
    base: { aliases: ['from', 'coin'], required: true, type: 'string', description: 'Base asset' },
    quote: { aliases: ['to', 'market'], default: 'USD', type: 'string', description: 'Quote asset' },
  },
  [{ base: 'ETH', quote: 'USD' }],
)

interface Price {
  symbol: string
  currency: string
  price?: number
  updated?: number
  problem?: string
}

export type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}

export type HttpTransportTypes = BaseEndpointTypes & {
  Provider: { RequestBody: never; ResponseBody: { prices: Price[] } }
}

export const transport = new HttpTransport<HttpTransportTypes>({
  prepareRequests: (params, settings) => {
    const quotes = [...new Set(params.map(({ quote }) => quote.toUpperCase()))]
    return quotes.map((quote) => {
      const group = params.filter((param) => param.quote.toUpperCase() === quote)
      return {
        params: group,
        request: {
          baseURL: settings.API_ENDPOINT,
          url: '/v1/prices',
          headers: { 'x-api-key': settings.API_KEY },
          params: { symbols: [...new Set(group.map(({ base }) => base.toUpperCase()))].join(','), quote },
        },
      }
    })
  },
  parseResponse: (params, response) =>
    params.map((param) => {
      const found = response.data.prices.find(
        ({ symbol, currency }) =>
          symbol === param.base.toUpperCase() && currency === param.quote.toUpperCase(),
      )
      if (found?.price === undefined) {
        const errorMessage = found?.problem ?? `no price for ${param.base}/${param.quote}`
        return { params: param, response: { statusCode: 502, errorMessage } }
      }
      return {
        params: param,
        response: {
          result: found.price,
          data: { result: found.price },
          timestamps: { providerIndicatedTimeUnixMs: found.updated },
        },
      }
    }),
})

export const endpoint = new AdapterEndpoint({
  name: 'price',
  aliases: ['crypto'],
  transport,
  inputParameters,
})

export const adapter = new Adapter({
  name: 'HTTP_BATCH',
  defaultEndpoint: 'price',
  config,
  endpoints: [endpoint],
  rateLimiting: { tiers: { free: { rateLimit1m: 1, note: 'one a minute' }, pro: { rateLimit1s: 10 } } },
})
