import { Adapter, AdapterEndpoint, priceEndpointInputParametersDefinition } from '../../src/public/adapter'
import { AdapterConfig } from '../../src/public/config'
import { HttpTransport, SseTransport, WebSocketTransport } from '../../src/public/transports'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { type Venue, type VenueBase } from '../../src/testing/conformance/venue'

/** A small adapter for each transport, the provider it is written for, and ways to write it wrongly. */

interface Said {
  s: string
  p: unknown
  t: number
}

/** What an author may get wrong. */
export interface Mistakes {
  /** It declares no guards. */
  unguarded?: boolean
  /** It does not read the provider's time as what it is. */
  wrongTime?: boolean
  /** It asks twice for each feed. */
  asksTwice?: boolean
  /** It forgets to unsubscribe. */
  neverUnsubscribes?: boolean
  /** It asks for nothing a second time. */
  asksOnceForEver?: boolean
  /** It takes a refusal for a price. */
  misreadsRefusals?: boolean
  /** It takes what it cannot read for a price. */
  misreadsGarbage?: boolean
  /** It says the last price again and again, as of now. */
  repeats?: boolean
  /** It keeps a timer. */
  keepsTimer?: boolean
  /** It gives no reasons. */
  saysNothing?: boolean
  /** It asks beside the transport. */
  asksBeside?: boolean
}

/** So many symbols one request may have. */
const BATCH = 3

const symbolOf = ({ base, quote }: { base: string; quote: string }) => `${base}/${quote}`
const pairOf = (s: string) => {
  const [base = '', quote = ''] = s.split('/')
  return { base, quote }
}
const feed = (symbol: string) => ({ params: pairOf(symbol), symbol })

const parts = (mistakes: Mistakes) => {
  const config = new AdapterConfig({
    API_ENDPOINT: { description: 'URL of the provider', type: 'string', required: true },
  })
  const inputParameters = new InputParameters(priceEndpointInputParametersDefinition)
  const result = ({ s, p, t }: Said) => ({
    params: pairOf(s),
    response: {
      result: p as number,
      data: { result: p as number },
      timestamps: { providerIndicatedTimeUnixMs: mistakes.wrongTime ? t - 10_000 : t },
    },
  })
  const refusal = (s: string) =>
    mistakes.misreadsRefusals
      ? result({ s, p: 1, t: Date.now() })
      : { params: pairOf(s), response: { statusCode: 502, errorMessage: `there is no ${s}` } }
  return { config, inputParameters, result, refusal }
}

type Types = {
  Parameters: typeof priceEndpointInputParametersDefinition
  Response: SingleNumberResultResponse
  Settings: ReturnType<typeof parts>['config']['settings']
}

const adapterOf = (
  transport:
    HttpTransport<Types & Provided> | SseTransport<Types & Provided> | WebSocketTransport<Types & Provided>,
  { config, inputParameters }: ReturnType<typeof parts>,
  mistakes: Mistakes,
) => {
  const endpoint = new AdapterEndpoint<Types & Provided>({
    name: 'price',
    transport,
    inputParameters,
    ...(!mistakes.unguarded && { guards: {} }),
  })
  let timer: NodeJS.Timeout | undefined
  const adapter = new Adapter({
    name: 'ACME',
    defaultEndpoint: 'price',
    config,
    endpoints: [endpoint],
    bootstrap: async () => {
      if (mistakes.keepsTimer) timer = setInterval(() => {}, 1_000)
      if (!mistakes.asksBeside) return
      const beside = setInterval(
        () => void fetch(`${config.settings.API_ENDPOINT}/prices`).catch(() => {}),
        20,
      )
      adapter.shutdownNotifier.once('onClose', () => clearInterval(beside))
    },
  })
  if (mistakes.saysNothing) adapter.givesReasons = false
  return Object.assign(adapter, { endTimer: () => clearInterval(timer) })
}

type Provided = { Provider: { WsMessage: Message; RequestBody: string[]; ResponseBody: { prices: Said[] } } }
type Message = Said | { s: string; refused: true } | null

class Repeating extends WebSocketTransport<Types & Provided> {
  last: Said | undefined
  override async backgroundExecute(
    context: Parameters<WebSocketTransport<Types & Provided>['backgroundExecute']>[0],
  ) {
    await super.backgroundExecute(context)
    if (this.last !== undefined)
      await this.responseCache.write(this.name, [
        {
          params: pairOf(this.last.s),
          response: {
            result: this.last.p as number,
            data: { result: this.last.p as number },
            timestamps: {
              providerDataStreamEstablishedUnixMs: Date.now(),
              providerDataReceivedUnixMs: Date.now(),
              providerIndicatedTimeUnixMs: undefined,
            },
          },
        },
      ])
  }
}

