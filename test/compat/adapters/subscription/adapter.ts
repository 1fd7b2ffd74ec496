import { Adapter, AdapterEndpoint, EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { calculateHttpRequestKey } from '@chainlink/external-adapter-framework/cache'
import { ResponseCache } from '@chainlink/external-adapter-framework/cache/response'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { TransportDependencies } from '@chainlink/external-adapter-framework/transports'
import { SubscriptionTransport } from '@chainlink/external-adapter-framework/transports/abstract/subscription'
import { AdapterResponse, makeLogger, sleep } from '@chainlink/external-adapter-framework/util'
import { GroupRunner } from '@chainlink/external-adapter-framework/util/group-runner'
import { Requester } from '@chainlink/external-adapter-framework/util/requester'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { AdapterInputError } from '@chainlink/external-adapter-framework/validation/error'

const logger = makeLogger('Subscription')

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.subscription.example' },
  BACKGROUND_EXECUTE_MS: { description: 'Pause between two passes', type: 'number', default: 100 },
  GROUP_SIZE: { description: 'Requests at a time', type: 'number', default: 2 },
})

export const inputParameters = new InputParameters({
  addresses: {
    array: true,
    required: true,
    description: 'What to add up',
    type: { address: { type: 'string', required: true, description: 'Address' } },
  },
  confirmations: { type: 'number', default: 6, description: 'How sure to be' },
})

type RequestParams = typeof inputParameters.validated

export type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: { Result: null; Data: { result: { address: string; balance: string }[] } }
  Settings: typeof config.settings
}

export class BalanceTransport extends SubscriptionTransport<BaseEndpointTypes> {
  name!: string
  responseCache!: ResponseCache<BaseEndpointTypes>
  requester!: Requester
  endpointName!: string
  settings!: BaseEndpointTypes['Settings']

  async initialize(
    dependencies: TransportDependencies<BaseEndpointTypes>,
    adapterSettings: BaseEndpointTypes['Settings'],
    endpointName: string,
    transportName: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, transportName)
    this.requester = dependencies.requester
    this.endpointName = endpointName
    this.settings = adapterSettings
  }

  async backgroundHandler(
    context: EndpointContext<BaseEndpointTypes>,
    entries: RequestParams[],
  ): Promise<void> {
    await Promise.all(entries.map(async (param) => this.handleRequest(context, param)))
    await sleep(context.adapterSettings.BACKGROUND_EXECUTE_MS)
  }

  private async handleRequest(
    context: EndpointContext<BaseEndpointTypes>,
    param: RequestParams,
  ): Promise<void> {
    let response: AdapterResponse<BaseEndpointTypes['Response']>
    try {
      response = await this.balances(context, param)
    } catch (e) {
      const errorMessage = e instanceof Error ? e.message : 'Unknown error occurred'
      logger.error(e, errorMessage)
      response = {
        statusCode: (e as AdapterInputError)?.statusCode || 502,
        errorMessage,
        timestamps: {
          providerDataRequestedUnixMs: 0,
          providerDataReceivedUnixMs: 0,
          providerIndicatedTimeUnixMs: undefined,
        },
      }
    }
    await this.responseCache.write(this.name, [{ params: param, response }])
  }

  private async balances(
    context: EndpointContext<BaseEndpointTypes>,
    param: RequestParams,
  ): Promise<AdapterResponse<BaseEndpointTypes['Response']>> {
    if (param.confirmations < 0) {
      throw new AdapterInputError({ statusCode: 400, message: 'confirmations cannot be negative' })
    }
    const providerDataRequestedUnixMs = Date.now()
    const runner = new GroupRunner(this.settings.GROUP_SIZE)
    const balanceOf = runner.wrapFunction(async (address: string) => {
      const requestConfig = {
        baseURL: this.settings.API_ENDPOINT,
        url: `/balances/${address}`,
        params: { confirmations: param.confirmations },
      }
      const key = calculateHttpRequestKey<BaseEndpointTypes>({
        context,
        data: requestConfig.params,
        transportName: this.name,
      })
      const { response } = await this.requester.request<{ balance: number }>(
        `${key}-${address}`,
        requestConfig,
      )
      return { address, balance: String(response.data.balance) }
    })
    const result = await Promise.all(param.addresses.map(({ address }) => balanceOf(address)))
    return {
      data: { result },
      result: null,
      statusCode: 200,
      timestamps: {
        providerDataRequestedUnixMs,
        providerDataReceivedUnixMs: Date.now(),
        providerIndicatedTimeUnixMs: undefined,
      },
    }
  }

  getSubscriptionTtlFromConfig(adapterSettings: BaseEndpointTypes['Settings']): number {
    return adapterSettings.WARMUP_SUBSCRIPTION_TTL
  }
}

export const adapter = new Adapter({
  name: 'SUBSCRIPTION',
  defaultEndpoint: 'balance',
  config,
  endpoints: [new AdapterEndpoint({ name: 'balance', transport: new BalanceTransport(), inputParameters })],
})
