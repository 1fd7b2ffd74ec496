/**
 * A small adapter as an author would write it: one endpoint over WebSocket, SSE, HTTP or both, which passes on what its provider says of a
 * symbol, and declares of that provider what it is told. Run as a program it is exposed, on the framework whose folder OUTSIDE_FRAMEWORK
 * names, by OUTSIDE_KIND, OUTSIDE_PROVIDER and OUTSIDE_DECLARED (JSON), or with several endpoints by OUTSIDE_ENDPOINTS: by name `kind`, `url`,
 * `declared`.
 *
 * To the provider it says `{ op, symbols }`, which SSE and HTTP have as path and body. Of the provider it takes `{ symbol, result, time }`,
 * several as `{ records }`, and with batches what else their option knows (`accepted`, `ended`, `refused`). `error` of a record is one that
 * the adapter writes, `late` is a mistake in its code that shows only after its handler has returned.
 */
'use strict'
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { setTimeout } = require('node:timers')

/** A framework that does not know several URLs, or batches, gets what its authors write in place of them. */
const knows = (framework, option) => {
  const types = join(framework, 'lib/transports/websocket')
  if (option === 'batches') return existsSync(join(types, 'batches'))
  const config = join(types, 'config.d.ts')
  return existsSync(config) && new RegExp(`\\b${option}\\b`).test(readFileSync(config, 'utf8'))
}

const valueOf = ({ result, time, data }) => ({
  result,
  data: { result, ...data },
  timestamps: { providerIndicatedTimeUnixMs: time },
})
const errorOf = ({ status, message }) => ({ statusCode: status, errorMessage: message })
const responseOf = (tick) => (tick.error === undefined ? valueOf(tick) : errorOf(tick.error))
const resultOf = (tick) => ({ params: { symbol: tick.symbol }, response: responseOf(tick) })
/** `isNone` of a record stands for a mistake of the author's: there is no result in the place of one. */
const resultsOf = (records) => records.map((one) => (one.isNone ? null : resultOf(one)))
const eventResults = (said) => (said.records === undefined ? [resultOf(said)] : resultsOf(said.records))
const symbolOf = ({ symbol }) => symbol
const message = (op, symbols) => ({ op, symbols })

const addressOf = ({ url, declared: { urls, failover, urlSetting }, hasUrls = true }) => {
  if (urlSetting !== undefined) return { url: ({ adapterSettings }) => adapterSettings[urlSetting] }
  if (urls === undefined) return { url: ({ adapterSettings }) => adapterSettings.PROVIDER_URL ?? url }
  if (hasUrls) return { urls, failover }
  const at = ({ streamHandlerInvocationsWithNoConnection: n }) => urls[(n - 1) % urls.length]
  return { url: (_context, _wanted, counted) => at(counted) }
}

/** What an author forgets to catch. */
const mistakes = {
  rejection: () => void Promise.reject(new Error('a late rejection')),
  exception: () => void setTimeout(() => raise('a late exception'), 0),
}
const raise = (message) => {
  throw new Error(message)
}

