/**
 * Kraken spot prices: one socket, subscribed in batches, each symbol answered by itself.
 *
 * Source: Kraken WebSocket API v2, channels `ticker`, `status` and `heartbeat`.
 * Units: prices in the quote asset, as JSON numbers; `timestamp` is the market's own and may be old on an idle market.
 */
import { priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { type Said, type Session, WebSocketTransport } from '../../src/public/transports'
import { makeLogger, type ProviderResult, providerTime } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { commonNames } from '../common/asset-codes'
import { BookPriceEndpoint } from '../common/book-price-endpoint'
import { type Quote, quoteOf, whyNoQuote } from '../common/quote'
import { type config } from './config'
import * as frames from './frames'
import { naming, symbolOf } from './symbols'

const logger = makeLogger('Kraken')

/** States of the venue in which prices move by trading. */
const TRADING: ReadonlySet<string> = new Set(['online', 'limit_only'])
const timeOf = providerTime('iso')

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
  { base: 'BTC', quote: 'EUR' },
])

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
  Provider: { WsMessage: frames.KrakenMessage }
}

/** Each market of a frame stands for itself. */
const tickers = ({ data }: frames.Ticker): Said<Types> => {
  const values: [string, ProviderResult<Types>['response']][] = []
  const unusable: [string, NonNullable<ReturnType<typeof whyNoQuote>>][] = []
  for (const { symbol, last, bid, ask, timestamp } of frames.elementsOf(data)) {
    const quote = quoteOf({ last, bid, ask })
    const timestamps = { providerIndicatedTimeUnixMs: timeOf(timestamp) }
    if (quote !== undefined) values.push([symbol, { result: quote.result, data: quote, timestamps }])
    else unusable.push([symbol, whyNoQuote({ last, bid, ask }) ?? 'missing'])
  }
  return { values, unusable }
}

const session = (): Session<Types> => {
  let system = 'online'

  const answer = (message: frames.Answer, asked: (id?: number) => string[]): Said<Types> | undefined => {
    const { method, success, result, symbol, req_id: id, error = 'Kraken refused without a reason' } = message
    if (method !== 'subscribe') return undefined
    if (success) return { accepted: result ? [result.symbol] : [], notice: result?.warnings?.[0] }
    const refused = symbol === undefined ? asked(id) : [symbol]
    return refused.length === 0 ? { notice: error } : { refused: refused.map((one) => [one, error]) }
  }

  const status = ({ data }: frames.Status): Said<Types> | undefined => {
    const [status] = frames.elementsOf(data)
    if (status === undefined || status.system === system) return undefined
    const wasTrading = TRADING.has(system)
    system = status.system
    logger.info({ system }, 'The state of trading at Kraken has changed')
    if (system === 'maintenance') return { paused: 'Kraken is in maintenance' }
    if (!TRADING.has(system)) return { paused: `Nothing is traded at Kraken (${system})` }
    // Quiet markets would stay without a value: a new connection begins with a snapshot of each.
    return wasTrading ? undefined : { restart: 'Kraken trades again' }
  }

  return {
    subscribe: frames.subscribeFrame,
    unsubscribe: frames.unsubscribeFrame,
    ping: frames.pingFrame,
    answer(message, asked) {
      if (typeof message !== 'object' || message === null) return undefined
      if ('method' in message) return message.method === 'pong' ? { isAlive: true } : answer(message, asked)
      // What it cannot make out at all it answers without saying to what.
      if ('error' in message) return { notice: message.error }
      if (message.channel === 'ticker') return tickers(message)
      if (message.channel === 'heartbeat') return { isAlive: true }
      return message.channel === 'status' ? status(message) : undefined
    },
  }
}

const createTransport = () =>
  new WebSocketTransport<Types>({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    closeWhenIdle: true,
    ping: {},
    limits: { connects: { count: 150, perMs: 600_000 } },
    batches: { symbolOf, size: 100, session },
  })

export const createPriceEndpoint = () =>
  new BookPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: createTransport(),
    requestTransforms: [commonNames(naming)],
    guards: {},
    // An idle market's snapshot carries the time of its last change: no price, rather than an old one.
    freshness: { mode: 'tick', maxAgeMs: 30_000 },
  })
