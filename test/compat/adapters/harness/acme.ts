import {
  Adapter,
  PriceEndpoint,
  priceEndpointInputParametersDefinition,
} from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { WebSocketTransport } from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

const config = new AdapterConfig({
  API_ENDPOINT: { description: 'Streaming URL', type: 'string', required: true },
})

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: { s: string; p: number; t: number } | { s: string; refused: true } }
}

const symbolOf = ({ base, quote }: typeof inputParameters.validated) => `${base}/${quote}`

const makeTransport = () =>
  new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.API_ENDPOINT,
    handlers: {
      message(message) {
        const [base = '', quote = ''] = message.s.split('/')
        const params = { base, quote }
        if ('refused' in message)
          return [{ params, response: { statusCode: 502, errorMessage: `there is no ${message.s}` } }]
        const { p: result, t } = message
        const timestamps = { providerIndicatedTimeUnixMs: t }
        return [{ params, response: { result, data: { result }, timestamps } }]
      },
    },
    builders: {
      subscribeMessage: (params) => ({ op: 'subscribe', s: [symbolOf(params)] }),
      unsubscribeMessage: (params) => ({ op: 'unsubscribe', s: [symbolOf(params)] }),
    },
  })

export const makeAcme = () =>
  new Adapter({
    name: 'ACME',
    defaultEndpoint: 'price',
    config,
    endpoints: [
      new PriceEndpoint({ name: 'price', transport: makeTransport(), inputParameters, guards: {} }),
    ],
  })
