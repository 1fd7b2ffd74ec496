import {
  PoRAdapter,
  PoRAddress,
  PoRAddressEndpoint,
  PoRAddressResponse,
  PoRProviderEndpoint,
  PoRProviderResponse,
} from '@chainlink/external-adapter-framework/adapter/por'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { EmptyInputParameters } from '@chainlink/external-adapter-framework/validation/input-params'

export const config = new AdapterConfig(
  {
    API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.por.example' },
  },
  { envDefaultOverrides: { CACHE_MAX_AGE: 120_000 } },
)

const inputParameters = new InputParameters({
  network: { type: 'string', required: true, description: 'Chain' },
  chainId: { type: 'string', default: 'mainnet', description: 'Net of the chain' },
})

interface Custody {
  wallets: { chain: string; address: string; memo?: string }[]
}

const addresses = new HttpTransport<{
  Parameters: typeof inputParameters.definition
  Response: PoRAddressResponse
  Settings: typeof config.settings
  Provider: { RequestBody: never; ResponseBody: Custody }
}>({
  prepareRequests: (params, settings) =>
    params.map((param) => ({
      params: [param],
      request: { baseURL: settings.API_ENDPOINT, url: '/custody' },
    })),
  parseResponse: ([params], { data }) => {
    const result: PoRAddress[] = data.wallets
      .filter(({ chain }) => chain === params.network)
      .map(({ address }) => ({ address, network: params.network, chainId: params.chainId }))
    if (result.length === 0) {
      const errorMessage = `no addresses on ${params.network}`
      return [{ params, response: { errorMessage, statusCode: 502 } }]
    }
    return [{ params, response: { result: null, data: { result } } }]
  },
})

const reserves = new HttpTransport<{
  Parameters: EmptyInputParameters
  Response: PoRProviderResponse
  Settings: typeof config.settings
  Provider: { RequestBody: never; ResponseBody: { total: string; ripcord: boolean } }
}>({
  prepareRequests: (params, settings) => ({
    params,
    request: { baseURL: settings.API_ENDPOINT, url: '/reserves' },
  }),
  parseResponse: (params, { data }) => {
    const result = Number(data.total)
    return params.map((param) => ({
      params: param,
      response: { result, data: { result, ripcord: data.ripcord } },
    }))
  },
})

export const adapter = new PoRAdapter({
  name: 'POR_ADDRESSES',
  config,
  endpoints: [
    new PoRAddressEndpoint({ name: 'address', aliases: ['wallets'], transport: addresses, inputParameters }),
    new PoRProviderEndpoint({ name: 'reserves', transport: reserves }),
  ],
})
