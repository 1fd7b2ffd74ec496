import { createServer, globalAgent, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { TestAdapter } from '../../../src/testing/test-adapter'
import { eventually, PATIENT } from '../../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from './support'

const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }
const free = { rateLimiting: { tiers: { free: { rateLimit1s: 500 } } } }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const warned: string[] = []
const silent = () => {}
const logger = { info: silent, debug: silent, trace: silent, error: silent, fatal: silent }
/** Given to every adapter here, because loggers that have logged keep the factory that they have. */
const loggerFactory = {
  child: () => ({ ...logger, warn: (...said: unknown[]) => void warned.push(String(said.at(-1))) }),
}

beforeEach(() => void (warned.length = 0))

const started = (adapter: () => ReturnType<typeof httpAdapter>, env: Record<string, string>) =>
  serve(adapter, { env, dependencies: { loggerFactory } })

/** A provider for the things that an HTTP server does not do by itself. */
const rawProvider = async (handle: (req: IncomingMessage, res: ServerResponse) => void) => {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('an adapter that declares no limit', () => {
  const isWarning = (text: string) => text.includes('declares no rate limit of its data provider')

  it('repeats no request within a second, whenever that was asked for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using provider = await httpProvider((_, n) => ({ body: { price: n } }))
    await using service = await started(() => httpAdapter(oneByOne(provider.url)), AT_ONCE)
    const paths = () => provider.asked.map(({ path }) => path).join(' ')
    /** The n-th request has been answered, at the time that it is now. */
    const answered = (base: string, n: number) => service.until({ base }, ({ json }) => json.result >= n)
    await answered('A', 1)
    await vi.advanceTimersByTimeAsync(400)
    await answered('B', 2)
    await vi.advanceTimersByTimeAsync(590)
    expect(paths()).toBe('/A /B')
    await vi.advanceTimersByTimeAsync(30)
    await answered('A', 3)
    await vi.advanceTimersByTimeAsync(900)
    expect(paths()).toBe('/A /B /A')
    await vi.advanceTimersByTimeAsync(150)
    await provider.seen(5)
    expect(paths()).toBe('/A /B /A /A /B')
  })

  it('asks at once for a feed that is wanted anew, between two passes too', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    await using service = await started(() => httpAdapter(oneByOne(provider.url)), AT_ONCE)
    await service.post({ base: 'A' })
    await provider.seen(1)
    // No timer fires, so the next pass does not come.
    await service.post({ base: 'B' })
    await provider.seen(2)
    expect(provider.asked.map(({ path }) => path)).toEqual(['/A', '/B'])
  })

  it('says so once at the start, and how to declare one, by the names that the operator sets', async () => {
    await using service = await started(() => httpAdapter(oneByOne('http://127.0.0.1:1')), {})
    expect(warned.filter(isWarning)).toEqual([
      'TEST declares no rate limit of its data provider, so each request is repeated at most once a second. Declare what the provider allows: in the adapter as rateLimiting.tiers, or with RATE_LIMIT_CAPACITY_SECOND or RATE_LIMIT_CAPACITY_MINUTE',
    ])
    expect(service.adapter.dependencies.requester.courtesy).toEqual({ passMs: 1_000 })
  })

  it.each([
    ['tiers', free, {}],
    ['a setting', {}, { RATE_LIMIT_CAPACITY_SECOND: '500' }],
  ])('has no floor once it declares one by %s', async (_, params, env) => {
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    await using service = await started(() => httpAdapter(oneByOne(provider.url), params), {
      ...PATIENT,
      ...env,
    })
    await service.post({ base: 'A' })
    await provider.seen(20)
    expect(warned.filter(isWarning)).toEqual([])
    expect(service.adapter.dependencies.requester.courtesy).toEqual({ passMs: 0 })
  })

  it('counts a tier without a limit as none', async () => {
    const rateLimiting = { tiers: { any: { note: 'not documented' } } }
    await using service = await started(
      () => httpAdapter(oneByOne('http://127.0.0.1:1'), { rateLimiting }),
      {},
    )
    expect(warned.filter(isWarning)).toHaveLength(1)
    expect(service.adapter.dependencies.requester.courtesy).toEqual({ passMs: 1_000 })
  })

  it("is polled without a pause, and without a warning, by the contract's harness (contract 10.5)", async () => {
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    const started = await TestAdapter.start(httpAdapter(oneByOne(provider.url)), {}, { loggerFactory })
    await started.request({ base: 'A' })
    await provider.seen(20)
    expect(warned.filter(isWarning)).toEqual([])
    await started.api.close()
  })
})

