import { EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { calculateHttpRequestKey } from '@chainlink/external-adapter-framework/cache'
import { ResponseCache } from '@chainlink/external-adapter-framework/cache/response'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { TransportDependencies } from '@chainlink/external-adapter-framework/transports'
import { SubscriptionTransport } from '@chainlink/external-adapter-framework/transports/abstract/subscription'
import { makeLogger, SingleNumberResultResponse, sleep } from '@chainlink/external-adapter-framework/util'
import { Requester } from '@chainlink/external-adapter-framework/util/requester'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

const logger = makeLogger('ReserveTransport')

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.keys.example' },
  BACKGROUND_EXECUTE_MS: { description: 'Pause between two passes', type: 'number', default: 1_000 },
})

export const inputParameters = new InputParameters({
  client: { required: true, type: 'string', description: 'Whose reserve' },
  page: { type: 'number', default: 1, description: 'Which page of it' },
})

export type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}
type RequestParams = typeof inputParameters.validated

interface Reserve {
  total: number
}

export class ReserveTransport extends SubscriptionTransport<BaseEndpointTypes> {
  name!: string
  responseCache!: ResponseCache<BaseEndpointTypes>
  requester!: Requester
  settings!: BaseEndpointTypes['Settings']
  endpointName!: string

  async initialize(
    dependencies: TransportDependencies<BaseEndpointTypes>,
    adapterSettings: BaseEndpointTypes['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, transportName)
    this.requester = dependencies.requester
    this.settings = adapterSettings
    this.endpointName = endpointName
  }

  async backgroundHandler(
    context: EndpointContext<BaseEndpointTypes>,
    entries: RequestParams[],
  ): Promise<void> {
    await Promise.all(entries.map(async (param) => this.handleRequest(param)))
    await sleep(context.adapterSettings.BACKGROUND_EXECUTE_MS)
  }

  async handleRequest(param: RequestParams): Promise<void> {
    const requestConfig = {
      baseURL: this.settings.API_ENDPOINT,
      url: `/reserves/${param.client}`,
      params: { page: param.page },
    }
    // The context is written by hand, as most adapters do.
    const requestKey = calculateHttpRequestKey<BaseEndpointTypes>({
      context: { adapterSettings: this.settings, inputParameters, endpointName: this.endpointName },
      data: requestConfig.params,
      transportName: this.name,
    })
    const { response, timestamps } = await this.requester.request<Reserve>(requestKey, requestConfig)
    const result = response.data.total
    if (result < 0) {
      logger.warn(`Reserve of ${param.client} is negative`)
    }
    await this.responseCache.write(this.name, [
      {
        params: param,
        response: {
          result,
          data: { result },
          timestamps: { ...timestamps, providerIndicatedTimeUnixMs: undefined },
        },
      },
    ])
  }

  getSubscriptionTtlFromConfig(adapterSettings: BaseEndpointTypes['Settings']): number {
    return adapterSettings.WARMUP_SUBSCRIPTION_TTL
  }
}
