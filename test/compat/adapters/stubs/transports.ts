import { EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { SubscriptionDeltas } from '@chainlink/external-adapter-framework/transports/abstract/streaming'
import { WebSocketTransport } from '@chainlink/external-adapter-framework/transports/websocket'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.stubs.example' },
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.stubs.example' },
  BATCH: { description: 'Symbols in one message', type: 'number', default: 2 },
})

const inputParameters = new InputParameters({
  base: { required: true, type: 'string', description: 'Base asset' },
  quote: { required: true, type: 'string', description: 'Quote asset' },
})

type Params = typeof inputParameters.validated

type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}

export type WsTypes = BaseEndpointTypes & {
  Provider: { WsMessage: { base: string; quote: string; price: number; time: number } }
}

export type HttpTypes = BaseEndpointTypes & {
  Provider: { RequestBody: never; ResponseBody: { price: number } }
}

const symbols = (params: Params[]) => params.map(({ base, quote }) => `${base}-${quote}`)

export const makeWsTransport = () =>
  new WebSocketTransport<WsTypes>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    handlers: {
      message: ({ base, quote, price, time }) => [
        {
          params: { base, quote },
          response: {
            result: price,
            data: { result: price },
            timestamps: { providerIndicatedTimeUnixMs: time },
          },
        },
      ],
    },
    builders: {
      customSubscriptionMessages: (
        context: EndpointContext<WsTypes>,
        deltas: SubscriptionDeltas<Params>,
      ): unknown[] => {
        const messages: unknown[] = []
        if (deltas.stale.length > 0) messages.push({ op: 'remove', symbols: symbols(deltas.stale) })
        const fresh = symbols(deltas.new)
        for (let i = 0; i < fresh.length; i += context.adapterSettings.BATCH) {
          messages.push({ op: 'add', symbols: fresh.slice(i, i + context.adapterSettings.BATCH) })
        }
        return messages
      },
    },
  })

export const makeHttpTransport = () =>
  new HttpTransport<HttpTypes>({
    prepareRequests: (params, settings) =>
      params.map((param) => ({
        params: [param],
        request: { baseURL: settings.API_ENDPOINT, url: '/price', params: param },
      })),
    parseResponse: ([params], { data }) => [
      { params, response: { result: data.price, data: { result: data.price } } },
    ],
  })
