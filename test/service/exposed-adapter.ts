/** A process of one adapter, as an author's `server.js` makes it: expose.test.ts runs it. */
import { expose } from '../../src/public'
import { Adapter, AdapterEndpoint } from '../../src/public/adapter'
import { AdapterConfig } from '../../src/public/config'
import { WebSocketTransport } from '../../src/public/transports'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { validator } from '../../src/public/validation/utils'

const config = new AdapterConfig(
  {
    WS_API_ENDPOINT: {
      description: 'Provider',
      type: 'string',
      required: true,
      sensitive: false,
      validate: validator.url({ schemes: ['ws', 'wss'] }),
    },
  },
  { envVarsPrefix: 'OWN', envVarsFallback: true },
)

const inputParameters = new InputParameters({ base: { description: 'b', type: 'string', required: true } })

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: { base: string; price: number } | { unwatched: true } }
}

const transport = new WebSocketTransport<Types>({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  handlers: {
    message(message) {
      if ('unwatched' in message) {
        void Promise.reject(new Error('nobody watches this'))
        return []
      }
      const { base, price: result } = message
      return [{ params: { base }, response: { result, data: { result } } }]
    },
  },
  builders: {
    subscribeMessage: ({ base }) => ({ subscribe: base }),
    unsubscribeMessage: ({ base }) => ({ unsubscribe: base }),
  },
})

const endpoint = new AdapterEndpoint({ name: 'price', aliases: ['crypto'], transport, inputParameters })

void expose(new Adapter({ name: 'OWN', defaultEndpoint: 'price', config, endpoints: [endpoint] }))
