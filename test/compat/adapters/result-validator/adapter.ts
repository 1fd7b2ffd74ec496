import { Adapter, AdapterEndpoint, EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { SubscriptionTransport } from '@chainlink/external-adapter-framework/transports/abstract/subscription'
import {
  SingleNumberResultResponse,
  sleep,
  TimestampedProviderResult,
} from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  BACKGROUND_EXECUTE_MS: { description: 'Pause between two passes', type: 'number', default: 10 },
})

const inputParameters = new InputParameters({
  level: { required: true, type: 'number', description: 'What comes out' },
})

type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}

class EchoTransport extends SubscriptionTransport<BaseEndpointTypes> {
  getSubscriptionTtlFromConfig(): number {
    return 60_000
  }

  async backgroundHandler(
    context: EndpointContext<BaseEndpointTypes>,
    entries: (typeof inputParameters.validated)[],
  ): Promise<void> {
    const timestamps = {
      providerDataRequestedUnixMs: 1,
      providerDataReceivedUnixMs: 2,
      providerIndicatedTimeUnixMs: undefined,
    }
    const results = entries.map((params) => ({
      params,
      response: { result: params.level, data: { result: params.level }, timestamps },
    }))
    if (results.length > 0) {
      await this.responseCache.write(this.name, results)
    }
    await sleep(context.adapterSettings.BACKGROUND_EXECUTE_MS)
  }
}

class BoundedEndpoint extends AdapterEndpoint<BaseEndpointTypes> {
  limit = 100

  protected override resultValidator(
    result: TimestampedProviderResult<BaseEndpointTypes>,
  ): TimestampedProviderResult<BaseEndpointTypes> {
    const { params, response } = result
    if (params.level < 0) {
      throw new Error('A validator that fails')
    }
    if (response.errorMessage !== undefined || response.result <= this.limit) {
      return result
    }
    const errorMessage = `${response.result} is above ${this.limit}`
    return { params, response: { statusCode: 502, errorMessage, timestamps: response.timestamps } }
  }
}

export const transport = new EchoTransport()
export const plainTransport = new EchoTransport()

export const adapter = new Adapter({
  name: 'VALIDATED',
  defaultEndpoint: 'bounded',
  config,
  endpoints: [
    new BoundedEndpoint({ name: 'bounded', transport, inputParameters }),
    new AdapterEndpoint({ name: 'plain', transport: plainTransport, inputParameters }),
  ],
})
