import { AdapterConfig } from '../../src/public/config'
import { validator } from '../../src/public/validation/utils'

export const config = new AdapterConfig(
  {
    WS_API_ENDPOINT: {
      description: 'Kraken WebSocket v2',
      type: 'string',
      default: 'wss://ws.kraken.com/v2',
      sensitive: false,
      validate: validator.url({ schemes: ['ws', 'wss'] }),
    },
  },
  {
    envVarsPrefix: 'KRAKEN',
    envVarsFallback: true,
    envDefaultOverrides: {
      // Something comes every second once a pair is subscribed, and a pong for each of our pings before that.
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 10_000,
      WS_HEARTBEAT_INTERVAL_MS: 5_000,
      STREAM_HANDLER_RETRY_MAX_MS: 60_000,
    },
  },
)
