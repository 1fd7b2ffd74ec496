/**
 * A small adapter as an author would write it: one endpoint over WebSocket, SSE or HTTP, which passes on what its provider says of a symbol,
 * and declares of that provider what it is told. Run as a program it is exposed, on the framework whose folder OUTSIDE_FRAMEWORK names, by
 * OUTSIDE_KIND, OUTSIDE_PROVIDER and OUTSIDE_DECLARED (JSON), or with several endpoints by OUTSIDE_ENDPOINTS: by name `kind`, `url`, `declared`.
 *
 * To the provider it says `{ op, symbols }`, which SSE and HTTP have as path and body. Of the provider it takes `{ symbol, result, time }`,
 * and with batches what else their option knows (`accepted`, `ended`, `refused`). At `{ late }` it makes a mistake that authors make.
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

/** A promise that nobody waits for, and that fails. */
const failLate = ({ late }) => void (late !== undefined && Promise.reject(new Error(late)))

const single = {
  handlers: {
    message(said) {
      failLate(said)
      return 'symbol' in said ? [resultOf(said)] : undefined
    },
  },
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
      // What is no JSON comes as text, which may be long.
      parseResponse(params, { data: { result, time, data } }) {
        return params.map(({ symbol }) => resultOf({ symbol, result, time, data }))
      },
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

const endpointOf = ({ AdapterEndpoint, InputParameters, ...modules }, name, of) => {
  const { guards, freshness, caseSensitive } = of.declared
  return new AdapterEndpoint({
    name,
    transport: transports[of.kind](modules, of),
    inputParameters: new InputParameters({
      symbol: { description: 'What the provider calls it', type: 'string', required: true },
    }),
    ...(guards && { guards }),
    ...(freshness && { freshness }),
    ...(caseSensitive && { caseSensitive }),
  })
}

/**
 * @param modules - what the framework's modules `adapter`, `transports` and `validation` export
 * @param of.kind - `ws`, `http` or `sse`
 * @param of.url - of the provider
 * @param of.declared - `guards`, `freshness` and `caseSensitive` of the endpoint, `limits`, `batches`, `urls` and `failover` of a WebSocket
 *   transport, `tiers` of rate limits
 * @param of.hasUrls, of.hasBatches - false where the framework does not know that option
 */
const smallAdapter = ({ Adapter, ...modules }, of) => {
  const { tiers } = of.declared
  const rateLimiting = tiers && { rateLimiting: { tiers } }
  const endpoints = [endpointOf(modules, 'price', of)]
  return new Adapter({ name: 'OUTSIDE', defaultEndpoint: 'price', endpoints, ...rateLimiting })
}

const wideAdapter = ({ Adapter, ...modules }, of) => {
  const endpoints = Object.entries(of).map(([name, one]) => endpointOf(modules, name, one))
  return new Adapter({ name: 'OUTSIDE', defaultEndpoint: endpoints[0].name, endpoints })
}

/** @param framework - the folder of the package whose adapter it is, with what the environment says */
const adapterOn = (framework) => {
  const {
    OUTSIDE_KIND: kind,
    OUTSIDE_PROVIDER: url,
    OUTSIDE_DECLARED = '{}',
    OUTSIDE_ENDPOINTS,
  } = process.env
  const load = (name) => require(join(framework, name))
  const modules = { ...load('adapter'), ...load('transports'), ...load('validation') }
  if (OUTSIDE_ENDPOINTS !== undefined) return wideAdapter(modules, JSON.parse(OUTSIDE_ENDPOINTS))
  const [hasUrls, hasBatches] = ['urls', 'batches'].map((option) => knows(framework, option))
  const declared = JSON.parse(OUTSIDE_DECLARED)
  return smallAdapter(modules, { kind, url, declared, hasUrls, hasBatches })
}

module.exports = { adapterOn, smallAdapter }

if (require.main === module) {
  const framework = process.env.OUTSIDE_FRAMEWORK
  void require(join(framework, 'index.js')).expose(adapterOn(framework))
}
