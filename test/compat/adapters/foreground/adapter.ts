import {
  Adapter,
  AdapterEndpoint,
  DEFAULT_TRANSPORT_NAME,
} from '@chainlink/external-adapter-framework/adapter'
import { Cache } from '@chainlink/external-adapter-framework/cache'
import { ResponseCache } from '@chainlink/external-adapter-framework/cache/response'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { Transport, TransportDependencies } from '@chainlink/external-adapter-framework/transports'
import { AdapterRequest, AdapterResponse } from '@chainlink/external-adapter-framework/util'
import { Requester } from '@chainlink/external-adapter-framework/util/requester'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { AdapterError, AdapterInputError } from '@chainlink/external-adapter-framework/validation/error'
import { validator } from '@chainlink/external-adapter-framework/validation/utils'

export const config = new AdapterConfig(
  {
    RPC_URL: {
      description: 'Node',
      type: 'string',
      required: true,
      sensitive: true,
      validate: validator.url(),
    },
    NETWORK_RPC_URL: {
      description: 'Node of a network',
      type: 'string',
      variablePlaceholder: 'NETWORK',
      sensitive: true,
    },
    MODE: { description: 'How to count', type: 'enum', options: ['plain', 'double'], default: 'plain' },
  },
  { envDefaultOverrides: { CACHE_MAX_AGE: 5_000 } },
)

export const inputParameters = new InputParameters({
  contract: { aliases: ['address'], required: true, type: 'string', description: 'Contract' },
  network: { type: 'string', description: 'Network' },
  nocache: { type: 'boolean', default: false, description: 'Ask anew' },
})

type Params = typeof inputParameters.validated

export type EndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: { result: number; block: number } }
  Settings: typeof config.settings
}

export class RpcTransport implements Transport<EndpointTypes> {
  name!: string
  responseCache!: ResponseCache<EndpointTypes>
  requester!: Requester
  cache!: Cache<AdapterResponse<EndpointTypes['Response']>>
  registered: string[] = []

  async initialize(
    dependencies: TransportDependencies<EndpointTypes>,
    _settings: EndpointTypes['Settings'],
    _endpointName: string,
    name: string,
  ): Promise<void> {
    this.responseCache = dependencies.responseCache
    this.requester = dependencies.requester
    this.cache = dependencies.cache as typeof this.cache
    this.name = name
  }

  async registerRequest(req: AdapterRequest<Params>): Promise<void> {
    this.registered.push(req.requestContext.data.contract)
  }

  async foregroundExecute(
    req: AdapterRequest<Params>,
    settings: EndpointTypes['Settings'],
  ): Promise<AdapterResponse<EndpointTypes['Response']> | void> {
    const { contract, network, nocache } = req.requestContext.data
    if (contract === 'later') return
    if (contract === 'broken') throw new Error('the transport is broken')
    const baseURL = network === undefined ? settings.RPC_URL : settings.NETWORK_RPC_URL.get(network)
    if (!baseURL) {
      throw new AdapterInputError({ statusCode: 400, message: `no RPC URL for ${network}` })
    }
    const { response, timestamps } = await this.requester.request<{ value: number; block: number }>(
      `foreground-${contract}`,
      { baseURL, url: `/call/${contract}`, method: 'POST', data: { method: 'value' } },
    )
    if (response.data.value < 0) {
      throw new AdapterError({
        statusCode: 502,
        message: 'a value cannot be negative',
        providerStatusCode: response.status,
      })
    }
    const result = response.data.value * (settings.MODE === 'double' ? 2 : 1)
    const answer = {
      result,
      data: { result, block: response.data.block },
      statusCode: 200,
      timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
    }
    if (!nocache)
      await this.responseCache.write(this.name, [{ params: req.requestContext.data, response: answer }])
    return answer
  }
}

export const transport = new RpcTransport()
export const keyed = new RpcTransport()
export const booted: string[] = []

export const adapter = new Adapter({
  name: 'FOREGROUND',
  defaultEndpoint: 'call',
  config,
  bootstrap: async ({ name, config: { settings } }) => void booted.push(`${name} ${settings.MODE}`),
  endpoints: [
    new AdapterEndpoint({ name: 'call', transport, inputParameters }),
    new AdapterEndpoint({
      name: 'keyed',
      transport: keyed,
      inputParameters,
      cacheKeyGenerator: ({ contract }) => `${DEFAULT_TRANSPORT_NAME}-${String(contract)}`,
    }),
  ],
})
