import { type ClientRequest, request as httpRequest } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { waitForValue } from '../../src/adapter/wait-for-value'
import { LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { metrics } from '../../src/metrics/registry'
import { type Reply, serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { OUTAGE } from '../../src/transports/capabilities'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { type AdapterRequest } from '../../src/transports/transport'
import { eventually, PATIENT } from '../helpers/eventually'
import {
  JSON_HEADERS,
  priceParameters,
  type PriceTypes,
  stillAdapter,
  type StillAdapter,
  WAYS,
  stoppable,
} from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const TIMERS = { toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] as const }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Resolves when so many requests have begun to wait. */
const waiting = ({ local }: StillAdapter, count = 1): Promise<void> =>
  new Promise((resolve) => {
    const { waiters } = local()
    const wait = waiters.wait.bind(waiters)
    waiters.wait = (...args) => {
      const result = wait(...args)
      if (waiters.size === count) {
        waiters.wait = wait
        resolve()
      }
      return result
    }
  })

describe.each(WAYS)('a request without a value, where requests are $way', ({ requestTransforms }) => {
  const start = async (env: Record<string, string> = {}, more: object = {}) => {
    const still = stillAdapter({ endpoint: { requestTransforms, ...more } })
    return stoppable({ still, service: await serve(still.adapter, { env }) })
  }

  describe('on a clock that the test moves', () => {
    beforeEach(() => void vi.useFakeTimers({ ...TIMERS, toFake: [...TIMERS.toFake] }))

    it('ER-6: is woken by the write, at once', async () => {
      await using started = await start()
      const { still, service } = started
      for (const result of [5, 6]) {
        const begun = waiting(still)
        const asked = service.post(ETH)
        await begun
        const before = Date.now()
        await still.transport.put(ETH, result)
        // Nobody moves the clock: no timer has a part in this.
        expect((await asked).json).toMatchObject({ result })
        expect(Date.now()).toBe(before)
        expect(still.local().waiters.size).toBe(0)
        still.local().cache.clear()
      }
    })

    it('ER-6: is woken by an error too, and by nothing that is written for another feed', async () => {
      await using started = await start()
      const { still, service } = started
      const begun = waiting(still)
      const asked = service.post(ETH)
      await begun
      await still.transport.put(BTC, 1)
      expect(still.local().waiters.size).toBe(1)
      await still.transport.putError(ETH, 502, 'not listed')
      expect(await asked).toMatchObject({ statusCode: 502, json: { errorMessage: 'not listed' } })
    })

    it.each([
      [{}, 2_200],
      [{ CACHE_POLLING_MAX_RETRIES: '3', CACHE_POLLING_SLEEP_MS: '250' }, 1_000],
      [{ CACHE_POLLING_MAX_RETRIES: '1', CACHE_POLLING_SLEEP_MS: '10' }, 20],
    ])('17.10: waits (retries + 1) x sleep in all: with %o it is %i ms', async (env, ms) => {
      await using started = await start(env)
      const { still, service } = started
      const { waiters } = still.local()
      for (let time = 0; time < 2; time++) {
        const begun = waiting(still)
        const asked = service.post(ETH)
        await begun
        await vi.advanceTimersByTimeAsync(ms - 1)
        expect(waiters.size).toBe(1)
        await vi.advanceTimersByTimeAsync(1)
        expect(waiters.size).toBe(0)
        expect((await asked).statusCode).toBe(504)
      }
    })

    it('is answered with 504 at once when no retry is allowed', async () => {
      await using started = await start({ CACHE_POLLING_MAX_RETRIES: '0' })
      const { still, service } = started
      const wait = vi.spyOn(still.local().waiters, 'wait')
      for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(504)
      expect(wait).not.toHaveBeenCalled()
      expect(await still.transport.wanted()).toEqual([ETH])
    })

    it('finds a value that was set by somebody else in the cache', async () => {
      await using started = await start()
      const { still, service } = started
      const begun = waiting(still)
      const asked = service.post(ETH)
      await begun
      const value = { result: 9, data: {}, statusCode: 200 } as never
      await still
        .local()
        .set('TEST-price-default_single_transport-{"base":"eth","quote":"usd"}', value, 1_000)
      expect((await asked).json).toMatchObject({ result: 9 })
    })
  })

  it('needs no moving Date.now, neither to wait nor to give up', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
    await using started = await start({ CACHE_POLLING_MAX_RETRIES: '1', CACHE_POLLING_SLEEP_MS: '10' })
    const { still, service } = started
    expect((await service.post(ETH)).statusCode).toBe(504)
    still.adapter.settings.CACHE_POLLING_SLEEP_MS = 60_000
    const begun = waiting(still)
    const asked = service.post(ETH)
    await begun
    await still.transport.put(ETH, 5)
    expect((await asked).json).toMatchObject({ result: 5 })
  })

  it('ER-2, 17.4: an error does not replace a live value, and is served once that has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    await using started = await start({ CACHE_POLLING_MAX_RETRIES: '0' })
    const { still, service } = started
    await still.transport.put(ETH, 5)
    await still.transport.putError(ETH, 502, 'down')
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
    vi.setSystemTime(Date.now() + 90_000)
    await still.transport.putError(ETH, 502, 'down')
    for (let time = 0; time < 2; time++)
      expect((await service.post(ETH)).json).toMatchObject({ errorMessage: 'down' })
  })

  it('ER-3: a value ends the error of its feed, and of no other', async () => {
    await using started = await start({ CACHE_POLLING_MAX_RETRIES: '0' })
    const { still, service } = started
    for (const pair of [ETH, BTC]) await still.transport.putError(pair, 502, 'down')
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).statusCode).toBe(502)
    await still.transport.put(ETH, 5)
    for (let time = 0; time < 2; time++) {
      expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
      expect((await service.post(BTC)).json).toMatchObject({ errorMessage: 'down' })
    }
  })

  it.each([
    [{ guards: {} }, 0, 'REFUSED_VALUE', 'not-positive'],
    [
      { guards: { maxAgeMs: 1_000 } },
      5,
      'STALE_VALUE',
      "too-old (1.1 s by the provider's time, 1 s allowed)",
    ],
  ])('ER-1: the 504 says what became of the last value: %o', async (endpoint, result, code, why) => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    await using started = await start({ CACHE_POLLING_MAX_RETRIES: '0' }, endpoint)
    const { still, service } = started
    expect((await service.post(ETH)).json).not.toHaveProperty('error.reason')
    await still.transport.put(ETH, result, Date.now() - 1_000)
    vi.setSystemTime(Date.now() + 50)
    await still.transport.put(ETH, result, Date.now() - 1_050)
    for (let time = 0; time < 2; time++) {
      expect((await service.post(ETH)).json).toMatchObject({
        error: {
          reason: { code, message: `The last value was refused: ${why}`, sinceUnixMs: 1_700_000_000_000 },
        },
      })
    }
    await still.transport.put(ETH, 7, Date.now())
    still.local().cache.clear()
    expect((await service.post(ETH)).json).not.toHaveProperty('error.reason')
  })

  it('ER-1: the 504 says what is wrong with the connection first', async () => {
    await using started = await start({ CACHE_POLLING_MAX_RETRIES: '0' }, { guards: {} })
    const { still, service } = started
    const reason = { code: 'CONNECTION_REFUSED', message: 'refused', sinceUnixMs: 1, nextAttemptUnixMs: 2 }
    Object.assign(still.transport, { [OUTAGE]: reason })
    await still.transport.put(ETH, 0)
    for (let time = 0; time < 2; time++)
      expect((await service.post(ETH)).json).toMatchObject({ error: { reason } })
  })

  it('HT-5: 10 000 at once want one feed, and one write answers all of them', async () => {
    await using started = await start()
    const { still, service } = started
    // Longer than any machine takes for so many.
    still.adapter.settings.CACHE_POLLING_SLEEP_MS = 600_000
    const count = 10_000
    const begun = waiting(still, count)
    const asked = Promise.all(Array.from({ length: count }, () => service.post(ETH)))
    await begun
    expect(await still.transport.wanted()).toEqual([ETH])
    await still.transport.put(ETH, 5)
    const results = new Set((await asked).map(({ statusCode }) => statusCode))
    expect([...results]).toEqual([200])
    expect(still.local().waiters.size).toBe(0)
  }, 120_000)
})

