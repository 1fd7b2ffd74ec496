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
  Provider: { WsMessage: { base: string; price: number } | { late: 'rejection' | 'exception' | 'nobody' } }
}

/** What nobody handles: as an error of this file, or as something that does not say where it comes from. */
const throwLate = (how: 'rejection' | 'exception' | 'nobody'): void => {
  if (how === 'rejection') void Promise.reject(new Error('nobody watches this'))
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what authors do
  else if (how === 'nobody') void Promise.reject('nobody knows whose this is')
  else
    setTimeout(() => {
      throw new Error('nobody catches this')
    })
}

const transport = new WebSocketTransport<Types>({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  handlers: {
    message(message) {
      if ('late' in message) {
        throwLate(message.late)
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
