import { AxiosError, type AxiosResponse } from 'axios'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { HttpTransport, type HttpTransportConfig } from '../../../src/public/transports/http'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import {
  AdapterConnectionError,
  AdapterDataProviderError,
  AdapterRateLimitError,
} from '../../../src/public/validation/error'
import { type Feed, type Types } from './support'

type Context = Parameters<HttpTransport<Types>['backgroundExecute']>[0]
type Dependencies = Parameters<HttpTransport<Types>['initialize']>[0]

const NAME = 'default_single_transport'
const TIMES = { providerDataRequestedUnixMs: 1, providerDataReceivedUnixMs: 2 }
const STAMPED = { ...TIMES, providerIndicatedTimeUnixMs: undefined }

/** contract 16.7: reading anything else than what is there throws, symbols and what assertions look at excepted. */
const strict = <T extends object>(name: string, target: T): T =>
  new Proxy(target, {
    get: (of, key) => {
      const value: unknown = Reflect.get(of, key)
      const path = `${name}.${String(key)}`
      const isFree =
        typeof key === 'symbol' || ['then', 'toJSON', 'FEED_ID_JSON', 'cost', 'asymmetricMatch'].includes(key)
      if (!(key in of) && !isFree) throw new Error(`Property '${path}' does not exist`)
      return typeof value === 'object' && value !== null ? strict(path, value) : value
    },
  })

const settings = strict('settings', {
  WARMUP_SUBSCRIPTION_TTL: 10_000,
  CACHE_MAX_AGE: 90_000,
  MAX_COMMON_KEY_SIZE: 300,
  BACKGROUND_EXECUTE_MS_HTTP: 1_000,
})
const context = strict('context', { endpointName: 'price', adapterSettings: settings }) as unknown as Context

const ETH = { base: 'ETH' }
const BTC = { base: 'BTC' }

const requestFor = ({ base }: Feed) => ({ url: `/${base}` })
const result = (params: Feed, value: number) => ({
  params,
  response: { result: value, data: { result: value } },
})

const config = (of: Partial<HttpTransportConfig<Types>> = {}): HttpTransportConfig<Types> => ({
  prepareRequests: (params) => params.map((one) => ({ params: [one], request: requestFor(one) })),
  parseResponse: ([params], { data }) => [result(params!, data['price']!)],
  ...of,
})

const answer = (data: object) => ({ response: strict('response', { data }), timestamps: TIMES })

const lines: string[] = []
const log = (first: unknown, text?: string) => void lines.push(text ?? String(first))

beforeAll(() => metrics.initialize())