describe('more feeds than the rate limit has room for', () => {
  it('RL-8: are said at once, with numbers, in the log and as a metric, before one of them is stale', async () => {
    await using provider = await httpProvider(() => ({ body: { price: 1 } }))
    const rateLimiting = { tiers: { free: { rateLimit1m: 10 } } }
    await using service = await started(() => httpAdapter(oneByOne(provider.url), { rateLimiting }), AT_ONCE)
    const isSaid = (text: string) => text.includes('go stale')
    const { subscriptionSet } = service.adapter.endpoints[0]!.transportRoutes.entries()[0]![1] as unknown as {
      subscriptionSet: { add(value: object, ttl: number, key: string): void }
    }
    for (let i = 0; i < 30; i++) subscriptionSet.add({ base: `B${i}` }, 60_000, `k${i}`)
    await eventually(() =>
      expect(warned.filter(isSaid)).toContain(
        'The rate limit has room for the requests for all wanted feeds once in 180000 ms, and values live for 90000 ms (CACHE_MAX_AGE): they will go stale',
      ),
    )
    expect(await service.metric('provider_demand_ratio', { adapter_endpoint: 'price' })).toBe(2)
  })
})

describe('a host that fails', () => {
  it('RL-4: is asked by single requests, its clients are told why in their 504, and the feeds of another host go on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let isDown = true
    await using failing = await httpProvider(() => (isDown ? { destroy: true } : { body: { price: 2 } }))
    await using good = await httpProvider((_, n) => ({ body: { price: n } }))
    const { parseResponse } = oneByOne('')
    const prepareRequests = (feeds: { base: string }[]) =>
      feeds.map((feed) => ({
        params: [feed],
        request: { baseURL: feed.base === 'GOOD' ? good.url : failing.url, url: `/${feed.base}` },
      }))
    const rateLimiting = { tiers: { free: { rateLimit1s: 20 } } }
    await using service = await started(
      () => httpAdapter({ prepareRequests, parseResponse }, { rateLimiting }),
      {
        ...AT_ONCE,
        RETRY: '0',
      },
    )
    const bad = Array.from({ length: 10 }, (_, n) => ({ base: `BAD${n}` }))
    const openings = (await service.metric('provider_breaker_openings_total')) ?? 0
    await service.post({ base: 'GOOD' })
    for (const feed of bad) await service.post(feed)
    /** A slot of time with all that it brings. */
    const slot = async () => {
      await vi.advanceTimersByTimeAsync(100)
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
    }
    const replies = () => Promise.all(bad.map((feed) => service.post(feed)))
    const slots = async (count: number) => {
      const asked: number[] = []
      for (let n = 0; n < count; n++) {
        const before = failing.asked.length
        await slot()
        asked.push(failing.asked.length - before)
      }
      return asked
    }
    await slots(15)
    const probes = await slots(40)
    expect(Math.max(...probes)).toBe(1)
    expect(probes.reduce((sum, n) => sum + n)).toBeLessThan(5)
    const told = await replies()
    expect(new Set(told.map(({ statusCode }) => statusCode))).toEqual(new Set([504]))
    const reasons = told.map(({ json }) => json.error.reason as { code: string })
    expect(reasons.filter(({ code }) => code === 'HOST_FAILING').length).toBeGreaterThan(5)
    expect(reasons).toContainEqual({
      code: 'HOST_FAILING',
      class: 'network',
      message: expect.stringContaining('have failed one after another') as string,
      sinceUnixMs: expect.any(Number) as number,
      nextAttemptUnixMs: expect.any(Number) as number,
    })
    expect(await service.metric('provider_hosts_failing')).toBe(1)
    expect(await service.metric('provider_breaker_openings_total')).toBe(openings + 1)
    const others = good.asked.length
    await slots(10)
    expect(good.asked.length).toBeGreaterThan(others)
    isDown = false
    await slots(70)
    expect(new Set((await replies()).map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(await service.metric('provider_hosts_failing')).toBe(0)
  })
})

describe('an adapter that is stopped', () => {
  it('leaves no connection to its provider that is kept for further requests', async () => {
    const ends: Promise<unknown>[] = []
    const server = createServer((_, res) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"price":1}'),
    )
    // Nothing is ended by the time that passes.
    server.keepAliveTimeout = 0
    server.on('connection', (socket) => ends.push(new Promise((resolve) => socket.once('close', resolve))))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const service = await started(() => httpAdapter(oneByOne(`http://127.0.0.1:${port}`)), PATIENT)
    expect((await service.post({ base: 'A' })).json.result).toBe(1)
    const kept = () =>
      Object.entries(globalAgent.freeSockets).flatMap(([name, sockets]) =>
        name.includes(`:${port}:`) ? (sockets ?? []) : [],
      )
    await eventually(() => expect(kept()).not.toEqual([]))
    const sockets = kept()
    await service.stop()
    expect(sockets.map(({ destroyed }) => destroyed)).not.toContain(false)
    await Promise.all(ends)
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('CN-10: an answer that never comes to an end', () => {
  const deadline = { ...AT_ONCE, API_TIMEOUT: '500', RETRY: '0' }
  const head = (res: ServerResponse) =>
    res.writeHead(200, { 'content-type': 'application/json' }).write('{"price":')

  /** Sends something again and again, so that the connection is never idle. */
  const trickle = (res: ServerResponse, write: () => void) => {
    const timer = setInterval(write, 50)
    res.once('close', () => clearInterval(timer))
  }

  const ways: [string, (req: IncomingMessage, res: ServerResponse) => void][] = [
    ['no answer', () => {}],
    ['a body that stops', (_, res) => void head(res)],
    [
      'a body that trickles',
      (_, res) => {
        head(res)
        trickle(res, () => res.write(' '))
      },
    ],
    [
      'headers that trickle',
      ({ socket }, res) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        trickle(res, () => socket.write('x-more: 1\r\n'))
      },
    ],
    [
      'redirects without an end',
      ({ url = '' }, res) =>
        void setTimeout(() => res.writeHead(302, { location: `${url}?next` }).end(), 150),
    ],
  ]

  it.each(ways)('costs its own deadline, and delays no other feed (%s)', async (_, never) => {
    let others = 0
    let cut = 0
    await using provider = await rawProvider((req, res) => {
      if (req.url?.startsWith('/SLOW') === true) {
        res.once('close', () => (cut += res.writableFinished ? 0 : 1))
        return never(req, res)
      }
      others += 1
      res.writeHead(200, { 'content-type': 'application/json' }).end(`{"price":${others}}`)
    })
    await using service = await started(() => httpAdapter(oneByOne(provider.url), free), deadline)
    await service.post({ base: 'GOOD' })
    await eventually(async () => {
      const { json } = await service.post({ base: 'SLOW' })
      expect(json).toMatchObject({ error: { reason: { code: 'CONNECTION_TIMEOUT' } } })
    })
    const before = others
    await service.until({ base: 'GOOD' }, ({ json }) => json.result > before + 5)
    // A deadline may fall between two answers of a chain of redirects; then a later one is cut.
    await eventually(() => expect(cut).toBeGreaterThan(0))
  })

  it('keeps no other feed waiting for its deadline', async () => {
    let others = 0
    let stalled = 0
    await using provider = await rawProvider((req, res) => {
      if (req.url === '/SLOW') return void (stalled += 1)
      others += 1
      res.writeHead(200, { 'content-type': 'application/json' }).end(`{"price":${others}}`)
    })
    await using service = await started(() => httpAdapter(oneByOne(provider.url), free), {
      ...AT_ONCE,
      API_TIMEOUT: '60000',
    })
    await service.post({ base: 'SLOW' })
    await service.post({ base: 'GOOD' })
    await service.until({ base: 'GOOD' }, ({ json }) => json.result >= 5)
    // One and the same request is still out: it was neither given up nor sent again.
    expect(stalled).toBe(1)
  })
})
