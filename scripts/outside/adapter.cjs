/**
 * A small adapter as an author would write it: one endpoint over WebSocket, SSE or HTTP, which passes on what its provider says of a symbol,
 * and declares of that provider what it is told. Run as a program it is exposed, on the framework whose folder OUTSIDE_FRAMEWORK names, by
 * OUTSIDE_KIND, OUTSIDE_PROVIDER and OUTSIDE_DECLARED (JSON).
 *
 * To the provider it says `{ op, symbols }`, which SSE and HTTP have as path and body. Of the provider it takes `{ symbol, result, time }`,
 * and with batches what else their option knows (`accepted`, `ended`, `refused`).
 */
'use strict'
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

/** A framework that does not know several URLs, or batches, gets what its authors write in place of them. */
const knows = (framework, option) => {
  const types = join(framework, 'lib/transports/websocket')
  if (option === 'batches') return existsSync(join(types, 'batches'))
  const config = join(types, 'config.d.ts')
  return existsSync(config) && new RegExp(`\\b${option}\\b`).test(readFileSync(config, 'utf8'))
}

const responseOf = ({ result, time, data }) => ({
  result,
  data: { result, ...data },
  timestamps: { providerIndicatedTimeUnixMs: time },
})
const resultOf = (tick) => ({ params: { symbol: tick.symbol }, response: responseOf(tick) })
const symbolOf = ({ symbol }) => symbol
const message = (op, symbols) => ({ op, symbols })

const addressOf = ({ url, declared: { urls, failover }, hasUrls = true }) => {
  if (urls === undefined) return { url: () => url }
  if (hasUrls) return { urls, failover }
  const at = ({ streamHandlerInvocationsWithNoConnection: n }) => urls[(n - 1) % urls.length]
  return { url: (_context, _wanted, counted) => at(counted) }
}

const single = {
  handlers: { message: (said) => ('symbol' in said ? [resultOf(said)] : undefined) },
  builders: {
    subscribeMessage: ({ symbol }) => message('subscribe', [symbol]),
    unsubscribeMessage: ({ symbol }) => message('unsubscribe', [symbol]),
  },
}

const batched = (batches) => ({
  batches: {
    ...batches,
    symbolOf,
    session: () => ({
      subscribe: (symbols) => message('subscribe', symbols),
      unsubscribe: (symbols) => message('unsubscribe', symbols),
      answer: (said) => ('symbol' in said ? { values: [[said.symbol, responseOf(said)]] } : said),
    }),
  },
})

const transports = {
  ws({ WebSocketTransport }, of) {
    const { limits, batches } = of.declared
    const talk = batches === undefined || of.hasBatches === false ? single : batched(batches)
    return new WebSocketTransport({ ...addressOf(of), ...(limits && { limits }), ...talk })
  },
  http({ HttpTransport }, { url: baseURL }) {
    const requestOf = (one) => ({ params: [one], request: { baseURL, url: '/price', params: one } })
    return new HttpTransport({
      prepareRequests: (params) => params.map(requestOf),
      parseResponse: (params, { data }) => params.map((one) => resultOf({ ...data, symbol: one.symbol })),
    })
  },
  sse({ SseTransport }, { url: baseURL }) {
    const subscription = (op, params) => {
      return { method: 'POST', baseURL, url: `/${op}`, data: params.map(symbolOf) }
    }
    return new SseTransport({
      prepareSSEConnectionConfig: () => ({ url: `${baseURL}/stream` }),
      prepareSubscriptionRequest: (params) => subscription('subscribe', params),
      prepareUnsubscriptionRequest: (params) => subscription('unsubscribe', params),
      eventListeners: [{ type: 'tick', parseResponse: ({ data }) => [resultOf(JSON.parse(data))] }],
    })
  },
}

/**
 * @param modules - what the framework's modules `adapter`, `transports` and `validation` export
 * @param of.kind - `ws`, `http` or `sse`
 * @param of.url - of the provider
 * @param of.declared - `guards`, `freshness` and `caseSensitive` of the endpoint, `limits`, `batches`, `urls` and `failover` of a WebSocket
 *   transport, `tiers` of rate limits
 * @param of.hasUrls, of.hasBatches - false where the framework does not know that option
 */
const smallAdapter = ({ Adapter, AdapterEndpoint, InputParameters, ...modules }, of) => {
  const { guards, freshness, caseSensitive, tiers } = of.declared
  const endpoint = new AdapterEndpoint({
    name: 'price',
    transport: transports[of.kind](modules, of),
    inputParameters: new InputParameters({
      symbol: { description: 'What the provider calls it', type: 'string', required: true },
    }),
    ...(guards && { guards }),
    ...(freshness && { freshness }),
    ...(caseSensitive && { caseSensitive }),
  })
  const rateLimiting = tiers && { rateLimiting: { tiers } }
  return new Adapter({ name: 'OUTSIDE', defaultEndpoint: 'price', endpoints: [endpoint], ...rateLimiting })
}

/** @param framework - the folder of the package whose adapter it is, with what the environment says */
const adapterOn = (framework) => {
  const { OUTSIDE_KIND: kind, OUTSIDE_PROVIDER: url, OUTSIDE_DECLARED = '{}' } = process.env
  const load = (name) => require(join(framework, name))
  const [hasUrls, hasBatches] = ['urls', 'batches'].map((option) => knows(framework, option))
  const declared = JSON.parse(OUTSIDE_DECLARED)
  return smallAdapter(
    { ...load('adapter'), ...load('transports'), ...load('validation') },
    { kind, url, declared, hasUrls, hasBatches },
  )
}

module.exports = { adapterOn, smallAdapter }

if (require.main === module) {
  const framework = process.env.OUTSIDE_FRAMEWORK
  void require(join(framework, 'index.js')).expose(adapterOn(framework))
}
