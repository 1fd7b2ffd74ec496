import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { serve } from '../../../src/testing/serve'
import { wsProvider, type WsProvider } from '../../../src/testing/ws-provider'
import { FEED_OUTAGE, OUTAGE } from '../../../src/transports/capabilities'
import { HttpTransport } from '../../../src/transports/http/http-transport'
import { type HttpTransportConfig, type HttpTransportGenerics } from '../../../src/transports/http/config'
import { TransportRoutes } from '../../../src/transports/routes'
import { type Transport } from '../../../src/transports/transport'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { eventually, PATIENT } from '../../helpers/eventually'
import { type Answer, httpProvider, type HttpProvider } from '../http/support'
import {
  BTC,
  config,
  ETH,
  FAKED,
  inputParameters,
  type Params,
  tick,
  type Types as WsTypes,
} from '../websocket/support'

type RestTypes = HttpTransportGenerics &
  Omit<WsTypes, 'Provider'> & { Provider: { RequestBody: never; ResponseBody: { price: number } } }

/** A value lives for 90 s by default: a stream is in doubt after a third of that. */
const SILENCE_MS = 30_000

const pathOf = ({ base, quote }: Params) => `/${base}-${quote}`

const restOf = (url: string): HttpTransportConfig<RestTypes> => ({
  prepareRequests: (params) =>
    params.map((feed) => ({ params: [feed], request: { baseURL: url, url: pathOf(feed) } })),
  parseResponse: (params, { data: { price: result } }) =>
    params.map((feed) => ({ params: feed, response: { result, data: { result } } })),
})

/** An endpoint with a stream and a REST API of the same feeds, neither of which gives times. */
const start = async (of: {
  answer: HttpProvider['answer']
  ws?: Awaited<ReturnType<typeof wsProvider>>
  isRestFirst?: boolean
  env?: Record<string, string>
}) => {
  const provider = await httpProvider(of.answer)
  const stream = of.ws ?? (await wsProvider())
  const ws = new WebSocketTransport<WsTypes>(config(stream.url))
  const rest = new HttpTransport<RestTypes>(restOf(provider.url))
  const both: [string, Transport<WsTypes>][] = [
    ['ws', ws],
    ['rest', rest as unknown as Transport<WsTypes>],
  ]
  const transportRoutes = new TransportRoutes<WsTypes>()
  for (const [name, transport] of of.isRestFirst === true ? both.reverse() : both)
    transportRoutes.register(name, transport)
  const endpoint = new AdapterEndpoint<WsTypes>({
    name: 'price',
    inputParameters,
    enableCompositeTransport: true,
    defaultTransport: 'ws',
    transportRoutes,
  })
  const env = { ...PATIENT, COMPOSITE_TRANSPORT: 'true', RETRY: '0', ...of.env }
  const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  const service = await serve(make, { env })
  const end = async () => {
    await service.stop()
    await stream[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  }
  const asked = (feed: Params = ETH) => provider.asked.filter(({ path }) => path === pathOf(feed)).length
  return Object.assign(service, { provider, stream, ws, rest, asked, [Symbol.asyncDispose]: end })
}

const FAILS: Answer = { status: 500, body: { why: 'down' } }
const priced = (price: number): Answer => ({ body: { price } })
const never = () => undefined

const refusal = (feed: Params, why: string) => ({ refused: { ...feed, why } })

/** One whose port nobody listens on any more. */
const refusingStream = async (): Promise<WsProvider> => {
  const stream = await wsProvider()
  await stream.stop()
  return stream
}

afterEach(() => void vi.useRealTimers())

describe('the first request for a feed of two sources', () => {
  it.each([500, 404])('gets the price of the stream, though REST says %d at once', async (status) => {
    await using service = await start({ answer: () => ({ status, body: {} }) })
    const asked = service.post(ETH)
    const connection = await service.stream.connection()
    await eventually(() => expect(service.rest[OUTAGE]).toBeDefined())
    connection.send(tick(ETH, 5))
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 5 } })
  })

  it('gets the price of REST, though the stream refuses the feed at once', async () => {
    let answer = (_answer: Answer) => {}
    const answered = new Promise<Answer>((resolve) => (answer = resolve))
    await using service = await start({ answer: () => answered })
    const asked = service.post(ETH)
    const connection = await service.stream.connection()
    connection.send(refusal(ETH, 'not listed'))
    connection.send(tick(BTC, 1))
    await service.until(BTC, ({ statusCode }) => statusCode === 200)
    answer(priced(7))
    expect(await asked).toMatchObject({ statusCode: 200, json: { result: 7 } })
  })

  it('FO-7: gets the errors of both, named, as soon as both have said one', async () => {
    await using service = await start({ answer: () => FAILS })
    const asked = service.post(ETH)
    const connection = await service.stream.connection()
    await connection.next()
    connection.send(refusal(ETH, 'not listed'))
    const { statusCode, json } = await asked
    expect([statusCode, json.statusCode]).toEqual([502, 502])
    expect(json.errorMessage).toMatch(
      /^ws: not listed \(502, .*Z\); rest: Provider request failed with status 500: .*down.* \(502, .*Z\)$/,
    )
  })

  it('FO-7: gets the error of one beside the outage of the other when its time is over', async () => {
    vi.useFakeTimers(FAKED)
    await using service = await start({ answer: () => FAILS, ws: await refusingStream() })
    const asked = service.post(ETH)
    await eventually(async () => {
      await vi.advanceTimersByTimeAsync(10)
      expect(service.ws[OUTAGE]).toBeDefined()
      expect(service.rest[FEED_OUTAGE](ETH)).toBeDefined()
    })
    await vi.advanceTimersByTimeAsync(20_000)
    const { statusCode, json } = await asked
    expect(statusCode).toBe(502)
    expect(json.errorMessage).toMatch(
      /^ws: .*\(CONNECTION_REFUSED, .*Z\); rest: Provider request failed with status 500: .*$/,
    )
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await service.post(ETH)).statusCode).toBe(502)
  })

  it('FO-7: gets both causes in its 504 when neither leaves an answer', async () => {
    vi.useFakeTimers(FAKED)
    await using service = await start({ answer: () => ({ destroy: true }), ws: await refusingStream() })
    const asked = service.post(ETH)
    await eventually(async () => {
      await vi.advanceTimersByTimeAsync(10)
      expect(service.ws[OUTAGE]).toBeDefined()
      expect(service.rest[FEED_OUTAGE](ETH)).toBeDefined()
    })
    await vi.advanceTimersByTimeAsync(22_000)
    const { statusCode, json } = await asked
    expect(statusCode).toBe(504)
    expect(json.error.reason.message).toMatch(/^ws: .*ECONNREFUSED.*; rest: ./)
  })

  it('gets what there is at once, where requests do not wait', async () => {
    await using service = await start({
      answer: () => FAILS,
      ws: await refusingStream(),
      env: { CACHE_POLLING_MAX_RETRIES: '0' },
    })
    const { json } = await service.until(ETH, ({ statusCode }) => statusCode === 502)
    expect(json.errorMessage).toContain('Provider request failed with status 500')
  })
})

