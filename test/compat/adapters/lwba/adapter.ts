import {
  Adapter,
  DEFAULT_LWBA_ALIASES,
  LwbaEndpoint,
  lwbaEndpointInputParametersDefinition,
  LwbaResponseDataFields,
} from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.lwba.example' },
})

const inputParameters = new InputParameters(lwbaEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
])

type Book = Record<string, { bid?: number; mid?: number; ask?: number }>

const transport = new HttpTransport<{
  Parameters: typeof inputParameters.definition
  Response: LwbaResponseDataFields
  Settings: typeof config.settings
  Provider: { RequestBody: never; ResponseBody: Book }
}>({
  prepareRequests: (params, settings) => ({
    params,
    request: { url: '/books', baseURL: settings.API_ENDPOINT },
  }),
  parseResponse: (params, { data }) =>
    params.map((param) => {
      const { bid, mid, ask } = data[param.base.toUpperCase()] ?? {}
      return {
        params: param,
        response: {
          result: null,
          data: { bid: bid as number, mid: mid as number, ask: ask as number },
        },
      }
    }),
})

export const aliases = DEFAULT_LWBA_ALIASES

export const adapter = new Adapter({
  name: 'LWBA',
  config,
  endpoints: [new LwbaEndpoint({ name: 'book', aliases: ['depth'], transport, inputParameters })],
})
