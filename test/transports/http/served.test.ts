import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { eventually, PATIENT } from '../../helpers/eventually'
import { httpAdapter, httpProvider, inBatches, oneByOne } from './support'

const price = (result: number) => () => ({ body: { price: result } })

/** For clients that are told at once what there is. */
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** One slot of a rate limit after the other, each with all that it brings, until it is so. */
const slotBySlot = async (slotMs: number, isSo: () => boolean): Promise<void> => {
  do {
    await vi.advanceTimersByTimeAsync(slotMs)
    // As many as a request and its answer take, and more.
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
  } while (!isSo())
}

describe('an endpoint over HTTP', () => {
  it('answers the first request with what the provider says', async () => {
    await using provider = await httpProvider(price(5))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: PATIENT })
    const reply = await service.post({ base: 'ETH' })
    expect(reply).toMatchObject({
      statusCode: 200,
      json: { result: 5, data: { result: 5 }, statusCode: 200 },
    })
    const { timestamps } = reply.json as { timestamps: Record<string, number> }
    expect(Object.keys(timestamps)).toEqual(['providerDataRequestedUnixMs', 'providerDataReceivedUnixMs'])
    expect(timestamps['providerDataReceivedUnixMs']).toBeGreaterThanOrEqual(
      timestamps['providerDataRequestedUnixMs']!,
    )
    expect(provider.asked[0]).toMatchObject({ path: '/ETH', method: 'GET' })
    expect(
      await service.metric('data_provider_requests', { method: 'GET', provider_status_code: '200' }),
    ).toBeGreaterThan(0)
  })

  it('keeps the values of wanted feeds warm, with no pause but that of the declared limit (contract 17.11)', async () => {
    let n = 0
    await using provider = await httpProvider(() => ({ body: { price: ++n } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...PATIENT, RATE_LIMIT_CAPACITY_SECOND: '1000' },
    })
    await service.post({ base: 'ETH' })
    const reply = await service.until({ base: 'ETH' }, ({ json }) => json.result >= 10)
    expect(reply.statusCode).toBe(200)
    expect(provider.asked.length).toBeGreaterThanOrEqual(10)
  })

  it('asks for all feeds in one request where the author batches them', async () => {
    await using provider = await httpProvider(() => ({ body: { ETH: 1, BTC: 2 } }))
    await using service = await serve(() => httpAdapter(inBatches(provider.url)), { env: PATIENT })
    const replies = await Promise.all([service.post({ base: 'ETH' }), service.post({ base: 'BTC' })])
    expect(replies.map(({ json }) => json.result as number)).toEqual([1, 2])
    await provider.seen(provider.asked.length + 2)
    expect(provider.asked.at(-1)?.path).toBe('/batch?bases=ETH,BTC')
  })

  it('needs no clock that moves: Date.now stands still (contract 16.1)', async () => {
    const now = 1_700_000_000_000
    vi.spyOn(Date, 'now').mockReturnValue(now)
    await using provider = await httpProvider(price(5))
    const rateLimiting = { tiers: { free: { rateLimit1m: 60 } } }
    await using service = await serve(() => httpAdapter(oneByOne(provider.url), { rateLimiting }), {
      env: PATIENT,
    })
    const times = { providerDataRequestedUnixMs: now, providerDataReceivedUnixMs: now }
    const first = await service.post({ base: 'ETH' })
    expect(first.json).toMatchObject({ result: 5, timestamps: times })
    // The first request is at once; the second waits its second, which needs no clock either.
    const second = await service.post({ base: 'BTC' })
    expect(second.json).toMatchObject({ result: 5 })
  })

  it('17.5: caches nothing when the provider cannot be reached, and tells the client why', async () => {
    const provider = await httpProvider(price(5))
    await provider[Symbol.asyncDispose]()
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: AT_ONCE })
    const text = await eventually(async () => {
      const reply = await service.post({ base: 'ETH' })
      expect(reply.statusCode).toBe(504)
      expect(reply.json.error.reason).toMatchObject({
        code: 'CONNECTION_REFUSED',
        message: 'The request to the data provider failed: ECONNREFUSED',
        nextAttemptUnixMs: expect.any(Number) as number,
      })
      return reply.text
    })
    expect(text).not.toContain(provider.url)
  })

  it('caches the status and body of an error as a 502', async () => {
    await using provider = await httpProvider(() => ({ status: 500, body: { reason: 'broken' } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: { ...PATIENT, RETRY: '0' },
    })
    const reply = await service.post({ base: 'ETH' })
    expect(reply).toMatchObject({
      statusCode: 502,
      json: { statusCode: 502, errorMessage: 'Provider request failed with status 500: {"reason":"broken"}' },
    })
    expect(reply.json.timestamps.providerDataReceivedUnixMs).toBeGreaterThan(0)
  })

  it('RL-3: asks again after a 4xx at a growing interval, and keeps the error there meanwhile', async () => {
    await using provider = await httpProvider(() => ({ status: 401, body: {} }))
    // What is refused is not paced by the limit, which would allow much more.
    const rateLimiting = { tiers: { free: { rateLimit1s: 50 } } }
    await using service = await serve(() => httpAdapter(oneByOne(provider.url), { rateLimiting }), {
      env: { ...PATIENT, RETRY: '3' },
    })
    expect((await service.post({ base: 'ETH' })).statusCode).toBe(502)
    await provider.seen(3)
    const [a, b, c] = provider.asked.map(({ atMs }) => atMs) as [number, number, number]
    expect(b - a).toBeGreaterThan(450)
    expect(c - b).toBeGreaterThan(950)
    expect((await service.post({ base: 'ETH' })).statusCode).toBe(502)
  })

  it('recovers from a 4xx by itself (ER-4)', async () => {
    await using provider = await httpProvider((_, n) => (n === 1 ? { status: 404 } : { body: { price: 7 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: PATIENT })
    expect((await service.post({ base: 'ETH' })).statusCode).toBe(502)
    const reply = await service.until({ base: 'ETH' }, ({ statusCode }) => statusCode === 200)
    expect(reply.json.result).toBe(7)
  })

  it('RL-1: leaves a provider alone that says Retry-After, all feeds alike, and tells the clients', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const pause = { status: 429, headers: { 'retry-after': '2' } }
    await using provider = await httpProvider((_, n) => (n === 1 ? pause : { body: { price: 7 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: AT_ONCE })
    for (const base of ['ETH', 'BTC'])
      await eventually(async () =>
        expect(await service.post({ base })).toMatchObject({
          statusCode: 504,
          json: { error: { reason: { code: 'RATE_LIMITED' } } },
        }),
      )
    await slotBySlot(1_999, () => true)
    expect(provider.asked).toHaveLength(1)
    await slotBySlot(100, () => provider.asked.length > 1)
    await service.until({ base: 'BTC' }, ({ statusCode }) => statusCode === 200)
  })

  it('tells a client that its feed is not in the answer of the provider', async () => {
    await using provider = await httpProvider(() => ({ body: { ETH: 1 } }))
    await using service = await serve(() => httpAdapter(inBatches(provider.url)), { env: AT_ONCE })
    for (const base of ['ETH', 'DOGE']) await service.post({ base })
    await service.until({ base: 'ETH' }, ({ statusCode }) => statusCode === 200)
    await eventually(async () =>
      expect(await service.post({ base: 'DOGE' })).toMatchObject({
        statusCode: 504,
        json: { error: { reason: { code: 'NO_DATA_YET' } } },
      }),
    )
  })

  it('asks for a new feed within one slot of the rate limit, however long the pass is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await using provider = await httpProvider(price(5))
    const rateLimiting = { tiers: { free: { rateLimit1s: 50 } } }
    await using service = await serve(() => httpAdapter(oneByOne(provider.url), { rateLimiting }))
    const many = Array.from({ length: 60 }, (_, n) => service.post({ base: `F${n}` }))
    await slotBySlot(20, () => provider.asked.length > 60)
    expect(new Set((await Promise.all(many)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    const start = provider.asked.length
    // All the others wait for their turn; this one would come after them all.
    const asked = service.post({ base: 'NEW' })
    await slotBySlot(0, () => true)
    await slotBySlot(20, () => provider.asked.length >= start + 3)
    expect(provider.asked.slice(start, start + 3).map(({ path }) => path)).toContain('/NEW')
    expect((await asked).statusCode).toBe(200)
  })

  it('asks together for feeds that come while others wait for their turn', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await using provider = await httpProvider((path) => {
      const bases = new URL(path, 'http://x').searchParams.get('bases')!.split(',')
      return { body: Object.fromEntries(bases.map((base) => [base, 3])) }
    })
    const rateLimiting = { tiers: { free: { rateLimit1s: 5 } } }
    await using service = await serve(() => httpAdapter(inBatches(provider.url), { rateLimiting }))
    let isOver = false
    const asked = Promise.all(Array.from({ length: 50 }, (_, n) => service.post({ base: `F${n}` })))
    void asked.then(() => (isOver = true))
    await slotBySlot(200, () => isOver)
    expect((await asked).every(({ statusCode }) => statusCode === 200)).toBe(true)
    expect(provider.asked.length).toBeLessThan(8)
  })
})

describe('stopping', () => {
  it('LC-3: aborts what is in flight, and nothing calls back afterwards', async () => {
    await using provider = await httpProvider(() => undefined)
    const config = oneByOne(provider.url)
    const parse = vi.spyOn(config, 'parseResponse')
    const service = await serve(() => httpAdapter(config))
    const waiting = service.post({ base: 'ETH' })
    await provider.seen(1)
    await service.stop()
    await eventually(() => expect(provider.aborted).toBe(1))
    expect((await waiting).statusCode).toBe(504)
    expect(parse).not.toHaveBeenCalled()
    expect(provider.asked).toHaveLength(1)
  })
})