describe.each([{ isRestFirst: false }, { isRestFirst: true }])(
  'REST beside a stream (registered first: $isRestFirst)',
  ({ isRestFirst }) => {
    beforeEach(() => void vi.useFakeTimers(FAKED))

    /** Lets time pass, and what it set off happen in between. */
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10) {
        await vi.advanceTimersByTimeAsync(10)
        if (passed % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }

    /** Moves the clock in small steps until the check holds. Says how long that took. */
    const passUntil = async (check: () => unknown): Promise<number> => {
      const before = Date.now()
      await eventually(async () => {
        await vi.advanceTimersByTimeAsync(1)
        await check()
      })
      return Date.now() - before
    }

    const priceIs = (service: Awaited<ReturnType<typeof start>>, price: number) =>
      passUntil(async () => expect((await service.post(ETH)).json.result).toBe(price))

    /** Requests that are on their way when REST is no longer needed are let through. */
    const quiet = async (service: Awaited<ReturnType<typeof start>>) => {
      let seen = -1
      await passUntil(async () => {
        const before = seen
        seen = service.asked()
        await pass(100)
        expect(service.asked()).toBe(before)
      })
    }

    const askBoth = async (service: Awaited<ReturnType<typeof start>>) => {
      const asked = service.post(ETH)
      const connection = await service.stream.connection()
      await service.provider.seen(1)
      return { connection, asked }
    }

    it('FO-6: is asked for a new feed, until the stream has a value, and then no more', async () => {
      await using service = await start({ answer: () => priced(7), isRestFirst })
      const { connection, asked } = await askBoth(service)
      expect((await asked).json.result).toBe(7)
      const { length } = service.provider.asked
      await passUntil(() => expect(service.provider.asked.length).toBeGreaterThan(length))
      connection.send(tick(ETH, 5))
      await priceIs(service, 5)
      await quiet(service)
      const count = service.asked()
      for (let n = 0; n < 10; n++) {
        await pass(SILENCE_MS / 2)
        connection.send(tick(ETH, 10 + n))
        await priceIs(service, 10 + n)
      }
      expect(service.asked()).toBe(count)
    })

    it('FO-6: is asked at once when the stream loses its connection, and no more when it is back', async () => {
      await using service = await start({ answer: () => priced(7), isRestFirst })
      const { connection } = await askBoth(service)
      connection.send(tick(ETH, 5))
      await priceIs(service, 5)
      await quiet(service)
      // No request waits for the pause between two of them any more.
      await pass(1_000)
      const count = service.asked()
      await service.stream.stop()
      let left = 5
      await eventually(async () => {
        if (left-- > 0) await vi.advanceTimersByTimeAsync(10)
        expect(service.asked()).toBeGreaterThan(count)
      })
      await priceIs(service, 7)
      await service.stream.restart()
      const handshake = service.stream.connection()
      const again = await passUntil(async () => {
        const now = await Promise.race([handshake, Promise.resolve(undefined)])
        expect(now).toBeDefined()
      }).then(() => handshake)
      again.send(tick(ETH, 6))
      await priceIs(service, 6)
      await quiet(service)
      expect((await service.post(ETH)).json.result).toBe(6)
    })

    it('FO-2, FO-6: is asked for the one feed that the stream says nothing of any more', async () => {
      await using service = await start({ answer: () => priced(7), isRestFirst })
      const { connection } = await askBoth(service)
      void service.post(BTC)
      connection.send(tick(ETH, 5))
      connection.send(tick(BTC, 50))
      await priceIs(service, 5)
      await passUntil(async () => expect((await service.post(BTC)).json.result).toBe(50))
      await quiet(service)
      const [count, others] = [service.asked(), service.asked(BTC)]
      await pass(SILENCE_MS / 2)
      connection.send(tick(BTC, 51))
      await passUntil(async () => expect((await service.post(BTC)).json.result).toBe(51))
      expect(service.asked()).toBe(count)
      await pass(SILENCE_MS / 2)
      await passUntil(() => expect(service.asked()).toBeGreaterThan(count))
      await priceIs(service, 7)
      expect(service.asked(BTC)).toBe(others)
      connection.send(tick(ETH, 6))
      await priceIs(service, 6)
    })

    it('FO-2: is asked for a feed that the stream lacks, and the others stay with the stream', async () => {
      await using service = await start({
        answer: (path) => priced(path === pathOf(BTC) ? 50 : 7),
        isRestFirst,
      })
      const { connection } = await askBoth(service)
      connection.send(tick(ETH, 5))
      await priceIs(service, 5)
      await quiet(service)
      const count = service.asked()
      void service.post(BTC)
      connection.send(refusal(BTC, 'not listed'))
      await passUntil(async () => expect((await service.post(BTC)).json.result).toBe(50))
      const others = service.asked(BTC)
      await pass(1_000)
      await passUntil(() => expect(service.asked(BTC)).toBeGreaterThan(others))
      expect(service.asked()).toBe(count)
      expect((await service.post(ETH)).json.result).toBe(5)
    })

    it('FO-7: serves a price while what the stream said of the feed stays visible in a metric', async () => {
      await using service = await start({ answer: () => priced(50), isRestFirst })
      const { connection } = await askBoth(service)
      void service.post(BTC)
      connection.send(refusal(BTC, 'not listed'))
      await passUntil(async () => expect((await service.post(BTC)).json.result).toBe(50))
      const labels = { adapter_endpoint: 'price', transport: 'ws', status_code: '502' }
      expect(await service.metric('source_errors_total', labels)).toBeGreaterThanOrEqual(1)
    })

    it('FO-8: is moved to, and back from, in one event each', async () => {
      await using service = await start({ answer: () => priced(7), isRestFirst })
      const count = async (from: string, to: string, reason: string) =>
        (await service.metric('source_switches_total', { adapter_endpoint: 'price', from, to, reason })) ?? 0
      const names = ['ws', 'rest']
      const all = names.flatMap((from) =>
        names.flatMap((to) => ['failed', 'preferred'].map((reason) => [from, to, reason] as const)),
      )
      const sum = async () => (await Promise.all(all.map((of) => count(...of)))).reduce((a, b) => a + b)
      const counts = () =>
        Promise.all([count('ws', 'rest', 'failed'), count('rest', 'ws', 'preferred'), sum()])
      const { connection } = await askBoth(service)
      connection.send(tick(ETH, 5))
      await priceIs(service, 5)
      await quiet(service)
      const [failed, preferred, sumBefore] = await counts()
      await pass(SILENCE_MS + 1_000)
      await priceIs(service, 7)
      expect(await counts()).toEqual([failed + 1, preferred, sumBefore + 1])
      connection.send(tick(ETH, 6))
      await priceIs(service, 6)
      expect(await counts()).toEqual([failed + 1, preferred + 1, sumBefore + 2])
      connection.send(tick(ETH, 8))
      await priceIs(service, 8)
      expect(await counts()).toEqual([failed + 1, preferred + 1, sumBefore + 2])
    })

    it('is not served in turn with the stream while both have values', async () => {
      let price = 100
      await using service = await start({ answer: () => priced(price++), isRestFirst })
      const { connection } = await askBoth(service)
      connection.send(tick(ETH, 5))
      await priceIs(service, 5)
      for (let n = 0; n < 50; n++) {
        await pass(20)
        expect((await service.post(ETH)).json.result).toBe(5)
      }
    })

    it('waits at no request that hangs with the values of the stream', async () => {
      await using service = await start({ answer: never, isRestFirst })
      const { connection, asked } = await askBoth(service)
      connection.send(tick(ETH, 5))
      expect((await asked).json.result).toBe(5)
    })
  },
)
