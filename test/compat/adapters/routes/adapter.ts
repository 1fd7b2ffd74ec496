import { Adapter, AdapterEndpoint } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import {
  HttpTransport,
  TransportRoutes,
  WebSocketTransport,
} from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { AdapterInputError } from '@chainlink/external-adapter-framework/validation/error'

export const config = new AdapterConfig({
  API_ENDPOINT: { description: 'REST URL', type: 'string', default: 'https://rest.routes.example' },
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.routes.example' },
  WS_ENABLED: { description: 'Whether streams are used', type: 'boolean', default: false },
})

const inputParameters = new InputParameters({
  symbol: { required: true, type: 'string', description: 'Symbol' },
  venue: { type: 'string', options: ['lit', 'dark'], default: 'lit', description: 'Where it is traded' },
})

type BaseEndpointTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}

const rest = new HttpTransport<
  BaseEndpointTypes & { Provider: { RequestBody: never; ResponseBody: { last: number } } }
>({
  prepareRequests: (params, settings) =>
    params.map((param) => ({
      params: [param],
      request: {
        baseURL: settings.API_ENDPOINT,
        url: `/quotes/${param.symbol}`,
        params: { venue: param.venue },
      },
    })),
  parseResponse: ([params], { data }) => [
    { params, response: { result: data.last, data: { result: data.last } } },
  ],
})

const ws = new WebSocketTransport<
  BaseEndpointTypes & { Provider: { WsMessage: { symbol: string; venue: 'lit' | 'dark'; last: number } } }
>({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  handlers: {
    message: ({ symbol, venue, last }) => [
      { params: { symbol, venue }, response: { result: last, data: { result: last } } },
    ],
  },
  builders: {
    subscribeMessage: (params) => ({ subscribe: params }),
    unsubscribeMessage: (params) => ({ unsubscribe: params }),
  },
})

const endpoint = new AdapterEndpoint({
  name: 'quote',
  aliases: ['stock'],
  transportRoutes: new TransportRoutes<BaseEndpointTypes>().register('ws', ws).register('rest', rest),
  defaultTransport: 'rest',
  customRouter: (req, settings) => {
    if (req.requestContext.data.venue === 'dark') return 'rest'
    return settings.WS_ENABLED ? 'ws' : (undefined as unknown as string)
  },
  customInputValidation: (req) =>
    req.requestContext.data.symbol.length > 8
      ? new AdapterInputError({
          statusCode: 400,
          message: `symbol ${req.requestContext.data.symbol} is too long`,
        })
      : undefined,
  inputParameters,
})

export const adapter = new Adapter({ name: 'ROUTES', config, endpoints: [endpoint] })
