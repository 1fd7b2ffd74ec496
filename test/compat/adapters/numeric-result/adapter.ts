import { Adapter } from '@chainlink/external-adapter-framework/adapter'
import { NumericResultEndpoint } from '@chainlink/external-adapter-framework/adapter/numeric-result'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import {
  isProviderError,
  SingleNumberResultResponse,
  validateResultNumber,
} from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.numeric.example' },
})

const inputParameters = new InputParameters({
  index: { required: true, type: 'string', description: 'Index' },
})

type HttpTransportTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { RequestBody: never; ResponseBody: Record<string, unknown> }
}

const makeTransport = (isChecked: boolean) =>
  new HttpTransport<HttpTransportTypes>({
    prepareRequests: (params, settings) => ({
      params,
      request: { baseURL: settings.API_ENDPOINT, url: '/indexes' },
    }),
    parseResponse: (params, { data }) =>
      params.map((param) => {
        const value = data[param.index]
        if (!isChecked) {
          return { params: param, response: { result: value as number, data: { result: value as number } } }
        }
        const checked = validateResultNumber(value, `No level for ${param.index}`, { acceptZeroValue: false })
        if (isProviderError(checked)) {
          return { params: param, response: checked }
        }
        return { params: param, response: { result: checked.result, data: { result: checked.result } } }
      }),
  })

export const strict = new NumericResultEndpoint({
  name: 'strict',
  transport: makeTransport(false),
  inputParameters,
  acceptZeroValue: false,
})

export const adapter = new Adapter({
  name: 'NUMERIC',
  defaultEndpoint: 'level',
  config,
  endpoints: [
    new NumericResultEndpoint({ name: 'level', transport: makeTransport(false), inputParameters }),
    strict,
    new NumericResultEndpoint({ name: 'checked', transport: makeTransport(true), inputParameters }),
  ],
})
