import {
  CryptoPriceEndpoint,
  PriceAdapter,
  priceEndpointInputParametersDefinition,
} from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { WebSocketTransport } from '@chainlink/external-adapter-framework/transports/websocket'
import { makeLogger, SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

const logger = makeLogger('WsPrice')

export const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.price.example' },
  WS_API_KEY: { description: 'Key of the stream', type: 'string', required: true, sensitive: true },
})

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)

type Message =
  | { type: 'tick'; pair: string; bid: number; ask: number; mid: number; time: number }
  | { type: 'refusal'; pair: string; reason: string }
  | { type: 'hello' }

type WsTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Message }
}

export const transport = new WebSocketTransport<WsTypes>({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  options: ({ adapterSettings }) => ({ headers: { 'x-api-key': adapterSettings.WS_API_KEY } }),
  handlers: {
    message(message) {
      if (message.type === 'hello') {
        logger.debug('greeted')
        return
      }
      const [base, quote] = message.pair.split('/')
      if (message.type === 'refusal') {
        return [{ params: { base, quote }, response: { statusCode: 502, errorMessage: message.reason } }]
      }
      return [
        {
          params: { base, quote },
          response: {
            result: message.mid,
            data: { result: message.mid },
            timestamps: { providerIndicatedTimeUnixMs: message.time },
          },
        },
      ]
    },
  },
  builders: {
    subscribeMessage: ({ base, quote }) => ({ op: 'add', pair: `${base}/${quote}`.toUpperCase() }),
    unsubscribeMessage: ({ base, quote }) => ({ op: 'remove', pair: `${base}/${quote}`.toUpperCase() }),
  },
})

export const endpoint = new CryptoPriceEndpoint({ name: 'spot', transport, inputParameters })

export const adapter = new PriceAdapter({
  name: 'WS_PRICE',
  defaultEndpoint: 'spot',
  config,
  endpoints: [endpoint],
})