const single = {
  handlers: {
    message(said) {
      mistakes[said.late]?.()
      return 'records' in said || 'symbol' in said ? eventResults(said) : undefined
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

const stampedValue = (result) => {
  const now = Date.now()
  const timestamps = { providerDataRequestedUnixMs: now, providerDataReceivedUnixMs: now }
  return { result, data: { result }, timestamps }
}

const transports = {
  ws({ WebSocketTransport }, of) {
    const { limits, batches } = of.declared
    const talk = batches === undefined || of.hasBatches === false ? single : batched(batches)
    return new WebSocketTransport({ ...addressOf(of), ...(limits && { limits }), ...talk })
  },
  http({ HttpTransport }, { url: baseURL, declared: { isOneRequest, sendsKey } }) {
    const requestOf = (params, { API_KEY: key, PROVIDER_URL: secretURL }) => ({
      params,
      request: {
        baseURL: secretURL ?? baseURL,
        url: '/price',
        params: { symbol: params.map(symbolOf).join(), ...(sendsKey && { key }) },
        ...(sendsKey && { headers: { 'x-api-key': encodeURIComponent(key) } }),
      },
    })
    return new HttpTransport({
      prepareRequests: (params, settings) =>
        isOneRequest ? requestOf(params, settings) : params.map((one) => requestOf([one], settings)),
      // What is no JSON comes as text, which may be long.
      parseResponse: (params, { data: { records, result, time, data, error } }) =>
        records === undefined
          ? params.map(({ symbol }) => resultOf({ symbol, result, time, data, error }))
          : resultsOf(records),
    })
  },
  /** One of the author's own: the first run of its background work never ends, and every later one brings a value for each feed. */
  hanging({ SubscriptionTransport }) {
    let runs = 0
    return new (class extends SubscriptionTransport {
      getSubscriptionTtlFromConfig() {
        return 60_000
      }
      async backgroundHandler(_context, wanted) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        if (wanted.length === 0) return
        if (runs++ === 0) await new Promise(() => {})
        const values = wanted.map((params) => ({ params, response: stampedValue(runs) }))
        await this.responseCache.write(this.name, values)
      }
    })()
  },
  /** A stream and, of another provider, REST. */
  both({ CompositeTransport, ...modules }, of) {
    const rest = { ...of, url: of.declared.rest }
    return new CompositeTransport({ ws: transports.ws(modules, of), rest: transports.http(modules, rest) })
  },
  sse({ SseTransport }, { url: baseURL }) {
    const subscription = (op, params) => {
      return { method: 'POST', baseURL, url: `/${op}`, data: params.map(symbolOf) }
    }
    return new SseTransport({
      prepareSSEConnectionConfig: () => ({ url: `${baseURL}/stream` }),
      prepareSubscriptionRequest: (params) => subscription('subscribe', params),
      prepareUnsubscriptionRequest: (params) => subscription('unsubscribe', params),
      eventListeners: [{ type: 'tick', parseResponse: ({ data }) => eventResults(JSON.parse(data)) }],
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
 * @param modules - what the framework's modules `adapter`, `config`, `transports` and `validation` export
 * @param of.kind - `ws`, `http`, `sse`, `both` or `hanging`
 * @param of.url - of the provider
 * @param of.declared - `guards`, `freshness` and `caseSensitive` of the endpoint, `limits`, `batches`, `urls` and `failover` of a WebSocket
 *   transport, `tiers` of rate limits, `settings` of its own, and `urlSetting`, which of them is its URL; of HTTP whether it `isOneRequest`
 *   for all feeds, and `sendsKey`, which is a sensitive setting; and the names of further `secrets`, sensitive settings of which PROVIDER_URL
 *   takes the place of `url`
 * @param of.hasUrls, of.hasBatches - false where the framework does not know that option
 */
const smallAdapter = ({ Adapter, ...modules }, of) => {
  const { tiers, sendsKey, settings: own, secrets = [] } = of.declared
  const rateLimiting = tiers && { rateLimiting: { tiers } }
  const named = Object.fromEntries(secrets.map((name) => [name, SECRET]))
  const settings = { ...(sendsKey && KEY), ...own, ...named }
  const hasSettings = Object.keys(settings).length > 0
  const config = hasSettings && { config: new modules.AdapterConfig(settings) }
  const endpoints = [endpointOf(modules, 'price', of)]
  return new Adapter({ name: 'OUTSIDE', defaultEndpoint: 'price', endpoints, ...rateLimiting, ...config })
}

const wideAdapter = ({ Adapter, ...modules }, of) => {
  const endpoints = Object.entries(of).map(([name, one]) => endpointOf(modules, name, one))
  return new Adapter({ name: 'OUTSIDE', defaultEndpoint: endpoints[0].name, endpoints })
}

const SECRET = { description: 'Secret', type: 'string', sensitive: true }
const KEY = { API_KEY: { description: 'Key', type: 'string', required: true, sensitive: true } }

/** Of USD in ETH, by the price of ETH in USD. */
const inverseAdapter = (
  { PriceAdapter, PriceEndpoint, InputParameters, HttpTransport },
  { url: baseURL },
) => {
  const asset = (name) => ({ description: name, type: 'string', required: true })
  const inputParameters = new InputParameters({ base: asset('Base'), quote: asset('Quote') })
  const transport = new HttpTransport({
    prepareRequests: (params) =>
      params.map((one) => ({
        params: [one],
        request: { baseURL, url: '/price', params: { symbol: `${one.base}${one.quote}` } },
      })),
    parseResponse: ([one], { data }) => [{ params: one, response: valueOf(data) }],
  })
  const endpoint = new PriceEndpoint({ name: 'price', transport, inputParameters })
  const includes = [{ from: 'USD', to: 'ETH', includes: [{ from: 'ETH', to: 'USD', inverse: true }] }]
  return new PriceAdapter({ name: 'OUTSIDE', defaultEndpoint: 'price', endpoints: [endpoint], includes })
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
  const [hasUrls, hasBatches] = ['urls', 'batches'].map((option) => knows(framework, option))
  const declared = JSON.parse(OUTSIDE_DECLARED)
  const names = [
    'adapter',
    'config',
    'transports',
    'transports/composite',
    'transports/abstract/subscription',
    'validation',
  ]
  const modules = Object.assign({}, ...names.map(load))
  if (OUTSIDE_ENDPOINTS !== undefined) return wideAdapter(modules, JSON.parse(OUTSIDE_ENDPOINTS))
  if (kind === 'inverse') return inverseAdapter(modules, { url })
  return smallAdapter(modules, { kind, url, declared, hasUrls, hasBatches })
}

module.exports = { adapterOn, smallAdapter }

if (require.main === module) {
  const framework = process.env.OUTSIDE_FRAMEWORK
  void require(join(framework, 'index.js')).expose(adapterOn(framework))
}
