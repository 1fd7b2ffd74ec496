import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import nock from 'nock'
import { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { PriceAdapter } from '../../../src/adapter/price-adapter'
import { PriceEndpoint } from '../../../src/adapter/price-endpoint'
import { Background } from '../../../src/adapter/background'
import { buildAdapterServer } from '../../../src/http/server'
import { withEnv } from '../../../src/testing/env'
import { type ChangedEnv } from '../../../src/testing/env'
import { type ExpiringSortedSet } from '../../../src/feeds/expiring-sorted-set'
import { HttpTransport } from '../../../src/transports/http/http-transport'
import { DEFAULT_TRANSPORT_NAME, TransportRoutes } from '../../../src/transports/routes'
import { OUTAGE } from '../../../src/transports/capabilities'
import { WorkerAdapters } from '../../../src/service/workers/worker-adapters'
import { WriterAdapters } from '../../../src/service/workers/writer-adapters'
import { answering, fresh } from '../../adapter/answering-transport'
import { eventually, PATIENT } from '../../helpers/eventually'
import { type Pair, priceParameters, type PriceTypes, StillTransport } from '../../http/support'

const ETH = { base: 'ETH', quote: 'USD' }

let directory: string
const ends: (() => unknown)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adapters-test-'))
  environment(PATIENT)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
  nock.cleanAll()
})

const path = () => join(directory, 'link.sock')

const environment = (variables: Record<string, string>): ChangedEnv => {
  const env = withEnv(variables)
  ends.push(() => env.restore())
  return env
}

/** An adapter as it runs in a writer. */
const startWriter = async (adapter: Adapter) => {
  const adapters = new WriterAdapters()
  await adapter.initialize(adapters.dependenciesOf(adapter))
  await adapters.listen(path())
  const background = new Background(adapter)
  const stop = async () => {
    adapters.stop()
    await background.stop()
  }
  ends.push(stop)
  return { adapter, stop }
}

/** The same adapter, made anew, as it runs in a worker. */
const startWorker = async (adapter: Adapter) => {
  const adapters = new WorkerAdapters(path())
  await adapter.initialize(adapters.dependenciesOf(adapter))
  const api = await buildAdapterServer(adapter)
  adapters.link.start()
  await adapters.link.synchronised
  ends.push(async () => {
    await api.close()
    adapters.link.stop()
  })
  return api
}

const post = async (api: FastifyInstance, data: object = ETH) => {
  const headers = { 'content-type': 'application/json' }
  const { statusCode, body } = await api.inject({
    method: 'POST',
    url: '/',
    headers,
    payload: JSON.stringify({ data }),
  })
  return { statusCode, json: JSON.parse(body) as Record<string, any> } // eslint-disable-line @typescript-eslint/no-explicit-any
}

const still = (of: object = {}) => {
  const transport = new StillTransport()
  const endpoint = new AdapterEndpoint<PriceTypes>({
    name: 'price',
    inputParameters: priceParameters(),
    transport,
    ...of,
  })
  return {
    transport,
    adapter: new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }),
  }
}

/** Resolves when a feed is wanted of a transport that runs in the writer. */
const wanted = async (transport: StillTransport): Promise<Pair> => {
  for (;;) {
    const [feed] = await transport.wanted()
    if (feed !== undefined) return feed
    await new Promise(setImmediate)
  }
}

