import { Adapter, AdapterEndpoint, EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import {
  WebSocketTransport,
  WebSocketUrlConfigFunctionParameters,
} from '@chainlink/external-adapter-framework/transports'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'First URL', type: 'string', default: 'wss://first.failover.example' },
  WS_API_ENDPOINT_2: { description: 'Second URL', type: 'string', default: 'wss://second.failover.example' },
})

const inputParameters = new InputParameters({
  symbol: { required: true, type: 'string', description: 'Symbol' },
})

type WsTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: { symbol: string; price: number } }
}

export const counters: number[] = []

/** The counter is 1 at the first connection: three attempts each, then the other one. */
export const chooseUrl = (
  context: EndpointContext<WsTypes>,
  _desired: unknown[],
  { streamHandlerInvocationsWithNoConnection }: WebSocketUrlConfigFunctionParameters,
): string => {
  counters.push(streamHandlerInvocationsWithNoConnection)
  const { WS_API_ENDPOINT, WS_API_ENDPOINT_2 } = context.adapterSettings
  const zeroBased = Math.max(0, streamHandlerInvocationsWithNoConnection - 1)
  return Math.floor(zeroBased / 3) % 2 === 0 ? WS_API_ENDPOINT : WS_API_ENDPOINT_2
}

export const transport = new WebSocketTransport<WsTypes>({
  url: chooseUrl,
  handlers: {
    message: ({ symbol, price }) => [
      { params: { symbol }, response: { result: price, data: { result: price } } },
    ],
  },
  builders: {
    subscribeMessage: ({ symbol }) => symbol,
    unsubscribeMessage: () => undefined,
  },
})

export const adapter = new Adapter({
  name: 'FAILOVER',
  defaultEndpoint: 'price',
  config,
  endpoints: [new AdapterEndpoint({ name: 'price', transport, inputParameters })],
})
