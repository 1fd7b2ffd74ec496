/**
 * Kraken spot prices: one socket, subscribed in batches, each symbol answered by itself.
 *
 * Source: Kraken WebSocket API v2, channels `ticker`, `status` and `heartbeat`.
 * Units: prices in the quote asset, as JSON numbers; `timestamp` is the market's own and may be old on an idle market.
 */
import { priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { WebsocketReverseMappingTransport } from '../../src/public/transports'
import { makeLogger, monotonicMs, type ProviderResult, providerTime } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { Answers } from '../common/answers'
import { commonNames } from '../common/asset-codes'
import { BookPriceEndpoint } from '../common/book-price-endpoint'
import { framesFor } from '../common/frames'
import { Notices } from '../common/notices'
import { type Quote, quoteOf } from '../common/quote'
import { pause, refusal } from '../common/serving'
import { type config } from './config'
import {
  type Answer,
  elementsOf,
  type KrakenMessage,
  pingFrame,
  type Status,
  subscribeFrame,
  type TickerData,
  unsubscribeFrame,
} from './frames'
import { Requests } from './requests'
import { naming, symbolOf } from './symbols'

const logger = makeLogger('Kraken')

const MAX_SYMBOLS_PER_FRAME = 100
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
  Provider: { WsMessage: KrakenMessage }
}
type Results = ProviderResult<Types>[]

const createTransport = () => {
  const answers = new Answers()
  const requests = new Requests()
  const notices = new Notices('Kraken')
  let system = 'online'

  const isPaused = () => !TRADING.has(system)
  const pauseReason = () =>
    system === 'maintenance' ? 'Kraken is in maintenance' : `Nothing is traded at Kraken (${system})`
  const send = (frame: object) => transport.wsConnection?.send(transport.serializeMessage(frame))

  const subscribe = (symbols: string[]) => {
    const now = monotonicMs()
    for (const symbol of symbols) answers.asked(symbol, now)
    return subscribeFrame(symbols, requests.add(symbols))
  }

  const ticker = (data: TickerData): Results => {
    const params = transport.getReverseMapping(data.symbol)
    const quote = quoteOf(data as { last: unknown; bid: unknown; ask: unknown })
    if (params === undefined || quote === undefined) return []
    if (isPaused()) return [refusal(params, pauseReason())]
    const timestamps = { providerIndicatedTimeUnixMs: timeOf(data.timestamp) }
    return [{ params, response: { result: quote.result, data: quote, timestamps } }]
  }

  const refuse = (symbols: string[], error: string, now: number): Results => {
    const concerned = symbols.filter((symbol) => answers.refused(symbol, now))
    if (concerned.length === 0) notices.say(error, now)
    return concerned.flatMap((symbol) => {
      const params = transport.getReverseMapping(symbol)
      return params === undefined ? [] : [refusal<Types>(params, error)]
    })
  }

  const answer = (message: Answer): Results => {
    if (message.method !== 'subscribe') return []
    const now = monotonicMs()
    const { success, result, symbol, req_id: id, error = 'Kraken refused without a reason' } = message
    if (!success) {
      const unanswered = requests.symbolsOf(id).filter((asked) => answers.isUnanswered(asked))
      return refuse(symbol === undefined ? unanswered : [symbol], error, now)
    }
    transport.lastMessageReceivedAt = Date.now()
    if (result !== undefined) answers.accepted(result.symbol, now)
    for (const warning of result?.warnings ?? []) notices.say(warning, now)
    return []
  }

  const status = ({ data }: Status) => {
    const [status] = elementsOf(data)
    if (status === undefined || status.system === system) return
    const wasPaused = isPaused()
    system = status.system
    logger.info({ system }, 'The state of trading at Kraken has changed')
    if (isPaused()) void pause(transport, pauseReason())
    // Quiet markets would stay without a value: a new connection begins with a snapshot of each.
    else if (wasPaused) transport.wsConnection?.close(1000)
  }

  const transport: WebsocketReverseMappingTransport<Types, string> = new WebsocketReverseMappingTransport({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    closeWhenIdle: true,
    handlers: {
      open() {
        answers.clear()
        requests.clear()
        system = 'online'
      },
      heartbeat() {
        send(pingFrame(requests.nextId()))
        const due = answers.due(monotonicMs())
        for (const frame of framesFor(due, MAX_SYMBOLS_PER_FRAME, subscribe)) send(frame)
        if (isPaused()) return pause(transport, pauseReason())
      },
      message(message) {
        if (typeof message !== 'object' || message === null) return undefined
        if ('method' in message) {
          if (message.method !== 'pong') return answer(message)
          transport.lastMessageReceivedAt = Date.now()
        } else if (message.channel === 'ticker') {
          return elementsOf(message.data).flatMap(ticker)
        } else if (message.channel === 'heartbeat') {
          transport.lastMessageReceivedAt = Date.now()
        } else if (message.channel === 'status') {
          status(message)
        }
        return undefined
      },
    },
    builders: {
      customSubscriptionMessages(_context, { new: fresh, stale }) {
        const known = stale.map(symbolOf).filter((symbol) => answers.forget(symbol))
        for (const params of fresh) transport.setReverseMapping(symbolOf(params), params)
        return [
          ...framesFor(known, MAX_SYMBOLS_PER_FRAME, (symbols) =>
            unsubscribeFrame(symbols, requests.nextId()),
          ),
          ...framesFor(fresh.map(symbolOf), MAX_SYMBOLS_PER_FRAME, subscribe),
        ]
      },
    },
  })
  return transport
}

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
