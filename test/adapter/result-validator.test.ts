import { describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { NumericResultEndpoint } from '../../src/adapter/numeric-result-endpoint'
import { type AdapterEndpointParams } from '../../src/adapter/params'
import { type SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type ResponseCache } from '../../src/feeds/response-cache'
import { type TimestampedProviderResult } from '../../src/feeds/responses'
import * as publicAdapter from '../../src/public/adapter'
import { HttpTransport } from '../../src/public/transports/http'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { TransportRoutes } from '../../src/transports/routes'
import { type Transport } from '../../src/transports/transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { PATIENT } from '../helpers/eventually'
import { httpProvider } from '../transports/http/support'
import { config as wsConfig, tick } from '../transports/websocket/support'
import { priceParameters, type PriceTypes, StillTransport } from '../http/support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'false' }

/** Refuses odd numbers, by a rule of its own instance. */
class EvenEndpoint extends AdapterEndpoint<PriceTypes> {
  text = 'odd'
  readonly judged: TimestampedProviderResult<PriceTypes>[] = []

  protected override resultValidator(result: TimestampedProviderResult<PriceTypes>) {
    this.judged.push(result)
    const { params, response } = result
    if (response.errorMessage !== undefined || response.result % 2 === 0) return result
    const { timestamps } = response
    return {
      params,
      response: { statusCode: 502, errorMessage: `${this.text} ${response.result}`, timestamps },
    }
  }
}

const even = (
  of:
    | { transport: unknown }
    | { transportRoutes: TransportRoutes<PriceTypes>; enableCompositeTransport: boolean },
) =>
  new EvenEndpoint({
    name: 'price',
    inputParameters: priceParameters(),
    ...of,
  } as AdapterEndpointParams<PriceTypes>)

const serving = (endpoint: AdapterEndpoint<PriceTypes>, env: Record<string, string> = AT_ONCE) =>
  serve(() => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }), { env })

describe("contract 18.2: an endpoint's result validator", () => {
  it('is a public field of its response cache, and none in a plain endpoint', async () => {
    const still = new StillTransport()
    const plain = new StillTransport()
    const endpoints = [
      even({ transport: still }),
      new AdapterEndpoint<PriceTypes>({
        name: 'plain',
        inputParameters: priceParameters(),
        transport: plain,
      }),
    ]
    await using service = await serve(() => new Adapter({ name: 'TEST', endpoints }), { env: AT_ONCE })
    expect(service.adapter.initialized).toBe(true)
    expect(still.responseCache.resultValidator).toBeTypeOf('function')
    expect(plain.responseCache.resultValidator).toBeUndefined()
  })

  it('judges what a custom transport writes', async () => {
    let cache: ResponseCache<PriceTypes> | undefined
    const transport = {
      initialize: ({ responseCache }: { responseCache: SimpleResponseCache<PriceTypes> }) => {
        cache = responseCache
        return Promise.resolve()
      },
      foregroundExecute: async () => {
        const timestamps = {
          providerDataRequestedUnixMs: 1,
          providerDataReceivedUnixMs: 2,
          providerIndicatedTimeUnixMs: undefined,
        }
        const response = { result: 3, data: { result: 3 }, timestamps }
        await cache!.write('default_single_transport', [{ params: ETH, response }])
      },
    } as unknown as Transport<PriceTypes>
    await using service = await serving(even({ transport }))
    expect(await service.post(ETH)).toMatchObject({ statusCode: 502, json: { errorMessage: 'odd 3' } })
  })

  it('judges what an HTTP transport writes', async () => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const transport = new HttpTransport<
      PriceTypes & { Provider: { RequestBody: never; ResponseBody: object } }
    >({
      prepareRequests: (params) => ({ params, request: { url: provider.url } }),
      parseResponse: (params) =>
        params.map((one) => {
          const result = one.base === 'ETH' ? 3 : 4
          return { params: one, response: { result, data: { result } } }
        }),
    })
    await using service = await serving(even({ transport }), PATIENT)
    expect(await service.post(ETH)).toMatchObject({ statusCode: 502, json: { errorMessage: 'odd 3' } })
    expect(await service.post(BTC)).toMatchObject({ statusCode: 200, json: { result: 4 } })
  })

  it('judges what a WebSocket transport writes, with its timestamps on', async () => {
    await using provider = await wsProvider()
    const transport = new WebSocketTransport(wsConfig(provider.url))
    const endpoint = even({ transport })
    await using service = await serving(endpoint, PATIENT)
    const reply = service.post(ETH)
    const connection = await provider.connection()
    connection.send(tick(ETH, 3, 1_700_000_000_000))
    expect(await reply).toMatchObject({ statusCode: 502, json: { errorMessage: 'odd 3' } })
    expect(endpoint.judged[0]!.response.timestamps).toMatchObject({
      providerDataReceivedUnixMs: expect.any(Number) as number,
      providerIndicatedTimeUnixMs: 1_700_000_000_000,
    })
    connection.send(tick(ETH, 4))
    await service.until(ETH, ({ json }) => json.result === 4)
    expect(await service.metric('data_refused_total', { reason: 'invalid-result' })).toBe(1)
  })

  it('judges what the children of a composite write', async () => {
    const [first, second] = [new StillTransport(), new StillTransport()]
    const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', first).register('rest', second)
    const endpoint = even({ transportRoutes, enableCompositeTransport: true })
    await using service = await serving(endpoint, { ...AT_ONCE, COMPOSITE_TRANSPORT: 'true' })
    await first.put(ETH, 3)
    await second.put(ETH, 5)
    expect((await service.post(ETH)).json.result).toBeUndefined()
    await second.put(ETH, 4)
    expect(await service.post(ETH)).toMatchObject({ statusCode: 200, json: { result: 4 } })
    await first.put(ETH, 5)
    expect(await service.post(ETH)).toMatchObject({ statusCode: 200, json: { result: 4 } })
  })
})

