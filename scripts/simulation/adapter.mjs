/** The adapter of the simulated venue, as an author would write it: what the venue allows and says, and nothing else. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { SIM_FRAMEWORK: framework, SIM_VENUE: venue, SIM_RULES } = process.env
const rules = JSON.parse(SIM_RULES)
const require = createRequire(import.meta.url)
const load = (name) => require(join(framework, name))

const { expose } = load('index.js')
const { Adapter, AdapterEndpoint } = load('adapter')
const { WebSocketTransport } = load('transports')
const { InputParameters } = load('validation')

const answerTo = (message) => {
  const { type, symbol, symbols, text, price, time } = message
  switch (type) {
    case 'tick':
      return {
        values: [
          [
            symbol,
            { result: price, data: { result: price }, timestamps: { providerIndicatedTimeUnixMs: time } },
          ],
        ],
      }
    case 'subscribed':
      return { accepted: [symbol] }
    case 'unsubscribed':
      return { ended: symbols }
    case 'refused':
      return { refused: [[symbol, text, 'quota']] }
    default:
      return undefined
  }
}

const transport = new WebSocketTransport({
  url: () => venue,
  limits: {
    subscriptionsPerConnection: rules.perConnection,
    messages: rules.messages,
    connects: rules.connects,
  },
  batches: {
    symbolOf: ({ symbol }) => symbol,
    size: rules.batch,
    ackWithinMs: rules.ackWithinMs,
    firstDataMs: rules.firstDataMs,
    session: () => ({
      subscribe: (symbols) => ({ op: 'subscribe', symbols }),
      unsubscribe: (symbols) => ({ op: 'unsubscribe', symbols }),
      answer: answerTo,
    }),
  },
})

const endpoint = new AdapterEndpoint({
  name: 'price',
  transport,
  caseSensitive: true,
  freshness: { mode: 'tick', maxAgeMs: rules.maxAgeMs },
  inputParameters: new InputParameters({
    symbol: { type: 'string', description: 'A symbol', required: true },
  }),
})

await expose(new Adapter({ name: 'SIMULATION', defaultEndpoint: 'price', endpoints: [endpoint] }))
