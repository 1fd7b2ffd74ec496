/**
 * Coinbase Exchange spot prices: one socket, subscribed in batches.
 *
 * Source: Coinbase Exchange WebSocket feed, channels `ticker` and `heartbeat`.
 * Units: prices in the quote asset; `time` is that of the last trade, which on an idle product may be hours ago and is the truth.
 */
import {
  CryptoPriceEndpoint,
  type EndpointContext,
  priceEndpointInputParametersDefinition,
} from '../../src/public/adapter'
import { WebsocketReverseMappingTransport } from '../../src/public/transports'
import { monotonicMs, type ProviderResult } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { Answers } from '../common/answers'
import { AssetCodes, commonNames } from '../common/asset-codes'
import { framesFor } from '../common/frames'
import { Notices } from '../common/notices'
import { extendLife, refusal } from '../common/serving'
import { type Quote } from '../common/quote'
import { type config } from './config'
import {
  acknowledgedProducts,
  type CoinbaseMessage,
  type Heartbeat,
  type Refusal,
  refusedProduct,
  subscribeFrame,
  type Subscriptions,
  type Ticker,
  unsubscribeFrame,
} from './frames'
import { LastTickers } from './tickers'

const HOUR_MS = 3_600_000
/** At most this often is a feed's life extended by heartbeats, which come every second. */
const CONFIRM_EVERY_MS = 5_000
const MAX_PRODUCTS_PER_FRAME = 100

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'ETH', quote: 'USD' },
  { base: 'BTC', quote: 'USDT' },
])
type Pair = typeof inputParameters.validated

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
  Provider: { WsMessage: CoinbaseMessage }
}
type Results = ProviderResult<Types>[] | undefined

// Staked and wrapped coins that clients know by their issuers' spellings: Coinbase has them in upper case.
export const codes = new AssetCodes({ venue: 'Coinbase', listed: ['CBBTC', 'CBETH', 'LSETH', 'MSOL'] })
const productOf = ({ base, quote }: Pair) => `${codes.venue(base)}-${codes.venue(quote)}`

const createTransport = () => {
  const answers = new Answers()
  const notices = new Notices('Coinbase')
  const tickers = new LastTickers()
  let wasRefused = false

  const send = (frame: object) => transport.wsConnection?.send(transport.serializeMessage(frame))

  const subscribe = (products: string[]) => {
    const now = monotonicMs()
    for (const product of products) answers.asked(product, now)
    return subscribeFrame(products)
  }

  const ticker = (message: Ticker): Results => {
    const params = transport.getReverseMapping(message.product_id)
    if (params === undefined) return undefined
    const accepted = tickers.accept(message, monotonicMs())
    if (accepted === undefined) return undefined
    const { quote, time } = accepted
    const timestamps = { providerIndicatedTimeUnixMs: time }
    return [{ params, response: { result: quote.result, data: quote, timestamps } }]
  }

  const heartbeat = (message: Heartbeat, { adapterSettings }: EndpointContext<Types>) => {
    transport.lastMessageReceivedAt = Date.now()
    const { CACHE_MAX_AGE: lifeMs } = adapterSettings
    const confirmed = tickers.confirm(message, monotonicMs(), Math.min(CONFIRM_EVERY_MS, lifeMs / 3))
    const params = confirmed && transport.getReverseMapping(message.product_id)
    if (params) void extendLife(transport, params, confirmed, lifeMs)
  }

  const acknowledgement = (message: Subscriptions) => {
    transport.lastMessageReceivedAt = Date.now()
    const now = monotonicMs()
    for (const product of acknowledgedProducts(message)) answers.accepted(product, now)
    if (!wasRefused) return
    wasRefused = false
    // Only one bad product of a batch is named. Asked for alone, each of the others is accepted or named itself.
    for (const product of answers.unansweredOnce()) send(subscribe([product]))
  }

  const error = ({ message, reason = message }: Refusal): Results => {
    const now = monotonicMs()
    const product = refusedProduct(reason)
    wasRefused = true
    if (product === undefined || !answers.refused(product, now)) return void notices.say(reason, now)
    const params = transport.getReverseMapping(product)
    return params && [refusal(params, reason)]
  }

  const transport: WebsocketReverseMappingTransport<Types, string> = new WebsocketReverseMappingTransport({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    closeWhenIdle: true,
    handlers: {
      open() {
        answers.clear()
        tickers.clear()
        wasRefused = false
      },
      // Coinbase wants no pings. This is when to ask again for what was refused or never answered, each by itself.
      heartbeat() {
        for (const product of answers.due(monotonicMs())) send(subscribe([product]))
      },
      message(message, context) {
        switch (message?.type) {
          case 'ticker':
            return ticker(message)
          case 'heartbeat':
            return void heartbeat(message, context)
          case 'subscriptions':
            return void acknowledgement(message)
          case 'error':
            return error(message)
          default:
            return undefined
        }
      },
    },
    builders: {
      customSubscriptionMessages(_context, { new: fresh, stale }) {
        const ended = stale.map(productOf)
        for (const product of ended) tickers.forget(product)
        const known = ended.filter((product) => answers.forget(product))
        for (const params of fresh) transport.setReverseMapping(productOf(params), params)
        return [
          ...framesFor(known, MAX_PRODUCTS_PER_FRAME, unsubscribeFrame),
          ...framesFor(fresh.map(productOf), MAX_PRODUCTS_PER_FRAME, subscribe),
        ]
      },
    },
  })
  return transport
}

export const createPriceEndpoint = () =>
  new CryptoPriceEndpoint<Types>({
    name: 'price',
    inputParameters,
    caseSensitive: true,
    transport: createTransport(),
    requestTransforms: [commonNames(codes)],
    guards: {},
    // Heartbeats come every second, and confirm the last trade by its number.
    freshness: { mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: HOUR_MS },
  })
