import {
  Adapter,
  LwbaEndpoint,
  lwbaEndpointInputParametersDefinition,
  LwbaResponseDataFields,
} from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { AdapterResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { AdapterLWBAError } from '@chainlink/external-adapter-framework/validation/error'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.own-rule.example' },
})

const inputParameters = new InputParameters(lwbaEndpointInputParametersDefinition)

const transport = new HttpTransport<{
  Parameters: typeof inputParameters.definition
  Response: LwbaResponseDataFields
  Settings: typeof config.settings
  Provider: { RequestBody: never; ResponseBody: Record<string, LwbaResponseDataFields['Data']> }
}>({
  prepareRequests: (params, settings) => ({
    params,
    request: { url: '/books', baseURL: settings.API_ENDPOINT },
  }),
  parseResponse: (params, { data }) =>
    params.map((param) => ({
      params: param,
      response: { result: null, data: data[param.base.toUpperCase()] },
    })),
})

/** What is shown to it is asserted by the test. */
export const seen: Readonly<AdapterResponse>[] = []

export const adapter = new Adapter({
  name: 'OWNRULE',
  config,
  endpoints: [
    new LwbaEndpoint({
      name: 'book',
      transport,
      inputParameters,
      customOutputValidation: (output) => {
        seen.push(output)
        const { bid, ask } = output.data as LwbaResponseDataFields['Data']
        if (ask > 2 * bid) {
          throw new AdapterLWBAError({ statusCode: 500, message: 'The spread is too wide' })
        }
        return undefined
      },
    }),
  ],
})
