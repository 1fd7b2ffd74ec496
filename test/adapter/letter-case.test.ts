import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type RequestTransform } from '../../src/adapter/params'
import { type ProviderResult } from '../../src/feeds/responses'
import { serve, type ServeOptions, wsProvider, type WsProvider } from '../../src/testing'
import { HttpTransport } from '../../src/transports/http/http-transport'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { type Transport } from '../../src/transports/transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { WebsocketReverseMappingTransport } from '../../src/transports/websocket/reverse-mapping-transport'
import { eventually, PATIENT } from '../helpers/eventually'
import { httpProvider } from '../transports/http/support'
import {
  config,
  inputParameters,
  linesAt,
  logged,
  loggerFactory,
  type Params,
  subscribe,
  tick,
  type Types,
} from '../transports/websocket/support'

const PRICES: Record<string, number> = { USDe: 1, USDE: 777, usde: 5, ETH: 2 }
const pair = (base: string): Params => ({ base, quote: 'USD' })
const USDe = pair('USDe')
const USDE = pair('USDE')

const served = (
  transport: Transport<Types>,
  {
    caseSensitive = true,
    requestTransforms = [] as RequestTransform<Types>[],
    ...options
  }: ServeOptions & {
    caseSensitive?: boolean
    requestTransforms?: RequestTransform<Types>[]
  } = {},
) => {
  const endpoint = new AdapterEndpoint<Types>({
    name: 'price',
    transport,
    inputParameters,
    caseSensitive,
    requestTransforms,
  })
  return serve(() => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }), {
    ...options,
    env: { ...PATIENT, STREAM_HANDLER_RETRY_MIN_MS: '100', RETRY: '0', ...options.env },
    dependencies: { loggerFactory },
  })
}

/** Answers each subscription with the price of what was asked for, letter by letter. */
const market = (provider: WsProvider) =>
  provider.onMessage((text, connection) => {
    const [, base = '', quote = ''] = /^\+(\w+)\/(\w+)$/.exec(text) ?? []
    if (base in PRICES) connection.send(tick({ base, quote }, PRICES[base]))
  })

const streaming = (provider: WsProvider) =>
  new WebSocketTransport<Types>(config(provider.url)) as unknown as Transport<Types>

beforeEach(() => {
  logged.length = 0
})

describe('ID-1: where letter case counts, USDe and USDE get their own prices', () => {
  it.each([
    { way: 'with plans', requestTransforms: [] },
    { way: 'prepared each time', requestTransforms: [() => {}] },
  ])('over WebSocket, $way', async ({ requestTransforms }) => {
    await using provider = await wsProvider()
    market(provider)
    await using service = await served(streaming(provider), { requestTransforms })
    for (let time = 0; time < 4; time++)
      for (const base of ['USDe', 'USDE', 'usde'])
        expect((await service.post(pair(base))).json).toMatchObject({ statusCode: 200, result: PRICES[base] })
    expect(linesAt('warn', 'error')).toEqual([])
  })

  it('by the fast lane', async () => {
    await using provider = await wsProvider()
    market(provider)
    await using service = await served(streaming(provider), { listen: true })
    const post = async (params: Params) => {
      const reply = await fetch(service.url!, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ data: params }),
      })
      return (await reply.json()) as object
    }
    for (let time = 0; time < 5; time++) {
      expect(await post(USDe)).toMatchObject({ statusCode: 200, result: 1 })
      expect(await post(USDE)).toMatchObject({ statusCode: 200, result: 777 })
    }
  })

  it('in the metrics of requests and subscriptions', async () => {
    await using provider = await wsProvider()
    market(provider)
    await using service = await served(streaming(provider), { env: { METRICS_ENABLED: 'true' } })
    await service.post(USDe)
    await service.post(USDE)
    await service.post(USDE)
    for (const [base, hits] of [
      ['USDe', undefined],
      ['USDE', 1],
    ] as const) {
      const feed_id = `{"base":"${base}","quote":"USD"}`
      expect(await service.metric('ws_subscription_active', { feed_id })).toBe(1)
      expect(await service.metric('cache_data_get_count', { feed_id })).toBe(hits)
      expect(await service.metric('http_requests_total', { feed_id, type: 'dataProviderHit' })).toBe(1)
    }
  })

  it('over HTTP, whose requests are told apart', async () => {
    await using provider = await httpProvider((path) => ({ body: PRICES[path.slice(1)] }))
    const transport = new HttpTransport<Types & { Provider: { RequestBody: never; ResponseBody: number } }>({
      prepareRequests: (feeds) =>
        feeds.map((params) => ({
          params: [params],
          request: { baseURL: provider.url, url: `/${params.base}` },
        })),
      parseResponse: (feeds, { data }) =>
        feeds.map((params) => ({ params, response: { result: data, data: { result: data } } })),
    })
    await using service = await served(transport)
    const answers = await Promise.all([service.post(USDe), service.post(USDE)])
    expect(answers.map(({ json }) => json.result as number)).toEqual([1, 777])
    expect((await service.post(USDe)).json.result).toBe(1)
  })
})