describe('HT-5: a client that hangs up', () => {
  const connect = (url: string): { req: ClientRequest; ended: Promise<unknown> } => {
    const req = httpRequest(url, { method: 'POST', headers: JSON_HEADERS })
    const ended = new Promise((resolve) => req.on('error', resolve))
    req.end(JSON.stringify({ data: ETH }))
    return { req, ended }
  }

  it('frees its waiter, and nobody else', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { listen: true, env: PATIENT })
    const begun = waiting(still, 2)
    const clients = [connect(service.url!), connect(service.url!)]
    await begun
    const response = new Promise((resolve) => clients[1]!.req.on('response', resolve))
    clients[0]!.req.destroy()
    await clients[0]!.ended
    await eventually(() => expect(still.local().waiters.size).toBe(1))
    await still.transport.put(ETH, 5)
    expect(await response).toMatchObject({ statusCode: 200 })
    clients[1]!.req.destroy()
  })

  it('is not waited for at all when it was gone before', async () => {
    metrics.initialize()
    const cache = new LocalCache<AdapterResponse>(10)
    const req = {
      raw: { socket: { destroyed: true, once: () => {}, removeListener: () => {} } },
      requestContext: { cacheKey: 'k', endpointName: 'e' },
    } as unknown as AdapterRequest<unknown>
    const settings = { CACHE_POLLING_MAX_RETRIES: 20, CACHE_POLLING_SLEEP_MS: 1_000 }
    expect(await waitForValue(cache, req, settings, { waited: () => {} })).toBeUndefined()
    expect(cache.waiters.size).toBe(0)
  })
})

describe('a stream', () => {
  it('HT-5: is subscribed to once, however many ask', async () => {
    await using provider = await wsProvider()
    const transport = new WebSocketTransport<
      PriceTypes & { Provider: { WsMessage: { b: string; p: number } } }
    >({
      url: () => provider.url,
      handlers: {
        message: ({ b, p }) => [
          { params: { base: b, quote: 'USD' }, response: { result: p, data: { result: p } } },
        ],
      },
      builders: { subscribeMessage: ({ base }) => ({ sub: base }) },
    })
    const endpoint = new AdapterEndpoint({ name: 'stream', inputParameters: priceParameters(), transport })
    const { adapter } = stillAdapter({ adapter: { endpoints: [endpoint], defaultEndpoint: 'stream' } })
    await using service = await serve(adapter, { env: PATIENT })
    const asked: Promise<Reply>[] = Array.from({ length: 500 }, () => service.post(ETH))
    const connection = await provider.connection()
    await connection.next()
    connection.send({ b: 'ETH', p: 3 })
    for (const { json } of await Promise.all(asked)) expect(json).toMatchObject({ result: 3 })
    for (let time = 0; time < 50; time++) await service.post(ETH)
    expect(connection.received).toEqual(['{"sub":"ETH"}'])
    void service.post(BTC)
    await connection.next()
    expect(connection.received).toEqual(['{"sub":"ETH"}', '{"sub":"BTC"}'])
  })
})
