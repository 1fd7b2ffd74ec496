/**
 * Bitfinex spot prices: one subscribe frame per pair, data by channel number.
 *
 * Source: Bitfinex WebSocket API v2, channel `ticker`, with the `conf` flag for timestamps.
 * Units: prices in the quote asset, as JSON numbers; the timestamp is when Bitfinex sent the frame.
 */
import { priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { WebsocketReverseMappingTransport } from '../../src/public/transports'
import { monotonicMs, type ProviderResult } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { commonNames } from '../common/asset-codes'
import { BookPriceEndpoint } from '../common/book-price-endpoint'
import { Notices } from '../common/notices'
import { type Quote } from '../common/quote'
import { extendLife, pause, refusal } from '../common/serving'
import { Channels } from './channels'
import { type config } from './config'
import * as frames from './frames'
import { greetingOf } from './greeting'
import { naming, symbolOf } from './symbols'

const HOUR_MS = 3_600_000
const MAINTENANCE = 'Bitfinex is in maintenance'
/** Above any channel number, and small enough that a number of connections times this stays a safe integer. */
const CHANNEL_LIMIT = 2 ** 32

const inputParameters = new InputParameters(priceEndpointInputParametersDefinition, [
  { base: 'BTC', quote: 'USD' },
  { base: 'ETH', quote: 'USDT' },
])
type Pair = typeof inputParameters.validated

type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: Quote }
  Settings: typeof config.settings
  Provider: { WsMessage: frames.BitfinexMessage }
}
type Results = ProviderResult<Types>[] | undefined

const createTransport = () => {
  const channels = new Channels<Pair>()
  const notices = new Notices('Bitfinex')
  /** What the last ticker of each channel of this connection said. */
  const lastTickers = new Map<number, { quote: Quote; time: number | undefined }>()
  let connections = 0
  let flags = 0
  let isPaused = false

  const send = (frame: object) => transport.wsConnection?.send(transport.serializeMessage(frame))
  /** A channel number together with its connection: the next connection gives the same numbers to other pairs. */
  const keyOf = (chanId: number) => connections * CHANNEL_LIMIT + chanId

  /** A channel's heartbeat says that its ticker has not changed. */
  const confirm = (key: number, params: Pair | undefined) => {
    transport.lastMessageReceivedAt = Date.now()
    const last = lastTickers.get(key)
    if (params === undefined || last === undefined || isPaused) return
    void extendLife(transport, params, last, transport.responseCache.adapterSettings.CACHE_MAX_AGE)
  }

  const ticker = (frame: frames.DataFrame): Results => {
    const [chanId, payload] = frame
    const key = keyOf(chanId)
    const params = transport.getReverseMapping(key)
    if (payload === 'hb') return void confirm(key, params)
    if (params === undefined) return undefined
    if (isPaused) return [refusal(params, MAINTENANCE)]
    const quote = Array.isArray(payload) ? frames.quoteOfTicker(payload) : undefined
    if (quote === undefined) return undefined
    const time = frames.timeOf(frame, flags)
    lastTickers.set(key, { quote, time })
    const timestamps = { providerIndicatedTimeUnixMs: time }
    return [{ params, response: { result: quote.result, data: quote, timestamps } }]
  }

  const opened = ({ channel, symbol = '', chanId }: frames.EventFrame) => {
    if (channel !== 'ticker' || chanId === undefined) return
    const one = channels.opened(symbol, chanId, monotonicMs())
    if (one === undefined) return
    transport.lastMessageReceivedAt = Date.now()
    transport.setReverseMapping(keyOf(chanId), one.params)
    if (!one.isWanted) send(frames.unsubscribeFrame(chanId))
  }

  const error = (event: frames.EventFrame): Results => {
    const { code, msg = 'Bitfinex refused without a reason', channel, symbol = '' } = event
    if (code === frames.DUPLICATE) return void opened(event)
    if (code === frames.UNKNOWN_CHANNEL) return undefined
    const now = monotonicMs()
    const params = channel === 'ticker' ? channels.refused(symbol, now) : undefined
    if (params === undefined) return void notices.say(`${code} ${msg} ${symbol}`, now)
    return [refusal(params, msg)]
  }

  const info = ({ code, msg }: frames.EventFrame) => {
    if (code !== undefined) notices.say(msg ?? code, monotonicMs())
    if (code === frames.MAINTENANCE_BEGINS) {
      isPaused = true
      void pause(transport, MAINTENANCE)
    }
    // Everything has to be subscribed again, which a new connection does.
    if (code === frames.STOPPING || code === frames.MAINTENANCE_ENDS) transport.wsConnection?.close(1000)
  }

  const transport: WebsocketReverseMappingTransport<Types, number> = new WebsocketReverseMappingTransport({
    url: ({ adapterSettings }) => adapterSettings.WS_API_ENDPOINT,
    // Bitfinex ends a connection without channels after a minute.
    closeWhenIdle: true,
    handlers: {
      async open(connection) {
        connections++
        channels.clear()
        lastTickers.clear()
        flags = 0
        isPaused = false
        const greeting = await greetingOf(connection)
        if (greeting?.platform?.status === 0) throw new Error(MAINTENANCE)
        connection.send(JSON.stringify(frames.CONF_FRAME))
      },
      // This is when to ask again for what was refused or never answered.
      heartbeat() {
        for (const symbol of channels.takeDue(monotonicMs())) send(frames.subscribeFrame(symbol))
        return isPaused ? pause(transport, MAINTENANCE) : undefined
      },
      message(message) {
        if (Array.isArray(message)) return ticker(message)
        switch (message?.event) {
          case 'subscribed':
            return void opened(message)
          case 'error':
            return error(message)
          case 'info':
            return void info(message)
          case 'conf':
            if (message.status === 'OK') flags = message.flags ?? 0
            return undefined
          default:
            return undefined
        }
      },
    },
    builders: {
      subscribeMessage(params) {
        const symbol = symbolOf(params)
        return channels.want(symbol, params, monotonicMs()) ? frames.subscribeFrame(symbol) : undefined
      },
      unsubscribeMessage(params) {
        const chanId = channels.leave(symbolOf(params))
        if (chanId !== undefined) lastTickers.delete(keyOf(chanId))
        return chanId === undefined ? undefined : frames.unsubscribeFrame(chanId)
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
    // Heartbeats of each channel come every 15 s.
    freshness: { mode: 'confirmed', maxAgeMs: 35_000, hardMaxAgeMs: HOUR_MS },
  })
