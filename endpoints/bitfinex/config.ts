import { AdapterConfig } from '../../src/public/config'
import { validator } from '../../src/public/validation/utils'

export const config = new AdapterConfig(
  {
    WS_API_ENDPOINT: {
      description: 'Bitfinex WebSocket v2, public channels',
      type: 'string',
      default: 'wss://api-pub.bitfinex.com/ws/2',
      sensitive: false,
      validate: validator.url({ schemes: ['ws', 'wss'] }),
    },
  },
  {
    envVarsPrefix: 'BITFINEX',
    envVarsFallback: true,
    envDefaultOverrides: {
      // Every channel has a heartbeat each 15 s: two missed ones and a little are a dead connection.
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 35_000,
      STREAM_HANDLER_RETRY_MAX_MS: 60_000,
    },
  },
)