describe('contract 18.3: a numeric result endpoint', () => {
  const numeric = (acceptZeroValue?: boolean) => {
    const transport = new StillTransport()
    const of = { name: 'price', inputParameters: priceParameters(), transport }
    return { transport, endpoint: new NumericResultEndpoint<PriceTypes>({ ...of, acceptZeroValue }) }
  }

  it('is in the adapter barrel and a file of its own, and accepts zero unless told otherwise', () => {
    expect(publicAdapter.NumericResultEndpoint).toBe(NumericResultEndpoint)
    expect([undefined, true, false].map((accept) => numeric(accept).endpoint.acceptZeroValue)).toEqual([
      true,
      true,
      false,
    ])
    expect(numeric().endpoint).toBeInstanceOf(AdapterEndpoint)
  })

  it.each([NaN, Infinity, -Infinity, null, undefined, '5', true, {}])(
    'takes %j for no result',
    async (value) => {
      const { transport, endpoint } = numeric()
      await using service = await serving(endpoint)
      await transport.put(ETH, value as number)
      const { statusCode, json } = await service.post(ETH)
      expect([statusCode, json]).toEqual([
        502,
        {
          statusCode: 502,
          // eslint-disable-next-line @typescript-eslint/no-base-to-string -- as it is written
          errorMessage: `Invalid numeric result: ${String(value)}`,
          timestamps: {
            providerDataStreamEstablishedUnixMs: 1,
            providerDataReceivedUnixMs: expect.any(Number) as number,
          },
          reason: {
            code: 'REFUSED_VALUE',
            class: 'guard',
            // eslint-disable-next-line @typescript-eslint/no-base-to-string -- as it is written
            message: `Invalid numeric result: ${String(value)}`,
            sinceUnixMs: expect.any(Number) as number,
          },
        },
      ])
    },
  )

  it.each([0, -0])('takes %d for a result, unless it is not accepted', async (zero) => {
    const [lax, strict] = [numeric(), numeric(false)]
    await using laxly = await serving(lax.endpoint)
    await using strictly = await serving(strict.endpoint)
    await lax.transport.put(ETH, zero)
    await strict.transport.put(ETH, zero)
    expect(await laxly.post(ETH)).toMatchObject({ statusCode: 200, json: { result: 0 } })
    expect(await strictly.post(ETH)).toMatchObject({
      statusCode: 502,
      json: { errorMessage: 'Invalid numeric result: 0' },
    })
  })

  it('lets a live value stand, and errors of the provider pass', async () => {
    const { transport, endpoint } = numeric(false)
    await using service = await serving(endpoint)
    await transport.putError(BTC, 404, 'no such pair')
    expect(await service.post(BTC)).toMatchObject({ statusCode: 404, json: { errorMessage: 'no such pair' } })
    await transport.put(ETH, 5)
    await transport.put(ETH, NaN)
    await transport.put(ETH, 0)
    expect(await service.post(ETH)).toMatchObject({ statusCode: 200, json: { result: 5 } })
  })
})
