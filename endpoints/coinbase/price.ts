/**
 * Coinbase Exchange spot prices: one socket, subscribed in batches.
 *
 * Source: Coinbase Exchange WebSocket feed, channels `ticker` and `heartbeat`.
 * Units: prices in the quote asset; `time` is that of the last trade, which on an idle product may be hours ago and is the truth.
 */
import { CryptoPriceEndpoint, priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { type Said, type Session, WebSocketTransport } from '../../src/public/transports'
import { monotonicMs } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { AssetCodes, commonNames } from '../common/asset-codes'
import { type Quote, whyNoQuote } from '../common/quote'
import { type config } from './config'
import * as frames from './frames'
import { LastTickers } from './tickers'

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
  { base: 'BTC', quote: 'USDT' },
])

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
  Provider: { WsMessage: frames.CoinbaseMessage }
}

// Staked and wrapped coins that clients know by their issuers' spellings: Coinbase has them in upper case.
export const codes = new AssetCodes({ venue: 'Coinbase', listed: ['CBBTC', 'CBETH', 'LSETH', 'MSOL'] })

const session = (): Session<Types> => {
  const tickers = new LastTickers()

  const ticker = (message: frames.Ticker): Said<Types> => {
    const { product_id: product, price: last, best_bid: bid, best_ask: ask } = message
    const accepted = tickers.accept(message, monotonicMs())
    if (accepted === undefined)
      return { unusable: [[product, whyNoQuote({ last, bid, ask }) ?? 'backwards']] }
    const { quote, time } = accepted
    const timestamps = { providerIndicatedTimeUnixMs: time }
    return { values: [[product, { result: quote.result, data: quote, timestamps }]] }
  }

  const heartbeat = (message: frames.Heartbeat): Said<Types> => {
    const found = tickers.compare(message)
    return found === undefined ? { isAlive: true } : { isAlive: true, [found]: [message.product_id] }
  }

  return {
    subscribe: frames.subscribeFrame,
    unsubscribe: frames.unsubscribeFrame,
    answer(message) {
      switch (message?.type) {
        case 'ticker':
          return ticker(message)
        case 'heartbeat':
          return heartbeat(message)
        case 'subscriptions':
          return frames.acknowledgement(message)
        case 'error': {
          const { reason = message.message } = message
          const product = frames.refusedProduct(reason)
          return product === undefined ? { notice: reason } : { refused: [[product, reason]] }
        }
        default:
          return undefined
      }
    },
  }
}

const createTransport = () =>
  new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    closeWhenIdle: true,
    ping: {},
    // By address, whatever the number of connections.
    limits: { messages: { count: 100, perMs: 1_000 }, connects: { count: 8, perMs: 1_000 } },
    batches: {
      symbolOf: ({ base, quote }) => `${codes.venue(base)}-${codes.venue(quote)}`,
      size: 100,
      session,
    },
  })

export const createPriceEndpoint = () =>
  new CryptoPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: createTransport(),
    requestTransforms: [commonNames(codes)],
    guards: {},
    // Heartbeats come every second, and confirm the last trade by its number.
    freshness: { mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: 3_600_000 },
  })
