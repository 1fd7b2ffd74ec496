import { AdapterConfig } from '../../src/public/config'
import { validator } from '../../src/public/validation/utils'

export const config = new AdapterConfig(
  {
    WS_API_ENDPOINT: {
      description: 'Coinbase Exchange WebSocket feed',
      type: 'string',
      default: 'wss://ws-feed.exchange.coinbase.com',
      sensitive: false,
      validate: validator.url({ schemes: ['ws', 'wss'] }),
    },
  },
  {
    envVarsPrefix: 'COINBASE',
    envVarsFallback: true,
    envDefaultOverrides: {
      // Heartbeats come every second: 30 s without one is a dead connection.
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 30_000,
      STREAM_HANDLER_RETRY_MAX_MS: 60_000,
    },
  },
)
