/**
 * Lumen spot prices: one socket with a login, a heartbeat, and subscriptions in batches that the provider answers.
 *
 * Units: `price` is in quote units, `at` is Unix ms (trade time).
 */
import { Adapter, AdapterEndpoint } from 'tickwell/adapter'
import { AdapterConfig } from 'tickwell/config'
import { WebSocketTransport } from 'tickwell/transports'
import { type SingleNumberResultResponse } from 'tickwell/util'
import { InputParameters } from 'tickwell/validation'

type Message =
  | { type: 'login'; ok: boolean; why?: string }
  | { type: 'pong' }
  | { type: 'tick'; market: string; price: number; at: number }
  | { type: 'still'; market: string } // the last tick of a market has not changed
  | { type: 'answer'; id: number; refused: { market: string; why: string }[] }
  | { type: 'error'; why: string } // names no market

const config = new AdapterConfig({
  WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', default: 'wss://stream.lumen.example' },
  API_KEY: { description: 'Key from the Lumen console', type: 'string', required: true, sensitive: true },
})

const inputParameters = new InputParameters({
  base: { description: 'Base asset', aliases: ['from'], type: 'string', required: true },
  quote: { description: 'Quote asset', aliases: ['to'], type: 'string', required: true },
})

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
  Provider: { WsMessage: Message }
}

const makeTransport = () =>
  new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    handlers: {
      open: (socket, { adapterSettings }) =>
        new Promise((resolve, reject) => {
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(data as string) as Message
            if (message.type !== 'login') return
            if (message.ok) resolve()
            else reject(new Error(`Lumen refused the login: ${message.why}`))
          })
          socket.send(JSON.stringify({ op: 'login', key: adapterSettings.API_KEY }))
        }),
    },
    ping: { everyMs: 20_000, pongWithinMs: 10_000 },
    limits: { messages: { count: 10, perMs: 1_000 }, subscriptionsPerConnection: 200 },
    batches: {
      symbolOf: ({ base, quote }) => `${base}-${quote}`,
      size: 50,
      session: () => ({
        ping: () => ({ op: 'ping' }),
        subscribe: (markets, { id }) => ({ op: 'subscribe', id, markets }),
        unsubscribe: (markets, { id }) => ({ op: 'unsubscribe', id, markets }),
        answer(message, asked) {
          switch (message.type) {
            case 'tick': {
              const { market, price: result, at } = message
              const response = {
                result,
                data: { result },
                timestamps: { providerIndicatedTimeUnixMs: at },
              }
              return { values: [[market, response]] }
            }
            case 'still':
              return { confirmed: [message.market] }
            case 'answer': {
              const refused = new Map(message.refused.map(({ market, why }) => [market, why]))
              return {
                accepted: asked(message.id).filter((market) => !refused.has(market)),
                refused,
              }
            }
            case 'error':
              return { notice: message.why }
            case 'login':
            case 'pong':
              return { isAlive: true }
          }
        },
      }),
    },
  })

const makePrice = () =>
  new AdapterEndpoint({
    name: 'price',
    aliases: ['crypto'],
    transport: makeTransport(),
    inputParameters,
    caseSensitive: true,
    guards: { min: 0, maxJump: 0.5 },
    freshness: { mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: 600_000 },
  })

/** An adapter can be started once. Each test makes its own. */
export const makeAdapter = () =>
  new Adapter({ name: 'LUMEN', defaultEndpoint: 'price', endpoints: [makePrice()], config })

export const adapter = makeAdapter()
