import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdapterRequest } from '../../src/transports/transport'
import { serve } from '../../src/testing/serve'
import { asyncLocalStorage } from '../../src/util/logging'
import { CensorList } from '../../src/util/redaction'
import { JSON_HEADERS, stillAdapter, StillTransport, WAYS, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT = 1_700_000_000_000
const JSON_TYPE = 'application/json; charset=utf-8'
const timestamps = {
  providerDataRequestedUnixMs: AT,
  providerDataReceivedUnixMs: AT,
  providerIndicatedTimeUnixMs: AT,
}

/** Does what the test says when the cache has nothing. */
class ForegroundTransport extends StillTransport {
  constructor(private readonly work: (req: AdapterRequest<unknown>) => unknown) {
    super()
  }

  foregroundExecute(req: AdapterRequest<unknown>): Promise<never> {
    return Promise.resolve(this.work(req) as never)
  }
}

afterEach(() => {
  CensorList.set([], 'TEST')
  vi.unstubAllEnvs()
})

describe.each(WAYS)('an answer, where requests are $way', ({ requestTransforms }) => {
  const start = async (env: Record<string, string> = {}) => {
    const still = stillAdapter({ endpoint: { requestTransforms } })
    const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0', ...env } })
    const write = (response: object) =>
      still.transport.responseCache.write(still.transport.name, [
        { params: ETH, response: response as never },
      ])
    const ask = () =>
      service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload: { data: ETH } })
    return stoppable({ service, write, ask })
  }

  it('is the response as the transport made it, with a status, and no meta without metrics', async () => {
    await using started = await start({ METRICS_ENABLED: 'false' })
    const { write, ask } = started
    await write({ result: 1.5, data: { result: 1.5, more: [null, 'x'] }, timestamps })
    for (let time = 0; time < 2; time++) {
      const reply = await ask()
      expect(reply.statusCode).toBe(200)
      expect(reply.headers['content-type']).toBe(JSON_TYPE)
      expect(reply.json()).toEqual({
        result: 1.5,
        data: { result: 1.5, more: [null, 'x'] },
        timestamps,
        statusCode: 200,
      })
    }
  })

  it('carries meta with metrics, and leaves out a time that the provider did not give', async () => {
    await using started = await start()
    const { write, ask } = started
    const given = { providerDataStreamEstablishedUnixMs: 1, providerDataReceivedUnixMs: 2 }
    await write({
      result: 1,
      data: { result: 1 },
      timestamps: { ...given, providerIndicatedTimeUnixMs: undefined },
    })
    for (let time = 0; time < 2; time++) {
      expect((await ask()).json()).toEqual({
        result: 1,
        data: { result: 1 },
        timestamps: given,
        statusCode: 200,
        meta: {
          adapterName: 'TEST',
          transportName: 'default_single_transport',
          metrics: { feedId: '{"base":"eth","quote":"usd"}' },
        },
      })
    }
  })

  it('does not depend on the order of members in the request, nor on its letter case', async () => {
    await using started = await start()
    const { service, write } = started
    await write({ result: 1, data: { result: 1 }, timestamps })
    const texts = new Set<string>()
    for (const data of [ETH, { quote: 'USD', base: 'ETH' }, { to: 'usd', coin: 'Eth' }]) {
      for (let time = 0; time < 2; time++) texts.add((await service.post(data)).text)
    }
    expect(texts.size).toBe(1)
  })

  it('has the status that the transport gave it', async () => {
    await using started = await start()
    const { write, ask } = started
    await write({ result: 1, data: { result: 1 }, statusCode: 206, timestamps })
    for (let time = 0; time < 2; time++)
      expect([(await ask()).statusCode, (await ask()).json<{ statusCode: number }>().statusCode]).toEqual([
        206, 206,
      ])
  })

  it('is the cached refusal of a provider, with its status', async () => {
    await using started = await start({ METRICS_ENABLED: 'false' })
    const { write, ask } = started
    const reason = { code: 'PROVIDER_ERROR', class: 'provider', message: 'no such pair', sinceUnixMs: AT }
    await write({ statusCode: 502, errorMessage: 'no such pair', timestamps })
    for (let time = 0; time < 2; time++) {
      const reply = await ask()
      expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
        502,
        JSON_TYPE,
        { errorMessage: 'no such pair', statusCode: 502, timestamps, reason },
      ])
    }
  })

  it('is a 502 when the transport made up a status that HTTP has not', async () => {
    await using started = await start()
    const { write, ask } = started
    await write({ result: 1, data: { result: 1 }, statusCode: 9999, timestamps })
    for (let time = 0; time < 2; time++) {
      const reply = await ask()
      expect([reply.statusCode, reply.headers['content-type']]).toEqual([502, JSON_TYPE])
    }
  })
})

describe('a response made in the foreground', () => {
  it('is sent as it is, and not cached', async () => {
    const response = { result: 4, data: { result: 4 }, timestamps }
    const transport = new ForegroundTransport(() => response)
    const still = stillAdapter({ transport })
    await using service = await serve(still.adapter)
    for (let time = 0; time < 2; time++) expect((await service.post(ETH)).json).toEqual(response)
    expect(still.local().cache.size).toBe(0)
    expect(await transport.wanted()).toEqual([ETH])
  })

  it('is not made while there is a cached one', async () => {
    const work = vi.fn(() => ({ result: 4, data: {}, timestamps }))
    const transport = new ForegroundTransport(work)
    await using service = await serve(stillAdapter({ transport }).adapter)
    await transport.put(ETH, 5)
    expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
    expect(work).not.toHaveBeenCalled()
  })

  it('gives way to the cache when the transport returns nothing', async () => {
    const transport: StillTransport = new ForegroundTransport(() => void transport.put(ETH, 6))
    await using service = await serve(stillAdapter({ transport }).adapter)
    expect((await service.post(ETH)).json).toMatchObject({ result: 6 })
  })
})

describe('the correlation id', () => {
  const seenWith = async (headers: Record<string, string>, env: Record<string, string> = {}) => {
    let seen: unknown
    const transport = new ForegroundTransport(() => {
      seen = asyncLocalStorage.getStore()
      return { result: 1, data: {}, timestamps }
    })
    await using service = await serve(stillAdapter({ transport }).adapter, { env })
    const reply = await service.api.inject({
      method: 'POST',
      url: '/',
      headers: { ...JSON_HEADERS, ...headers },
      payload: { data: ETH },
    })
    expect(Object.keys(reply.headers)).not.toContain('x-correlation-id')
    return seen
  }

  it('of the request is in the store for as long as the request is answered', async () => {
    expect(await seenWith({ 'x-correlation-id': 'abc' })).toEqual({ correlationId: 'abc' })
  })

  it('is a random one where the request has none', async () => {
    const first = await seenWith({})
    const second = await seenWith({ 'x-correlation-id': '' })
    const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string
    expect([first, second]).toEqual([{ correlationId: uuid }, { correlationId: uuid }])
    expect(first).not.toEqual(second)
  })

  it('is absent with CORRELATION_ID_ENABLED=false', async () => {
    expect(await seenWith({ 'x-correlation-id': 'abc' }, { CORRELATION_ID_ENABLED: 'false' })).toBeUndefined()
  })
})
