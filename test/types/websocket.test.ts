import { describe, expectTypeOf, it } from 'vitest'
import {
  AdapterEndpoint,
  CryptoPriceEndpoint,
  priceEndpointInputParametersDefinition,
} from '../../src/public/adapter'
import { AdapterConfig } from '../../src/public/config'
import {
  TransportRoutes,
  type WebSocketTransportConfig,
  WebsocketReverseMappingTransport,
  WebSocketTransport,
} from '../../src/public/transports'
import { type SubscriptionDeltas } from '../../src/public/transports/abstract/streaming'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'

const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'URL', type: 'string', default: 'ws://127.0.0.1' },
  API_KEY: { description: 'Key', type: 'string', sensitive: true },
})
const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)
type Message = { base: string; quote: string; price: number }
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Message }
}
type Params = { base: string; quote: string }

const minimal: WebSocketTransportConfig<Types> = {
  url: () => 'ws://127.0.0.1',
  handlers: { message: () => undefined },
}

describe('the types of a WebSocket transport', () => {
  it('come from a config that knows its settings', () => {
    expectTypeOf(config.settings).toHaveProperty('WS_API_ENDPOINT')
  })

  it('give callbacks the adapter’s own settings, params and messages', () => {
    new WebSocketTransport<Types>({
      url: (context, desired, { streamHandlerInvocationsWithNoConnection }) => {
        expectTypeOf(context.adapterSettings).toExtend<typeof config.settings>()
        expectTypeOf(context.adapterSettings.WS_API_ENDPOINT).toEqualTypeOf<string>()
        expectTypeOf(context.adapterSettings.API_KEY).toEqualTypeOf<string | undefined>()
        expectTypeOf(context.adapterSettings.WS_SUBSCRIPTION_TTL).toEqualTypeOf<number>()
        expectTypeOf(desired).toExtend<Params[]>()
        expectTypeOf(streamHandlerInvocationsWithNoConnection).toEqualTypeOf<number>()
        return Promise.resolve('ws://127.0.0.1')
      },
      options: async () => Promise.resolve({ headers: { 'x-key': 'k' } }),
      handlers: {
        open: async (connection) => Promise.resolve(connection.send('hello')),
        heartbeat: (connection) => connection.ping(),
        pong: (_connection, data) => expectTypeOf(data).toEqualTypeOf<Buffer>(),
        close: ({ code, reason, wasClean }) => {
          expectTypeOf({ code, reason, wasClean }).toEqualTypeOf<{
            code: number
            reason: string
            wasClean: boolean
          }>()
        },
        message: (message) => {
          expectTypeOf(message).toEqualTypeOf<Message>()
          const { base, quote, price: result } = message
          const timestamps = { providerIndicatedTimeUnixMs: undefined }
          return [
            { params: { base, quote }, response: { result, data: { result }, timestamps } },
            { params: { base, quote }, response: { statusCode: 502, errorMessage: 'refused' } },
          ]
        },
      },
      builders: {
        subscribeMessage: (params) => {
          expectTypeOf(params).toExtend<Params>()
          return 'subscribe'
        },
      },
    })
  })

  it('take individual builders or one for all messages', () => {
    new WebSocketTransport<Types>({
      ...minimal,
      builders: {
        customSubscriptionMessages: (_context, deltas) => {
          expectTypeOf(deltas).toExtend<SubscriptionDeltas<Params>>()
          return deltas.new.map(({ base }) => base)
        },
      },
    })
    new WebSocketTransport<Types>({ ...minimal, builders: {} })
    new WebSocketTransport<Types>(minimal)
  })

  it('refuse results that do not fit the endpoint', () => {
    type Results = ReturnType<WebSocketTransportConfig<Types>['handlers']['message']>
    const params = { base: 'ETH', quote: 'USD' }
    const results: Results[] = [
      [{ params, response: { result: 1, data: { result: 1 } } }],
      // @ts-expect-error -- the result is a number
      [{ params, response: { result: '1', data: { result: 1 } } }],
      // @ts-expect-error -- quote is required
      [{ params: { base: 'ETH' }, response: { result: 1, data: { result: 1 } } }],
      // @ts-expect-error -- an error needs its status
      [{ params, response: { errorMessage: 'refused' } }],
    ]
    expectTypeOf(results).toBeArray()
    // @ts-expect-error -- there is no transport without a URL
    new WebSocketTransport<Types>({ handlers: minimal.handlers })
  })

  it('relate a provider’s own ids to params', () => {
    const transport = new WebsocketReverseMappingTransport<Types, number>(minimal)
    transport.setReverseMapping(1, { base: 'ETH', quote: 'USD' })
    // @ts-expect-error -- ids of this provider are numbers
    transport.setReverseMapping('1', { base: 'ETH', quote: 'USD' })
    expectTypeOf(transport.getReverseMapping(1)).toExtend<Params | undefined>()
  })

  it('let an endpoint have one transport or several', () => {
    const transport = new WebSocketTransport<Types>(minimal)
    new CryptoPriceEndpoint({ name: 'price', transport, inputParameters })
    const transportRoutes = new TransportRoutes<Types>().register('ws', transport)
    new AdapterEndpoint({ name: 'price', transportRoutes, defaultTransport: 'ws', inputParameters })
    // @ts-expect-error -- an endpoint without a transport has no values
    new AdapterEndpoint<Types>({ name: 'price', inputParameters })
  })
})