export const wsAdapter = (mistakes: Mistakes = {}) => {
  const own = parts(mistakes)
  const asked = new Set<string>()
  const transport = new Repeating({
    url: ({ adapterSettings }) => adapterSettings.API_ENDPOINT.replace('http', 'ws'),
    handlers: {
      message(message) {
        if (message === null || !('s' in message))
          return mistakes.misreadsGarbage ? [own.result({ s: 'ETH/USD', p: 99, t: Date.now() })] : []
        if ('refused' in message) return [own.refusal(message.s)]
        if (mistakes.repeats) transport.last = message
        return [own.result(message)]
      },
    },
    builders: {
      subscribeMessage(params) {
        const s = symbolOf(params)
        if (mistakes.asksOnceForEver && asked.has(s)) return { op: 'nothing' }
        asked.add(s)
        return { op: 'subscribe', s: mistakes.asksTwice ? [s, s] : [s] }
      },
      unsubscribeMessage: (params) =>
        mistakes.neverUnsubscribes ? { op: 'nothing' } : { op: 'unsubscribe', s: [symbolOf(params)] },
    },
  })
  return adapterOf(transport, own, mistakes)
}

export const httpAdapter = (mistakes: Mistakes = {}, batch = BATCH) => {
  const own = parts(mistakes)
  const transport = new HttpTransport<Types & Provided>({
    prepareRequests(params, { API_ENDPOINT: baseURL }) {
      const slices = Array.from({ length: Math.ceil(params.length / batch) }, (_, n) =>
        params.slice(n * batch, (n + 1) * batch),
      )
      return slices.map((slice) => ({
        params: slice,
        request: { baseURL, url: '/prices', params: { s: slice.map(symbolOf).join(',') } },
      }))
    },
    parseResponse(params, { data }) {
      const found = data.prices.map(own.result)
      const missing = params.filter((one) => !data.prices.some(({ s }) => s === symbolOf(one)))
      return [...found, ...missing.map((one) => own.refusal(symbolOf(one)))]
    },
  })
  return adapterOf(transport, own, mistakes)
}

export const sseAdapter = (mistakes: Mistakes = {}) => {
  const own = parts(mistakes)
  const request = (path: string, params: { base: string; quote: string }[], url: string) => ({
    url: `${url}${path}`,
    method: 'POST',
    data: params.map(symbolOf),
  })
  const transport = new SseTransport<Types & Provided>({
    prepareSSEConnectionConfig: (_params, { adapterSettings }) => ({
      url: `${adapterSettings.API_ENDPOINT}/stream`,
    }),
    prepareSubscriptionRequest: (params, { adapterSettings }) =>
      request('/subscribe', params, adapterSettings.API_ENDPOINT),
    prepareUnsubscriptionRequest: (params, { adapterSettings }) =>
      request('/unsubscribe', params, adapterSettings.API_ENDPOINT),
    eventListeners: [
      {
        type: 'tick',
        parseResponse({ data }) {
          const message = JSON.parse(String(data)) as Message
          if (message === null || !('s' in message)) return []
          return ['refused' in message ? own.refusal(message.s) : own.result(message)]
        },
      },
    ],
  })
  return adapterOf(transport, own, mistakes)
}

const base = {
  env: (url: string) => ({ API_ENDPOINT: url }),
  feeds: [feed('ETH/USD'), feed('BTC/USD')],
  unlisted: { ...feed('ETH/XYZ'), says: 'there is no ETH/XYZ' },
} satisfies Partial<VenueBase>

type Sent = { op: 'subscribe' | 'unsubscribe' | 'nothing'; s?: string[] }

export const wsVenue = (mistakes: Mistakes = {}): Venue => ({
  ...base,
  name: 'An adapter over a WebSocket',
  adapter: () => wsAdapter(mistakes),
  ws: () => ({
    read(text) {
      const { op, s } = JSON.parse(text) as Sent
      return { [op]: s }
    },
    refuse: (s) => [{ s, refused: true }],
    price: (s, { price: p, timeMs: t }) => ({ s, p, t }),
  }),
})

export const httpVenue = (mistakes: Mistakes = {}, batch = BATCH): Venue => ({
  ...base,
  name: 'An adapter over HTTP',
  adapter: () => httpAdapter(mistakes, batch),
  batch: { size: BATCH, feed: (n) => feed(`A${n}/USD`) },
  http: {
    read: ({ query }) => query.get('s')?.split(',') ?? [],
    answer: (quotes) => ({
      body: { prices: [...quotes].map(([s, { price: p, timeMs: t }]) => ({ s, p, t })) },
    }),
  },
})
