import { Adapter, AdapterEndpoint } from '../../../src/public/adapter'
import { AdapterConfig } from '../../../src/public/config'
import { WebSocketTransport } from '../../../src/public/transports'
import { type SingleNumberResultResponse } from '../../../src/public/util'
import { InputParameters } from '../../../src/public/validation'

type Message =
  | { tick: string; price: number }
  | { beat: string } // once a second for each market: the last tick still stands
  | { ack: number; refused?: { market: string; why: string }[] }

const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.acme.example' },
})
const inputParameters = new InputParameters({
  base: { description: 'Base asset', type: 'string', required: true },
  quote: { description: 'Quote asset', type: 'string', required: true },
})
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Message }
}

const transport = new WebSocketTransport<Types>({
  url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
  limits: { messages: { count: 10, perMs: 1_000 } },
  batches: {
    symbolOf: ({ base, quote }) => `${base}-${quote}`,
    size: 50,
    session: () => ({
      subscribe: (markets, { id }) => ({ op: 'subscribe', id, markets }),
      unsubscribe: (markets, { id }) => ({ op: 'unsubscribe', id, markets }),
      answer(message, asked) {
        if ('tick' in message)
          return { values: [[message.tick, { result: message.price, data: { result: message.price } }]] }
        if ('beat' in message) return { confirmed: [message.beat] }
        const { ack, refused = [] } = message
        const bad = new Set(refused.map(({ market }) => market))
        return {
          accepted: asked(ack).filter((market) => !bad.has(market)),
          refused: refused.map(({ market, why }) => [market, why] as const),
        }
      },
    }),
  },
})
const price = new AdapterEndpoint({
  name: 'price',
  transport,
  inputParameters,
  caseSensitive: true,
  freshness: { mode: 'confirmed', maxAgeMs: 5_000, hardMaxAgeMs: 600_000 },
})

export const adapter = new Adapter({ name: 'ACME', defaultEndpoint: 'price', endpoints: [price], config })