describe('an adapter in a writer and in workers', () => {
  it('gets a feed that a client of a worker wants, whose request is answered by the first write', async () => {
    const { transport, adapter } = still()
    await startWriter(adapter)
    const apis = [await startWorker(still().adapter), await startWorker(still().adapter)] as const
    const asked = post(apis[0])
    const feed = await wanted(transport)
    expect(feed).toEqual(ETH)
    await transport.put(feed, 5)
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 5, statusCode: 200 } })
    const other = await post(apis[1])
    expect(other.json).toEqual((await asked).json)
    // Known by now, and answered from its plan.
    const again = post(apis[0])
    expect((await again).json).toEqual(other.json)
  })

  it('has errors of the provider with their status in every worker', async () => {
    const { transport, adapter } = still()
    await startWriter(adapter)
    const api = await startWorker(still().adapter)
    const asked = post(api)
    await transport.putError(await wanted(transport), 502, 'no such pair')
    expect(await asked).toMatchObject({ statusCode: 502, json: { errorMessage: 'no such pair' } })
  })

  it('8.5, 17.4: what JSON cannot hold is a 502 in a worker, and no live value goes', async () => {
    const { transport, adapter } = still()
    await startWriter(adapter)
    const api = await startWorker(still().adapter)
    const asked = post(api)
    const feed = await wanted(transport)
    const write = (result: unknown) =>
      transport.responseCache.write(transport.name, [
        { params: feed, response: { result, data: {}, timestamps: { providerDataReceivedUnixMs: 1 } } },
      ] as never)
    await write(2n)
    const says = 'Response could not be censored due to an error'
    expect(await asked).toMatchObject({ statusCode: 502, json: { errorMessage: says } })
    await transport.put(feed, 5)
    await eventually(async () => expect((await post(api)).json['result']).toBe(5))
    await write(2n)
    await transport.put({ base: 'BTC', quote: 'USD' }, 7)
    // Sent in this order, so by now the first would have been here.
    await eventually(async () =>
      expect((await post(api, { base: 'BTC', quote: 'USD' })).statusCode).toBe(200),
    )
    expect((await post(api)).json['result']).toBe(5)
  })

  it('sends no worker a status code that is none of an answer', async () => {
    const { transport, adapter } = still()
    await startWriter(adapter)
    const api = await startWorker(still().adapter)
    const asked = post(api)
    await transport.putError(await wanted(transport), 100, 'no')
    expect(await asked).toMatchObject({ statusCode: 502, json: { statusCode: 502 } })
    const timestamps = { providerDataReceivedUnixMs: 1 }
    const key = 'TEST-price-default_single_transport-{"base":"eth","quote":"usd"}'
    await adapter.dependencies.cache.set(key, { result: 1, statusCode: 204, timestamps }, 90_000)
    await eventually(async () =>
      expect((await post(api)).json['errorMessage']).toMatch(/^status code 204 was refused/),
    )
    expect((await post(api)).statusCode).toBe(502)
  })

  it('18.5: an error of one source of two is the answer in a worker once nothing else has come', async () => {
    environment({ COMPOSITE_TRANSPORT: 'true', CACHE_POLLING_MAX_RETRIES: '2', CACHE_POLLING_SLEEP_MS: '10' })
    const composite = () => {
      const [ws, rest] = [new StillTransport(), new StillTransport()]
      const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', ws).register('rest', rest)
      const of = { name: 'price', inputParameters: priceParameters(), transportRoutes }
      const endpoint = new AdapterEndpoint<PriceTypes>({ ...of, enableCompositeTransport: true })
      const adapter = new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
      return { adapter, rest }
    }
    const { adapter, rest } = composite()
    await startWriter(adapter)
    const api = await startWorker(composite().adapter)
    void post(api)
    await rest.putError(await wanted(rest), 502, 'down')
    await eventually(async () => expect((await post(api)).json['errorMessage']).toBe('down'))
    await rest.put(ETH, 5)
    await eventually(async () => expect((await post(api)).json['result']).toBe(5))
  })

  it('ER-1: carries the reason of a cached error to the worker, whoever wrote it', async () => {
    environment({ CACHE_POLLING_MAX_RETRIES: '0' })
    const { transport, adapter } = still()
    await startWriter(adapter)
    const api = await startWorker(still().adapter)
    await post(api)
    await transport.putError(await wanted(transport), 429, 'slow down')
    const reason = { code: 'PROVIDER_ERROR', class: 'quota', message: 'slow down' }
    const answered = await eventually(async () => {
      const answer = await post(api)
      expect(answer).toMatchObject({ statusCode: 429, json: { errorMessage: 'slow down', reason } })
      return answer
    })
    expect(Object.keys(answered.json).at(-1)).toBe('reason')
    const key = transport.responseCache.feed(transport.name, ETH).key
    const stored = { errorMessage: 'an own one', statusCode: 403, timestamps: {} } as never
    await adapter.cache.set(key, stored, 60_000)
    await eventually(async () => expect((await post(api)).json['reason']).toMatchObject({ class: 'auth' }))
  })

  it('ER-1: says in a worker what is wrong in the writer: with the connection, or with the last value', async () => {
    environment({ CACHE_POLLING_MAX_RETRIES: '0' })
    const { transport, adapter } = still({ guards: { max: 10 } })
    const { stop } = await startWriter(adapter)
    const api = await startWorker(still({ guards: { max: 10 } }).adapter)
    // The writer has all the time that it needs to say it.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ends.push(() => vi.useRealTimers())
    await post(api)
    await transport.put(await wanted(transport), 11)
    const refused = await post(api)
    expect(refused.statusCode).toBe(504)
    expect(refused.json['error'].reason).toMatchObject({
      code: 'REFUSED_VALUE',
      message: expect.stringMatching(/out-of-range/),
    })
    const outage = { code: 'NOT_CONNECTED', message: 'refused', sinceUnixMs: 7 }
    Object.assign(transport, { [OUTAGE]: outage })
    expect((await post(api)).json['error'].reason).toEqual({ ...outage, class: 'provider' })
    await stop()
    await eventually(async () => expect((await post(api)).json['error'].reason.code).toBe('WRITER_DOWN'))
  })

  it('refuses a new feed at once in the worker when the registry of the writer is full, and takes it when there is room', async () => {
    environment({ SUBSCRIPTION_SET_MAX_ITEMS: '1000' })
    const writer = still()
    await startWriter(writer.adapter)
    const api = await startWorker(still().adapter)
    const set = writer.transport.subscriptionSet as ExpiringSortedSet<Pair>
    for (let i = 0; i < 1_000; i++) set.add({ base: `B${i}`, quote: 'USD' }, 3_600_000, `known ${i}`)
    // No wait ends while the clock is held, so whoever waits is not answered.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ends.push(() => vi.useRealTimers())
    const refused = await post(api)
    expect(refused).toMatchObject({
      statusCode: 504,
      json: { error: { reason: { code: 'CAPACITY' } } },
    })
    set.delete('known 1')
    const asked = post(api)
    await eventually(() => expect(set.size).toBe(1_000))
    await writer.transport.put(ETH, 5)
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 5 } })
  })

  it('answers in the foreground in the worker itself', async () => {
    const make = () => {
      const endpoint = new AdapterEndpoint<never>({
        name: 'price',
        transport: answering(() => fresh(3, { result: 3 })),
      })
      return new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint as never] })
    }
    await startWriter(make())
    const api = await startWorker(make())
    expect(await post(api, {})).toMatchObject({ statusCode: 200, json: { result: 3 } })
  })

  it('FO-3: wants a feed of all children of a composite transport, and serves what they come to', async () => {
    environment({ COMPOSITE_TRANSPORT: 'true' })
    const make = () => {
      const children = { ws: new StillTransport(), rest: new StillTransport() }
      const transportRoutes = new TransportRoutes<PriceTypes>()
        .register('ws', children.ws)
        .register('rest', children.rest)
      const endpoint = new AdapterEndpoint<PriceTypes>({
        name: 'price',
        inputParameters: priceParameters(),
        transportRoutes,
        defaultTransport: 'ws',
        enableCompositeTransport: true,
      })
      return {
        children,
        adapter: new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] }),
      }
    }
    const { children, adapter } = make()
    await startWriter(adapter)
    const api = await startWorker(make().adapter)
    const asked = post(api)
    await children.rest.put(await wanted(children.rest), 8)
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 8 } })
    expect(await wanted(children.ws)).toEqual(ETH)
  })

  it('asks its provider over HTTP in the writer alone', async () => {
    let requests = 0
    nock('http://provider.test')
      .get('/ETH')
      .reply(() => {
        requests++
        return [200, { price: 9 }]
      })
    const make = () => {
      const transport = new HttpTransport<
        PriceTypes & { Provider: { RequestBody: never; ResponseBody: { price: number } } }
      >({
        prepareRequests: (params) =>
          params.map((one) => ({ params: [one], request: { url: 'http://provider.test/ETH' } })),
        parseResponse: (params, { data }) =>
          params.map((one) => ({
            params: one,
            response: { result: data.price, data: { result: data.price } },
          })),
      })
      const endpoint = new AdapterEndpoint({ name: 'price', inputParameters: priceParameters(), transport })
      return new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] as never })
    }
    environment({ RATE_LIMIT_CAPACITY_MINUTE: '1' })
    await startWriter(make())
    const apis = await Promise.all([startWorker(make()), startWorker(make())])
    const answers = await Promise.all(apis.map((api) => post(api)))
    for (const answer of answers) expect(answer).toMatchObject({ statusCode: 200, json: { result: 9 } })
    expect(requests).toBe(1)
  })

  it('lets an author have a say in the answers of a worker', async () => {
    const includes = [{ from: 'USD', to: 'ETH', includes: [{ from: 'ETH', to: 'USD', inverse: true }] }]
    const make = () => {
      const transport = new StillTransport()
      const endpoint = new PriceEndpoint<PriceTypes>({
        name: 'price',
        inputParameters: priceParameters(),
        transport,
      })
      return {
        transport,
        adapter: new PriceAdapter({
          name: 'TEST',
          defaultEndpoint: 'price',
          endpoints: [endpoint],
          includes,
        }),
      }
    }
    const { transport, adapter } = make()
    await startWriter(adapter)
    const api = await startWorker(make().adapter)
    const asked = post(api, { base: 'USD', quote: 'ETH' })
    await transport.put(await wanted(transport), 4)
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 0.25 } })
    expect(await post(api)).toMatchObject({ statusCode: 200, json: { result: 4 } })
  })

  it('CA-2: extends the life of a value in every worker with that in the writer', async () => {
    const { transport, adapter } = still()
    await startWriter(adapter)
    const worker = still().adapter
    const api = await startWorker(worker)
    const asked = post(api)
    const params = await wanted(transport)
    await transport.put(params, 5)
    await asked
    const feed = worker.endpoints[0]!.responseCache!.feed(DEFAULT_TRANSPORT_NAME, params as never)
    const ends = () =>
      (
        worker.dependencies.cache as unknown as { read: (key: string) => { expirationTimestamp: number } }
      ).read(feed.key).expirationTimestamp
    await transport.responseCache.writeTTL(transport.name, [params], 3_600_000)
    const soonest = Date.now() + 3_000_000
    while (ends() < soonest) await new Promise(setImmediate)
  })

  it('is refused where its values are elsewhere than in memory', () => {
    environment({ CACHE_TYPE: 'redis' })
    expect(() => new WriterAdapters().dependenciesOf(still().adapter)).toThrow(/CACHE_TYPE is redis/)
    expect(() => new WorkerAdapters(path()).dependenciesOf(still().adapter)).toThrow(/CACHE_TYPE is redis/)
  })
})