describe('ID-2: where letter case counts, a provider gets what was meant, byte for byte', () => {
  it('at the first connection and at the next, and when one of two is unsubscribed', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    market(provider)
    await using service = await served(streaming(provider), {
      env: { WS_SUBSCRIPTION_TTL: '100000', WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000' },
    })
    await service.post(USDe)
    await service.post(USDE)
    const first = await provider.connection()
    expect(first.received).toEqual([...subscribe(USDe), ...subscribe(USDE)])
    first.destroy()
    const second = await provider.connection()
    await second.next((text) => text === '+USDE/USD')
    expect(second.received).toEqual([...subscribe(USDe), ...subscribe(USDE)])
    vi.advanceTimersByTime(70_000)
    await service.post(USDE)
    vi.advanceTimersByTime(40_000)
    await second.next((text) => text.startsWith('-'))
    expect(second.received.slice(2)).toEqual(['-USDe/USD'])
  })

  it('by the symbols of a reverse mapping', async () => {
    await using provider = await wsProvider()
    provider.onMessage((text, connection) =>
      connection.send({ ticks: [{ base: text, quote: '', price: PRICES[text]! }] }),
    )
    const transport = new WebsocketReverseMappingTransport<Types, string>({
      url: () => provider.url,
      builders: {
        subscribeMessage(params) {
          transport.setReverseMapping(params.base, params)
          return params.base
        },
      },
      handlers: {
        message: ({ ticks = [] }) =>
          ticks.flatMap(({ base, price }): ProviderResult<Types>[] => {
            const params = transport.getReverseMapping(base)
            return params ? [{ params, response: { result: price, data: { result: price } } }] : []
          }),
      },
    })
    await using service = await served(transport)
    expect((await service.post(USDe)).json.result).toBe(1)
    expect((await service.post(USDE)).json.result).toBe(777)
    expect((await provider.connection()).received).toEqual(['USDe', 'USDE'])
  })

  it('by the requests beside a stream of events', async () => {
    const asked: string[] = []
    const streams = createServer((req, res) => {
      if (req.method === 'GET')
        return void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
      asked.push(req.url!)
      res.end()
    })
    await new Promise<void>((resolve) => streams.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void streams.close())
    const url = `http://127.0.0.1:${(streams.address() as AddressInfo).port}`
    const request = (params: Params[]) => ({
      method: 'POST',
      url: `${url}/${params.map(({ base }) => base).join()}`,
    })
    const transport = new SseTransport<Types & { Provider: { RequestBody: never } }>({
      prepareSSEConnectionConfig: () => ({ url, eventSourceInitDict: {} }),
      prepareSubscriptionRequest: request,
      prepareUnsubscriptionRequest: request,
      eventListeners: [],
    })
    await using service = await served(transport, {
      env: { CACHE_POLLING_MAX_RETRIES: '0' },
    })
    await service.post(USDe)
    await eventually(() => expect(asked).toEqual(['/USDe']))
    await service.post(USDE)
    await eventually(() => expect(asked).toEqual(['/USDe', '/USDE']))
  })
})

describe('8.2: where letter case does not count, as in the reference framework', () => {
  const still = { CACHE_POLLING_MAX_RETRIES: '0' }
  const silent = (caseSensitive: boolean) => {
    const transport = new HttpTransport<Types & { Provider: { RequestBody: never; ResponseBody: number } }>({
      prepareRequests: () => [],
      parseResponse: () => [],
    })
    return served(transport, { caseSensitive, env: still })
  }
  const warnings = () => linesAt('warn').filter((text) => text.includes('letter case'))
  const askedFor = async (bases: string[], caseSensitive = false) => {
    await using service = await silent(caseSensitive)
    for (const base of bases) await service.post(pair(base))
    return warnings()
  }

  it('warns once of two spellings that may be two assets', async () => {
    expect(await askedFor(['USDe', 'usde', 'USDE', 'USDe', 'USDE', 'usde', 'USDE'])).toEqual([
      '"USDe" and "USDE" are one feed here, because letter case does not count at this endpoint: both get the same value',
    ])
  })

  it('says nothing of spellings that people use for one asset', async () => {
    expect(await askedFor(['eth', 'ETH', 'eth', 'usde', 'USDE'])).toEqual([])
  })

  it('warns of each pair of spellings, of the first eight at most', async () => {
    expect(await askedFor(['ABCdef', 'ABCDef', 'ABCDEf'])).toHaveLength(3)
    logged.length = 0
    const spellings = Array.from({ length: 40 }, (_, n) =>
      [...'abcdefg'].map((letter, at) => ((n >> at) & 1 ? letter.toUpperCase() : letter)).join(''),
    )
    expect((await askedFor(spellings)).length).toBe(21)
  })

  it('has nothing to warn of where it counts', async () => {
    expect(await askedFor(['USDe', 'USDE', 'USDe'], true)).toEqual([])
  })
})
