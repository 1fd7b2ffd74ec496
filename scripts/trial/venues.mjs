/**
 * The protocols of the exchanges that the package has adapters for, as far as those adapters use them. A quote is
 * `{ last, bid, ask, time, sequence }`: `time` is what the frame says, in whatever form, and the current time where it is left out.
 */
import { WsProvider } from './providers.mjs'

/** What the client calls a pair, what the exchange calls it, and a provider of that exchange. */
export const venues = {
  coinbase: {
    setting: 'COINBASE_WS_API_ENDPOINT',
    symbolOf: (base, quote) => `${base}-${quote}`,
    make: () => new WsProvider(coinbase),
  },
  kraken: {
    setting: 'KRAKEN_WS_API_ENDPOINT',
    symbolOf: (base, quote) => `${base}/${quote}`,
    make: () => new WsProvider(kraken),
  },
  bitfinex: {
    setting: 'BITFINEX_WS_API_ENDPOINT',
    symbolOf: (base, quote) => (base.length === 3 ? `t${base}${quote}` : `t${base}:${quote}`),
    make: () => new WsProvider(bitfinex),
  },
}

const nowIso = () => new Date().toISOString()

function coinbase() {
  const products = new Set()
  let sequence = 0
  return {
    read({ type, product_ids: asked = [] }) {
      for (const product of asked) products[type === 'subscribe' ? 'add' : 'delete'](product)
      const channels = ['ticker', 'heartbeat'].map((name) => ({ name, product_ids: [...products] }))
      return { answers: [{ type: 'subscriptions', channels }], [type]: asked }
    },
    tick: (product_id, quote) => ({
      type: 'ticker',
      product_id,
      sequence: quote.sequence ?? ++sequence,
      trade_id: quote.sequence ?? sequence,
      price: String(quote.last),
      best_bid: String(quote.bid ?? quote.last - 0.5),
      best_ask: String(quote.ask ?? quote.last + 0.5),
      time: quote.time ?? nowIso(),
    }),
  }
}

export const coinbaseHeartbeat = (product_id, last_trade_id) => ({
  type: 'heartbeat',
  product_id,
  last_trade_id,
  time: nowIso(),
})

function kraken() {
  return {
    greeting: () => [krakenStatus('online')],
    read({ method, params: { symbol: symbols = [] } = {}, req_id }) {
      if (method === 'ping') return { answers: [{ method: 'pong', req_id }] }
      const answers = symbols.map((symbol) => ({
        method,
        req_id,
        success: true,
        result: { channel: 'ticker', event_trigger: 'bbo', snapshot: true, symbol },
      }))
      return { answers, [method]: symbols }
    },
    tick: (symbol, { last, bid = last - 0.5, ask = last + 0.5, time = nowIso() }) => ({
      channel: 'ticker',
      type: 'update',
      data: [{ symbol, bid, ask, last, timestamp: time }],
    }),
  }
}

export const krakenStatus = (system) => ({ channel: 'status', type: 'update', data: [{ system }] })

function bitfinex() {
  const ids = new Map()
  let lastId = 0
  return {
    greeting: () => [{ event: 'info', version: 2, serverId: 'trial', platform: { status: 1 } }],
    read({ event, symbol, chanId, ...rest }) {
      if (event === 'conf') return { answers: [{ event, ...rest, status: 'OK' }] }
      if (event === 'unsubscribe') {
        const [left] = [...ids].find(([, id]) => id === chanId) ?? []
        ids.delete(left)
        return { answers: [{ event: 'unsubscribed', status: 'OK', chanId }], unsubscribe: [left] }
      }
      if (event !== 'subscribe') return {}
      ids.set(symbol, ++lastId)
      const answer = { event: 'subscribed', channel: 'ticker', chanId: lastId, symbol, pair: symbol.slice(1) }
      return { answers: [answer], subscribe: [symbol] }
    },
    tick: (symbol, { last, bid = last - 0.25, ask = last + 0.25, time = Date.now() }) => [
      ids.get(symbol),
      [bid, 1, ask, 1, 5, 0.01, last, 900, 2 * last, last / 2, null],
      time,
    ],
  }
}