beforeEach(() => {
  lines.length = 0
  LoggerFactoryProvider.set({
    child: () => ({ trace: () => {}, debug: () => {}, info: log, warn: log, error: log, fatal: log }),
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const initialized = async (of: Partial<HttpTransportConfig<Types>>, entries: unknown[], request: unknown) => {
  const write = vi.fn()
  const transport = new HttpTransport<Types>(config(of))
  const getAll = vi.fn(() => entries as Feed[])
  const dependencies = strict('dependencies', {
    requester: { request },
    responseCache: { write },
    subscriptionSetFactory: { buildSet: () => ({ getAll }) },
  }) as unknown as Dependencies
  await transport.initialize(dependencies, settings as never, 'price', NAME)
  return { transport, write, getAll }
}

const pass = async (transport: HttpTransport<Types>, ms = 0) => {
  const running = transport.backgroundExecute(context)
  running.catch(() => {})
  await vi.advanceTimersByTimeAsync(ms)
  return running
}

const gauge = (name: 'cacheWarmerCount' | 'httpRequestsPerBgExecute' | 'rateLimitCreditsSpentTotal') =>
  Object.values(
    (metrics.get(name) as unknown as { hashMap: Record<string, { value: number }> }).hashMap,
  ).reduce((sum, { value }) => sum + value, 0)

describe('a transport initialized with stubs', () => {
  it('asks with key, request and cost, and writes what comes back, before its pass is over', async () => {
    const request = vi.fn(() => Promise.resolve(answer({ price: 5 })))
    const { transport, write } = await initialized({}, [ETH, BTC], request)
    await pass(transport)
    expect(request.mock.calls).toEqual([
      [`price-${NAME}-[{"base":"eth"}]`, { url: '/ETH' }, undefined],
      [`price-${NAME}-[{"base":"btc"}]`, { url: '/BTC' }, undefined],
    ])
    expect(write.mock.calls).toEqual([
      [NAME, [{ params: ETH, response: { result: 5, data: { result: 5 }, timestamps: STAMPED } }]],
      [NAME, [{ params: BTC, response: { result: 5, data: { result: 5 }, timestamps: STAMPED } }]],
    ])
    expect(lines).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes one request for one request, with its cost and the endpoint that it is shared under', async () => {
    const request = vi.fn((..._args: unknown[]) => Promise.resolve(answer({ price: 5 })))
    const prepareRequests = (params: Feed[]) => ({
      params,
      request: { url: '/all' },
      cost: 3,
      endpointNameOverride: 'shared',
    })
    const { transport } = await initialized({ prepareRequests }, [ETH], request)
    await pass(transport)
    expect(request).toHaveBeenCalledWith(`shared-${NAME}-[{"base":"eth"}]`, { url: '/all' }, 3)
  })

  it('stamps what an author returns twice or has frozen', async () => {
    const response = Object.freeze({ statusCode: 502, errorMessage: 'no' })
    const parseResponse = (params: Feed[]) => params.map((one) => ({ params: one, response }))
    const prepareRequests = (params: Feed[]) => ({ params, request: {} })
    const { transport, write } = await initialized({ parseResponse, prepareRequests }, [ETH, BTC], () =>
      Promise.resolve(answer({})),
    )
    await pass(transport)
    expect(write).toHaveBeenCalledExactlyOnceWith(
      NAME,
      [ETH, BTC].map((params) => ({ params, response: { ...response, timestamps: STAMPED } })),
    )
  })

  it('keeps the time that the provider indicates', async () => {
    const timestamps = { providerIndicatedTimeUnixMs: 77 }
    const response = { result: 1, data: { result: 1 }, timestamps }
    const { transport, write } = await initialized(
      { parseResponse: () => [{ params: ETH, response }] },
      [ETH],
      () => Promise.resolve(answer({})),
    )
    await pass(transport)
    expect(write.mock.calls[0]?.[1]).toMatchObject([
      { response: { timestamps: { ...TIMES, ...timestamps } } },
    ])
  })

  it.each([[[]], [undefined], [null]])('writes nothing for the results %j', async (results) => {
    const { transport, write } = await initialized({ parseResponse: () => results as never }, [ETH], () =>
      Promise.resolve(answer({})),
    )
    await pass(transport)
    expect(write).not.toHaveBeenCalled()
    expect(lines).toEqual([])
  })

  it('reads the credits that the provider charged', async () => {
    const before = gauge('rateLimitCreditsSpentTotal')
    for (const data of [{ price: 1, cost: '4' }, { price: 1 }]) {
      const { transport } = await initialized({}, [ETH], () => Promise.resolve(answer(data)))
      await pass(transport)
    }
    expect(gauge('rateLimitCreditsSpentTotal') - before).toBe(5)
  })

  it('sleeps while nothing is wanted, and says when it is warm', async () => {
    const request = vi.fn(() => Promise.resolve(answer({ price: 5 })))
    const { transport, getAll } = await initialized({}, [], request)
    const before = gauge('cacheWarmerCount')
    const done = vi.fn()
    void transport.backgroundExecute(context).then(done)
    await vi.advanceTimersByTimeAsync(999)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
    expect(transport.WARMER_ACTIVE).toBe(false)
    getAll.mockReturnValue([ETH, BTC])
    await pass(transport)
    await pass(transport)
    expect(transport.WARMER_ACTIVE).toBe(true)
    expect(gauge('cacheWarmerCount') - before).toBe(1)
    expect(gauge('httpRequestsPerBgExecute')).toBe(2)
    getAll.mockReturnValue([])
    await pass(transport, 1_000)
    expect(gauge('cacheWarmerCount') - before).toBe(0)
  })

  it('ends a pass when the slowest request has ended, and not before', async () => {
    let finish = (_: unknown) => {}
    const request = vi
      .fn()
      .mockResolvedValueOnce(answer({ price: 1 }))
      .mockReturnValueOnce(new Promise((resolve) => (finish = resolve)))
    const { transport, write } = await initialized({}, [ETH, BTC], request)
    const done = vi.fn()
    void transport.backgroundExecute(context).then(done)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(write).toHaveBeenCalledOnce()
    expect(done).not.toHaveBeenCalled()
    finish(answer({ price: 2 }))
    await vi.advanceTimersByTimeAsync(0)
    expect(done).toHaveBeenCalledOnce()
    expect(lines).toEqual([])
  })

  it('RL-8: warns of a pass that takes longer than values live', async () => {
    const { transport } = await initialized(
      {},
      [ETH],
      () => new Promise((resolve) => setTimeout(() => resolve(answer({ price: 1 })), 91_000)),
    )
    await pass(transport, 91_000)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('took longer than WARMUP_SUBSCRIPTION_TTL (10000 ms)')
    expect(lines[1]).toContain('took longer than CACHE_MAX_AGE (90000 ms)')
  })
})

describe('a failed request', () => {
  const axiosError = (status: number, data: unknown) =>
    new AxiosError('Request failed', 'ERR', undefined, undefined, { status, data } as AxiosResponse)

  it('is cached for each of its feeds when the provider answered with an error', async () => {
    const error = new AdapterDataProviderError({ cause: axiosError(404, { reason: 'unknown' }) }, STAMPED)
    const prepareRequests = (params: Feed[]) => ({ params, request: {} })
    const { transport, write } = await initialized({ prepareRequests }, [ETH, BTC], () =>
      Promise.reject(error),
    )
    await pass(transport)
    const response = {
      errorMessage: 'Provider request failed with status 404: {"reason":"unknown"}',
      statusCode: 502,
      timestamps: STAMPED,
    }
    expect(write.mock.calls).toEqual([[NAME, [ETH, BTC].map((params) => ({ params, response }))]])
  })

  it('is cached as 429 when the queue overflowed, and the pass waits as long as the limiter does', async () => {
    const error = new AdapterRateLimitError({ message: 'too much', msUntilNextExecution: 700 })
    const { transport, write } = await initialized({}, [ETH], () => Promise.reject(error))
    const done = vi.fn()
    void transport.backgroundExecute(context).then(done)
    await vi.advanceTimersByTimeAsync(699)
    const timestamps = {
      providerDataRequestedUnixMs: 0,
      providerDataReceivedUnixMs: 0,
      providerIndicatedTimeUnixMs: undefined,
    }
    expect(write.mock.calls).toEqual([
      [NAME, [{ params: ETH, response: { errorMessage: 'too much', statusCode: 429, timestamps } }]],
    ])
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toHaveBeenCalledOnce()
  })

  it.each([
    ['a connection error', new AdapterConnectionError({ message: 'connect ECONNREFUSED' }, STAMPED)],
    ['any error', new Error('whatever')],
    ['no error', undefined],
    ['a data provider error without an answer', new AdapterDataProviderError({ message: 'x' }, STAMPED)],
  ])('17.5: is not cached for %s, and costs its neighbours nothing', async (_, error) => {
    const request = vi
      .fn()
      .mockRejectedValueOnce(error)
      .mockResolvedValueOnce(answer({ price: 2 }))
    const { transport, write } = await initialized({}, [ETH, BTC], request)
    await pass(transport)
    expect(write).toHaveBeenCalledOnce()
    expect(write.mock.calls[0]?.[1]).toMatchObject([{ params: BTC }])
    expect(lines).toHaveLength(1)
    await transport.shutdown()
  })

  it('of parseResponse is logged once, and costs its neighbours nothing (IS-4)', async () => {
    const parseResponse = vi.fn((params: Feed[]) => {
      if (params[0]?.base === 'ETH') throw new Error('mine')
      return [result(params[0]!, 1)]
    })
    const { transport, write } = await initialized({ parseResponse }, [ETH, BTC], () =>
      Promise.resolve(answer({})),
    )
    for (let i = 0; i < 3; i++) await pass(transport)
    expect(write).toHaveBeenCalledTimes(3)
    expect(lines).toEqual(['A request of price to the data provider failed: mine'])
  })

  it.each([
    ['a promise', () => Promise.reject(new Error('late'))],
    ['no list', () => ({ result: 1 })],
  ])('is what an author causes who returns %s', async (_, parseResponse) => {
    const { transport, write } = await initialized({ parseResponse: parseResponse as never }, [ETH], () =>
      Promise.resolve(answer({})),
    )
    await pass(transport)
    expect(write).not.toHaveBeenCalled()
    expect(lines).toHaveLength(1)
  })

  it('of the cache ends with the request', async () => {
    const { transport, write } = await initialized({}, [ETH], () => Promise.resolve(answer({ price: 1 })))
    write.mockRejectedValue(new Error('the cache is gone'))
    await pass(transport)
    expect(lines).toEqual(['A request of price to the data provider failed: the cache is gone'])
  })

  it('RL-3: is asked for again at a growing interval, and as usual once it succeeded', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const error = new AdapterDataProviderError({ cause: axiosError(401, {}) }, STAMPED)
    const times: number[] = []
    const request = vi.fn(() => {
      times.push(Date.now())
      return times.length < 9 ? Promise.reject(error) : Promise.resolve(answer({ price: 1 }))
    })
    const { transport } = await initialized({}, [ETH], request)
    while (times.length < 11) {
      let isOver = false
      void transport.backgroundExecute(context).then(() => (isOver = true))
      while (!isOver) await vi.advanceTimersByTimeAsync(100)
    }
    const gaps = times.slice(1).map((at, n) => Math.round((at - times[n]!) / 1_000))
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 0, 0])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('prepareRequests', () => {
  it('that throws for one feed costs that feed only, which is tried again at a growing interval (IS-4)', async () => {
    const asked: string[] = []
    let isBroken = true
    const prepareRequests = vi.fn((params: Feed[]) => {
      if (isBroken && params.some(({ base }) => base === 'BAD')) throw new Error('mine')
      return { params, request: { url: params.map(({ base }) => base).join() } }
    })
    const request = vi.fn((_key: string, { url }: { url: string }) => {
      asked.push(url)
      return Promise.resolve(answer({ price: 1 }))
    })
    const { transport } = await initialized({ prepareRequests }, [ETH, { base: 'BAD' }, BTC], request)
    await pass(transport)
    expect(asked).toEqual(['ETH,BTC'])
    expect(lines).toEqual(['No request could be prepared for a feed of price'])
    prepareRequests.mockClear()
    await pass(transport)
    expect(prepareRequests).toHaveBeenCalledOnce()
    isBroken = false
    await vi.advanceTimersByTimeAsync(1_000)
    await pass(transport)
    expect(asked).toEqual(['ETH,BTC', 'ETH,BTC', 'ETH,BAD,BTC'])
    expect(lines).toHaveLength(1)
    await transport.shutdown()
  })

  it('that throws for all fails the pass (contract 10.5), and lasting bugs slow the loop down', async () => {
    const prepareRequests = vi.fn(() => {
      throw new Error('mine')
    })
    const { transport } = await initialized({ prepareRequests }, [ETH, BTC], vi.fn())
    await expect(pass(transport)).rejects.toThrow('mine')
    for (let i = 0; i < 10; i++) await expect(pass(transport, 1_000)).rejects.toThrow('mine')
    const running = transport.backgroundExecute(context)
    const failed = vi.fn()
    running.catch(failed)
    await vi.advanceTimersByTimeAsync(999)
    expect(failed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(failed).toHaveBeenCalledOnce()
    await transport.shutdown()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that throws for all is waited for twice as long each time, from the second time on, until it works', async () => {
    const prepareRequests = vi.fn((): [] => [])
    const { transport } = await initialized({ prepareRequests }, [ETH], vi.fn())
    const waitBeforePass = async () => {
      const startedAt = Date.now()
      let askedAt = NaN
      prepareRequests.mockImplementationOnce(() => {
        askedAt = Date.now()
        throw new Error('mine')
      })
      await expect(pass(transport, 1_000)).rejects.toThrow('mine')
      return askedAt - startedAt
    }
    const waits: number[] = []
    while (waits.length < 9) waits.push(await waitBeforePass())
    expect(waits).toEqual([0, 0, 40, 80, 160, 320, 640, 1_000, 1_000])
    await pass(transport, 1_000)
    expect([await waitBeforePass(), await waitBeforePass(), await waitBeforePass()]).toEqual([0, 0, 40])
    await transport.shutdown()
  })

  it.each([
    ['nothing', undefined],
    ['a promise', Promise.resolve([])],
    ['a request without params', { request: {} }],
    ['params without a request', { params: [] }],
    ['a hole in a list', [undefined]],
  ])('that makes %s for a feed costs that feed only', async (_, made) => {
    const prepareRequests = (params: Feed[]): never[] => {
      if (params.length > 1) return params.flatMap((one) => prepareRequests([one]))
      return (params[0] === ETH ? made : [{ params, request: {} }]) as never[]
    }
    const request = vi.fn(() => Promise.resolve(answer({ price: 1 })))
    const { transport, write } = await initialized({ prepareRequests }, [ETH, BTC], request)
    await pass(transport)
    expect(request).toHaveBeenCalledOnce()
    expect(write).toHaveBeenCalledOnce()
    await transport.shutdown()
  })

  it('that makes no requests ends the pass', async () => {
    const { transport } = await initialized({ prepareRequests: () => [] }, [ETH], vi.fn())
    await pass(transport)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a transport that is shut down', () => {
  it('writes nothing any more, and leaves no timer', async () => {
    let finish = (_: unknown) => {}
    const parseResponse = vi.fn(() => [])
    const { transport, write } = await initialized(
      { parseResponse },
      [ETH],
      () => new Promise((resolve) => (finish = resolve)),
    )
    const running = transport.backgroundExecute(context)
    await vi.advanceTimersByTimeAsync(0)
    await transport.shutdown()
    finish(answer({ price: 1 }))
    await running
    expect(parseResponse).not.toHaveBeenCalled()
    expect(write).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('wakes from each of its sleeps', async () => {
    const overflow = new AdapterRateLimitError({ msUntilNextExecution: 60_000 })
    const rejected = await initialized({}, [ETH], () => Promise.reject(overflow))
    const idle = await initialized({}, [], vi.fn())
    const running = [rejected, idle].map(({ transport }) => transport.backgroundExecute(context))
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(2)
    await Promise.all([rejected, idle].map(({ transport }) => transport.shutdown()))
    await Promise.all(running)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cannot be initialized twice, and is named as the second time, contract 18.5', async () => {
    const { transport } = await initialized({}, [], vi.fn())
    await expect(transport.initialize({} as Dependencies, settings as never, 'price', 'x')).rejects.toThrow(
      'Transport x has already been initialized',
    )
  })
})
