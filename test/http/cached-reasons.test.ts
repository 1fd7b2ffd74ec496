import { describe, expect, it, onTestFinished } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { Adapter } from '../../src/adapter/adapter'
import { NumericResultEndpoint } from '../../src/adapter/numeric-result-endpoint'
import { told } from '../../src/feeds/error-reason'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve, type Reply } from '../../src/testing/serve'
import { TestAdapter } from '../../src/testing/test-adapter'
import { TransportRoutes } from '../../src/transports/routes'
import { eventually } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from '../transports/http/support'
import {
  keyOf,
  priceParameters,
  type PriceTypes,
  stillAdapter,
  StillTransport,
  stoppable,
  WAYS,
} from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }
const AT = 1_700_000_000_000
const timestamps = { providerDataStreamEstablishedUnixMs: 1, providerDataReceivedUnixMs: AT }

describe.each(WAYS)('a cached error, where requests are $way', ({ requestTransforms }) => {
  const start = async (env: Record<string, string> = {}) => {
    const still = stillAdapter({ endpoint: { requestTransforms } })
    const service = await serve(still.adapter, { env: { ...AT_ONCE, ...env } })
    const write = (response: object) =>
      still.transport.responseCache.write(still.transport.name, [
        { params: ETH, response: response as never },
      ])
    return stoppable({ still, service, write })
  }

  it('ER-1: has its reason beside it, as the last member, and is else what it was', async () => {
    await using started = await start()
    const { service, write } = started
    const error = { errorMessage: 'not listed', statusCode: 502, timestamps }
    await write(error)
    for (let time = 0; time < 3; time++) {
      const { statusCode, text, json } = await service.post(ETH)
      expect(statusCode).toBe(502)
      const { reason, meta, ...others } = json
      expect(text).toBe(JSON.stringify({ ...error, meta, reason }))
      expect(others).toEqual(error)
      expect(reason).toEqual({
        code: 'PROVIDER_ERROR',
        class: 'provider',
        message: 'not listed',
        sinceUnixMs: AT,
      })
    }
  })

  it.each([
    [401, 'auth'],
    [403, 'auth'],
    [404, 'symbol'],
    [408, 'timeout'],
    [429, 'quota'],
    [500, 'provider'],
    [504, 'timeout'],
  ])('ER-1: has the class of its status where nothing else is known: %i is %s', async (statusCode, kind) => {
    await using started = await start()
    await started.write({ errorMessage: 'no', statusCode, timestamps })
    expect(await started.service.post(ETH)).toMatchObject({ statusCode, json: { reason: { class: kind } } })
  })

  it('is our own fault where the adapter made something that is no answer', async () => {
    await using started = await start()
    const ours = { code: 'PARSE_FAILED', class: 'internal' }
    await started.write({ result: 1, data: { big: 1n }, timestamps })
    expect((await started.service.post(ETH)).json.reason).toMatchObject(ours)
    await started.write({ result: 1, data: { result: 1 }, statusCode: 1000, timestamps })
    expect((await started.service.post(ETH)).json.reason).toMatchObject(ours)
  })

  it('is so since the first error after the last value, and a value ends that', async () => {
    await using started = await start({ CACHE_MAX_AGE: '1000' })
    const { service, write, still } = started
    const since = async () => (await service.post(ETH)).json.reason?.sinceUnixMs as number | undefined
    const error = (ms: number) => ({
      errorMessage: `error ${ms}`,
      statusCode: 502,
      timestamps: { ...timestamps, providerDataReceivedUnixMs: AT + ms },
    })
    await write(error(0))
    await write(error(10))
    expect(await since()).toBe(AT)
    await write({ result: 1, data: { result: 1 }, timestamps })
    expect(await since()).toBeUndefined()
    still.local().cache.clear()
    await write(error(20))
    expect(await since()).toBe(AT + 20)
  })

  it('has one when another has written it, such as an author or a process of another version', async () => {
    await using started = await start()
    const { service, still } = started
    const stored = { errorMessage: 'theirs', statusCode: 429, timestamps } as unknown as AdapterResponse
    await still.local().set(keyOf('eth', 'usd'), stored, 60_000)
    expect((await service.post(ETH)).json.reason).toMatchObject({ class: 'quota', message: 'theirs' })
    expect(stored).not.toHaveProperty('reason')
  })

  it("leaves an author's own member of that name as it is", async () => {
    await using started = await start()
    await started.write({ errorMessage: 'no', statusCode: 502, timestamps, reason: 'theirs' })
    expect((await started.service.post(ETH)).json.reason).toBe('theirs')
  })

  it('shows the same in /explain', async () => {
    await using started = await start({ EXPLAIN_ENABLED: 'true' })
    const { service, write } = started
    await write({ errorMessage: 'not listed', statusCode: 404, timestamps })
    const { reason } = (await service.post(ETH)).json
    const { body } = await service.api.inject({ url: '/explain?base=ETH&quote=USD' })
    expect(JSON.parse(body)).toMatchObject({
      state: 'error',
      reason,
      error: { errorMessage: 'not listed', reason },
    })
  })

  it('has none under TestAdapter, in the cache as well', async () => {
    const still = stillAdapter({ endpoint: { requestTransforms } })
    const testAdapter = await TestAdapter.startWithMockedCache(still.adapter, {})
    onTestFinished(() => testAdapter.api.close())
    await still.transport.putError(ETH, 502, 'not listed')
    for (let time = 0; time < 3; time++)
      expect(JSON.parse((await testAdapter.request(ETH)).body)).not.toHaveProperty('reason')
    expect(await testAdapter.mockCache.get(keyOf('eth', 'usd'))).not.toHaveProperty('reason')
  })
})

