import { Adapter, AdapterEndpoint } from '@chainlink/external-adapter-framework/adapter'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import {
  WebSocketTransport,
  WebSocketTransportConfig,
} from '@chainlink/external-adapter-framework/transports/websocket'
import { SingleNumberResultResponse } from '@chainlink/external-adapter-framework/util'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'

export const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.ttl.example' },
  CACHE_MAX_AGE_SECONDS: { description: 'Not a base setting', type: 'number', default: 90 },
})

const inputParameters = new InputParameters({
  ticker: { required: true, type: 'string', description: 'Ticker' },
})

type WsTypes = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: { kind: 'heartbeat' } | { kind: 'trade'; ticker: string; price: number } }
}

const transportConfig: WebSocketTransportConfig<WsTypes> = {
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  handlers: {
    open: (connection) => {
      connection.send(JSON.stringify({ auth: 'please' }))
    },
    heartbeat: (connection) => {
      connection.send('ping')
    },
    message(message, { adapterSettings }) {
      if (message.kind === 'heartbeat') {
        // The market is quiet: what was last traded is still the price.
        transport.lastMessageReceivedAt = Date.now()
        void transport.responseCache.writeTTL(
          transport.name,
          transport.localSubscriptions,
          adapterSettings.CACHE_MAX_AGE,
        )
        return []
      }
      const { ticker, price } = message
      return [{ params: { ticker }, response: { result: price, data: { result: price } } }]
    },
  },
  builders: {
    subscribeMessage: ({ ticker }) => ({ watch: ticker }),
    unsubscribeMessage: ({ ticker }) => ({ forget: ticker }),
  },
}

export const transport = new WebSocketTransport<WsTypes>(transportConfig)

export const adapter = new Adapter({
  name: 'HEARTBEAT_TTL',
  defaultEndpoint: 'stock',
  config,
  endpoints: [new AdapterEndpoint({ name: 'stock', transport, inputParameters })],
})
