import {
  ForexPriceEndpoint,
  IncludesFile,
  PriceAdapter,
  PriceEndpoint,
  priceEndpointInputParametersDefinition,
} from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import includes from './includes.json'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.includes.example' },
})

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { RequestBody: { pairs: string[] }; ResponseBody: Record<string, number> }
}

const makeTransport = () =>
  new HttpTransport<Types>({
    prepareRequests: (params, settings) => ({
      params,
      request: {
        method: 'POST',
        baseURL: settings.API_ENDPOINT,
        url: '/pairs',
        data: { pairs: params.map(({ base, quote }) => `${base}${quote}`) },
      },
    }),
    parseResponse: (params, { data }) =>
      params.map((param) => {
        const result = data[`${param.base}${param.quote}`]
        return result === undefined
          ? { params: param, response: { statusCode: 502, errorMessage: 'not quoted' } }
          : { params: param, response: { result, data: { result } } }
      }),
  })

const overrides = { ETHEREUM: 'ETH' }

export const adapter = new PriceAdapter({
  name: 'PRICE_INCLUDES',
  defaultEndpoint: 'price',
  config,
  endpoints: [
    new PriceEndpoint({ name: 'price', transport: makeTransport(), inputParameters, overrides }),
    new ForexPriceEndpoint({ name: 'forex', transport: makeTransport(), inputParameters }),
  ],
  includes: includes as IncludesFile,
})