it('a value that a validator refuses is the work of a guard', async () => {
  const transport = new StillTransport()
  const endpoint = new NumericResultEndpoint<PriceTypes>({
    name: 'price',
    inputParameters: priceParameters(),
    transport,
  })
  const adapter = new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  await using service = await serve(adapter, { env: AT_ONCE })
  await transport.put(ETH, NaN)
  expect((await service.post(ETH)).json).toMatchObject({
    errorMessage: 'Invalid numeric result: NaN',
    reason: { code: 'REFUSED_VALUE', class: 'guard' },
  })
})

it('only errors get a reason, and each once', () => {
  const value = { result: 1, data: {}, statusCode: 200, timestamps } as never
  expect(told(value)).toBe(value)
  const error = told({
    errorMessage: 'x'.repeat(1_000),
    statusCode: 502,
    timestamps,
  } as unknown as AdapterResponse)
  expect(told(error)).toBe(error)
  expect((error as { reason?: { message: string } }).reason?.message).toHaveLength(513)
})

describe('an HTTP provider that answers with an error status', () => {
  const settled = async (body: object, status: number): Promise<Reply> => {
    await using provider = await httpProvider(() => ({ status, body }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...AT_ONCE, RETRY: '0' },
    })
    return await eventually(async () => {
      const reply = await service.post({ base: 'ETH' })
      expect(reply.statusCode).toBe(502)
      return reply
    })
  }

  it.each([
    [500, 'REQUEST_FAILED', 'provider'],
    [429, 'RATE_LIMITED', 'quota'],
    [401, 'REQUEST_FAILED', 'auth'],
    [404, 'REQUEST_FAILED', 'symbol'],
  ])('ER-1: %i is the cause of the cached error, with the next attempt', async (status, code, kind) => {
    const { json } = await settled({ secret: 'page' }, status)
    expect(json.errorMessage).toBe(`Provider request failed with status ${status}: {"secret":"page"}`)
    expect(json.reason).toMatchObject({ code, class: kind })
    expect(json.reason.message).not.toContain('page')
    expect(Number.isInteger(json.reason.sinceUnixMs)).toBe(true)
    expect(Number.isInteger(json.reason.nextAttemptUnixMs)).toBe(true)
  })
})

it('the sources of a composite are each named in the reason of its error', async () => {
  const [ws, rest] = [new StillTransport(), new StillTransport()]
  const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', ws).register('rest', rest)
  const endpoint = new AdapterEndpoint<PriceTypes>({
    name: 'price',
    inputParameters: priceParameters(),
    transportRoutes,
    enableCompositeTransport: true,
  })
  const adapter = new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  await using service = await serve(adapter, { env: { ...AT_ONCE, COMPOSITE_TRANSPORT: 'true' } })
  await ws.putError(ETH, 401, 'bad key')
  await rest.putError(ETH, 502, 'down')
  const { reason } = (await service.post(ETH)).json
  expect(reason).toMatchObject({ code: 'PROVIDER_ERROR', class: 'auth', message: 'ws: bad key; rest: down' })
})
