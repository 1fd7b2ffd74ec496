/**
 * Bitfinex spot prices: one subscribe frame per pair, data by channel number.
 *
 * Source: Bitfinex WebSocket API v2, channel `ticker`, with the `conf` flag for timestamps.
 * Units: prices in the quote asset, as JSON numbers; the timestamp is when Bitfinex sent the frame.
 */
import { priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { type Said, type Session, WebSocketTransport } from '../../src/public/transports'
import { InputParameters } from '../../src/public/validation'
import { commonNames } from '../common/asset-codes'
import { BookPriceEndpoint } from '../common/book-price-endpoint'
import { type Quote, quoteOf, whyNoQuote } from '../common/quote'
import { type config } from './config'
import * as frames from './frames'
import { greetingOf } from './greeting'
import { naming, symbolOf } from './symbols'

const MAINTENANCE = 'Bitfinex is in maintenance'

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'BTC', quote: 'USD' },
  { base: 'ETH', quote: 'USDT' },
])

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
  Provider: { WsMessage: frames.BitfinexMessage }
}

const ticker = (frame: frames.DataFrame, flags: number): Said<Types> | undefined => {
  const [chanId, payload] = frame
  if (payload === 'hb') return { isAlive: true, confirmed: [chanId] }
  // Other words than the heartbeat's are about books and checks, which are not asked for.
  if (typeof payload === 'string') return undefined
  if (!Array.isArray(payload)) return { unusable: [[chanId, 'missing']] }
  const prices = frames.pricesOf(payload)
  const quote = quoteOf(prices)
  if (quote === undefined) return { unusable: [[chanId, whyNoQuote(prices) ?? 'missing']] }
  const timestamps = { providerIndicatedTimeUnixMs: frames.timeOf(frame, flags) }
  return { values: [[chanId, { result: quote.result, data: quote, timestamps }]] }
}

const error = (event: frames.EventFrame): Said<Types> | undefined => {
  const { code, msg = 'Bitfinex refused without a reason', channel, symbol = '', chanId } = event
  if (code === frames.UNKNOWN_CHANNEL) return undefined
  if (channel !== 'ticker') return { notice: `${code} ${msg} ${symbol}` }
  if (code === frames.DUPLICATE) return { already: [[symbol, chanId]] }
  return { refused: [[symbol, msg, code === frames.LIMIT ? 'quota' : 'symbol']] }
}

const info = ({ code, msg = String(code) }: frames.EventFrame): Said<Types> | undefined => {
  if (code === undefined) return undefined
  if (code === frames.MAINTENANCE_BEGINS) return { notice: msg, paused: MAINTENANCE }
  // Everything has to be subscribed again, which a new connection does.
  const isOver = code === frames.STOPPING || code === frames.MAINTENANCE_ENDS
  return isOver ? { notice: msg, restart: msg } : { notice: msg }
}

const session = (): Session<Types> => {
  let flags = 0
  return {
    subscribe: frames.subscribeFrame,
    unsubscribe: (_symbols, { channels: [chanId] }) =>
      chanId === undefined ? undefined : { event: 'unsubscribe', chanId },
    answer(message) {
      if (Array.isArray(message)) return ticker(message, flags)
      switch (message?.event) {
        case 'subscribed':
          return message.channel === 'ticker'
            ? { accepted: [[message.symbol ?? '', message.chanId]] }
            : undefined
        case 'unsubscribed':
          return message.chanId === undefined ? undefined : { ended: [message.chanId] }
        case 'error':
          return error(message)
        case 'info':
          return info(message)
        case 'conf':
          if (message.status === 'OK') flags = message.flags ?? 0
          return undefined
        default:
          return undefined
      }
    },
  }
}

const createTransport = () =>
  new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    // Bitfinex ends a connection without channels after a minute.
    closeWhenIdle: true,
    ping: {},
    limits: { subscriptionsPerConnection: 25, connects: { count: 20, perMs: 60_000 } },
    handlers: {
      async open(connection) {
        const greeting = await greetingOf(connection)
        if (greeting?.platform?.status === 0) throw new Error(MAINTENANCE)
        connection.send(JSON.stringify(frames.CONF_FRAME))
      },
    },
    // A channel's heartbeats come every 15 s.
    batches: { symbolOf, firstDataMs: 20_000, session },
  })

export const createPriceEndpoint = () =>
  new BookPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: createTransport(),
    requestTransforms: [commonNames(naming)],
    guards: {},
    // Heartbeats of each channel come every 15 s.
    freshness: { mode: 'confirmed', maxAgeMs: 35_000, hardMaxAgeMs: 3_600_000 },
  })
