import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type GuardOptions } from '../../src/feeds/guards'
import { type Freshness } from '../../src/feeds/freshness'
import { serve } from '../../src/testing/serve'
import { type Cache } from '../../src/feeds/cache'
import { AdapterConfig } from '../../src/config/adapter-config'
import { TransportRoutes } from '../../src/transports/routes'
import { CACHES } from '../feeds/support'
import { keyOf, priceParameters, type PriceTypes, stillAdapter, StillTransport } from '../http/support'
import { collectLogs, loggerFactory } from '../redis/redis-support'
import { changed, holdClock, LimitsFile, limitsOf, look, pass, SAYS, WITHDRAWN } from './feed-limits-support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

beforeEach(holdClock)
afterEach(() => void vi.useRealTimers())

interface Declared {
  guards?: GuardOptions
  freshness?: Freshness
  env?: Record<string, string>
}

const start = async (limits: object | string, { guards, freshness, env }: Declared = {}, listen = false) => {
  const declares = guards !== undefined || freshness !== undefined
  const { adapter, transport, local, endpoint } = stillAdapter({
    endpoint: declares ? { guards: { onlyWanted: false, ...guards }, freshness } : {},
  })
  const FEED_LIMITS = typeof limits === 'string' ? limits : JSON.stringify(limits)
  const service = await serve(adapter, {
    env: { ...AT_ONCE, FEED_LIMITS, ...env },
    dependencies: { loggerFactory },
    listen,
  })
  const answer = async (data: object = ETH) => {
    const { statusCode, json } = await service.post(data)
    return { statusCode, says: json.result ?? json.errorMessage ?? json.error?.reason?.message }
  }
  const refused = (reason: string) => endpoint.responseCache!.refusalsOf(transport.name).count(reason)
  return {
    adapter,
    transport,
    local,
    service,
    answer,
    refused,
    [Symbol.asyncDispose]: () => service.stop(),
  }
}

const refusal = (reason: string) => ({ statusCode: 504, says: `The last value was refused: ${reason}` })
const good = (says: number) => ({ statusCode: 200, says })
const withdrawn = { statusCode: 502, says: SAYS }

describe('limits that are text', () => {
  it('NU-7: refuse what is out of range, of the feeds they name alone, although the endpoint declares nothing', async () => {
    await using one = await start({ 'eth/usd': { min: 100, max: 1_000 } })
    await one.transport.put(ETH, 99)
    await one.transport.put(BTC, 99)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([refusal('out-of-range'), good(99)])
    await one.transport.put(ETH, 100)
    await one.transport.put(ETH, 1_001)
    await one.transport.put(ETH, -5)
    expect(await one.answer()).toEqual(good(100))
    expect(one.refused('out-of-range')).toBe(3)
  })

  it('tighten and loosen what the endpoint declares, and take it away', async () => {
    const guards = { min: 10, max: 100, maxJump: 0.1 }
    await using one = await start(
      { '*': { max: 50 }, 'BTC/*': { max: null, min: null, maxJump: null } },
      { guards },
    )
    for (const value of [9, 51, 20, 40]) await one.transport.put(ETH, value)
    for (const value of [9, 500]) await one.transport.put(BTC, value)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([good(20), good(500)])
    expect([one.refused('out-of-range'), one.refused('jump')]).toEqual([2, 1])
    await one.transport.put(BTC, 0)
    expect(one.refused('not-positive')).toBe(1)
  })

  it('refuse what they name, even where the endpoint only flags it, and leave its other flags', async () => {
    const policy = { 'out-of-range': 'flag', 'not-positive': 'flag', 'too-old': 'flag' } as const
    await using one = await start(
      { 'ETH/USD': { max: 50 }, 'BTC/USD': { maxAgeMs: 5_000 } },
      { guards: { max: 100, maxAgeMs: 1_000, policy } },
    )
    for (const value of [40, 200, -1]) await one.transport.put(ETH, value)
    for (const value of [200, -1]) await one.transport.put(BTC, value)
    await one.transport.put(BTC, 7, Date.now() - 6_000)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([good(-1), good(-1)])
    expect([one.refused('out-of-range'), one.refused('too-old'), one.refused('not-positive')]).toEqual([
      1, 1, 0,
    ])
    await pass(5_000)
    expect([await one.answer(), (await one.answer(BTC)).statusCode]).toEqual([good(-1), 504])
  })

  it('leave a flagged value in its place when they change', async () => {
    using file = new LimitsFile()
    await using one = await start(file.path, { guards: { max: 10, policy: { 'out-of-range': 'flag' } } })
    await one.transport.put(ETH, 20)
    await changed(() => file.write({ 'ETH/USD': { maxAgeMs: 60_000 } }), one.adapter)
    expect(await one.answer()).toEqual(good(20))
    await changed(() => file.write({ 'ETH/USD': { max: 15 } }), one.adapter)
    expect(await one.answer()).toEqual(refusal('out-of-range'))
  })

  it('NU-8: hold back a jump, and let it in when a second value agrees', async () => {
    await using one = await start({ 'ETH/USD': { maxJump: 0.2 } })
    for (const value of [100, 130]) await one.transport.put(ETH, value)
    expect(await one.answer()).toEqual(good(100))
    await one.transport.put(ETH, 131)
    expect(await one.answer()).toEqual(good(131))
    expect(one.refused('jump')).toBe(1)
  })

  it('NU-9: refuse a value that has stayed the same for too long', async () => {
    await using one = await start({ 'ETH/USD': { frozenAfterMs: 5_000 } })
    await one.transport.put(ETH, 5)
    await pass(5_000)
    await one.transport.put(ETH, 5)
    expect(one.refused('frozen')).toBe(1)
  })

  it.each([{}, { freshness: { mode: 'tick', maxAgeMs: 20_000 } as const }])(
    'FR-1: end a value at the age they name, with %j declared',
    async (declared) => {
      await using one = await start({ 'ETH/USD': { maxAgeMs: 10_000 } }, declared)
      await one.transport.put(ETH, 5, Date.now() - 4_000)
      await pass(5_999)
      expect(await one.answer()).toEqual(good(5))
      await pass(1)
      expect((await one.answer()).statusCode).toBe(504)
      await one.transport.put(ETH, 6, Date.now() - 10_000)
      expect(one.refused('too-old')).toBe(1)
    },
  )

  it('let a value become older than the endpoint declares', async () => {
    await using one = await start(
      { 'ETH/USD': { maxAgeMs: null } },
      { freshness: { mode: 'tick', maxAgeMs: 1_000 } },
    )
    await one.transport.put(ETH, 5, Date.now() - 2_000)
    await pass(60_000)
    expect(await one.answer()).toEqual(good(5))
  })

  it('allow zero, or any sign, where they say so', async () => {
    await using one = await start(
      { ETH: {}, 'ETH/USD': { allowZero: true }, 'BTC/USD': { sign: null } },
      { guards: {} },
    )
    for (const feed of [ETH, BTC]) for (const value of [0, -1]) await one.transport.put(feed, value)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([good(0), good(-1)])
  })

  it('withdraw a feed: its first request is told why, and so is every other for as long as it is withdrawn', async () => {
    await using one = await start({ 'test:price:ETH/*': WITHDRAWN })
    expect(await one.answer()).toEqual(withdrawn)
    for (let minute = 0; minute < 5; minute++) {
      await one.transport.put(ETH, 5)
      await one.transport.putError(ETH, 502, 'of the provider')
      await pass(60_000)
      expect(await one.answer()).toEqual(withdrawn)
    }
    expect(one.refused('withdrawn')).toBe(5)
    await one.transport.put(BTC, 6)
    expect(await one.answer(BTC)).toEqual(good(6))
    expect(limitsOf(one.adapter)).toEqual({ rules: 1, source: 'text', readUnixMs: expect.any(Number) })
  })

  it('have no effect with GUARD_POLICY=off, which is said', async () => {
    const logs = collectLogs()
    await using one = await start({ '*': { ...WITHDRAWN, max: 1 } }, { env: { GUARD_POLICY: 'off' } })
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
    expect(logs.map(({ message }) => message)).toContain(
      'FEED_LIMITS has no effect, because GUARD_POLICY is off',
    )
  })

  it('are enforced with GUARD_POLICY=report, under which the rest is only counted', async () => {
    await using one = await start(
      { 'ETH/USD': { max: 50 } },
      { env: { GUARD_POLICY: 'report' }, guards: { min: 10, max: 20 } },
    )
    await one.transport.put(ETH, 51)
    expect(await one.answer()).toEqual(refusal('out-of-range'))
    await one.transport.put(ETH, 30)
    expect(await one.answer()).toEqual(good(30))
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
  })

  it('are refused at the start with the setting, the place and what is allowed', async () => {
    const started = start({ 'ETH/USD': { min: 'low' } })
    await expect(started).rejects.toThrow(
      'FEED_LIMITS: at /ETH~1USD/min: "low" is not allowed, but a number, or null',
    )
    using file = new LimitsFile({ 'ETH/USD': 5 })
    await expect(start(file.path)).rejects.toThrow(
      `FEED_LIMITS: ${file.path}: at /ETH~1USD: 5 is not allowed, but an object of limits`,
    )
    await expect(start('/there/is/no/such.json')).rejects.toThrow(/FEED_LIMITS: ENOENT.*no\/such\.json/)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are read with the prefix of an adapter', async () => {
    const config = new AdapterConfig({}, { envVarsPrefix: 'OWN', envVarsFallback: true })
    const { adapter } = stillAdapter({ adapter: { config } })
    const env = { ...AT_ONCE, OWN_FEED_LIMITS: '{"*": {"withdrawn": "own"}}', FEED_LIMITS: '{}' }
    await using service = await serve(adapter, { env })
    expect((await service.post(ETH)).json.errorMessage).toBe('The feed is withdrawn: own')
  })
})

describe('limits in a file', () => {
  it('withdraw a feed and give it back when the file changes: the value ends at once, the next one is served at once', async () => {
    using file = new LimitsFile()
    const logs = collectLogs()
    await using one = await start(file.path, { guards: { maxJump: 0.1, frozenAfterMs: 1_500 } })
    await one.transport.put(ETH, 5)
    await one.transport.put(BTC, 6)
    expect(await one.answer()).toEqual(good(5))
    await changed(() => file.write({ 'ETH/USD': WITHDRAWN }), one.adapter)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([withdrawn, good(6)])
    expect(logs).toContainEqual({
      level: 'info',
      message: 'Feed limits were read again',
      fields: { adapter: 'TEST', rules: 1, moved: 1, feeds: ['price:ETH/USD'] },
    })
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(withdrawn)
    await changed(() => file.replace({}), one.adapter)
    expect((await one.answer()).statusCode).toBe(504)
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
    expect([one.refused('withdrawn'), one.refused('frozen')]).toEqual([1, 0])
  })

  it('say another reason as soon as the file does', async () => {
    using file = new LimitsFile({ '*': WITHDRAWN })
    await using one = await start(file.path)
    expect(await one.answer()).toEqual(withdrawn)
    await changed(() => file.write({ '*': { withdrawn: 'still halted' } }), one.adapter)
    expect(await one.answer()).toEqual({ statusCode: 502, says: 'The feed is withdrawn: still halted' })
  })

  it.each([
    ['a range', { max: 4 }, refusal('out-of-range')],
    ['an age', { maxAgeMs: 1 }, { statusCode: 504, says: expect.stringContaining('too-old') as string }],
  ])('end a value that is served when %s is tightened that it is out of', async (_what, limits, told) => {
    using file = new LimitsFile()
    await using one = await start(file.path)
    await one.transport.put(ETH, 5)
    await one.transport.put(BTC, 3)
    await pass(10)
    await changed(() => file.write({ 'ETH/*': limits }), one.adapter)
    expect([await one.answer(), await one.answer(BTC)]).toEqual([told, good(3)])
    await changed(() => file.write({}), one.adapter)
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
  })

  it('NU-8: hold a jump against what is served when the limit comes, and not against what was before', async () => {
    using file = new LimitsFile()
    await using one = await start(file.path)
    await one.transport.put(ETH, 5)
    await changed(() => file.write({ 'ETH/USD': { maxJump: 0.1 } }), one.adapter)
    await one.transport.put(ETH, 9)
    expect(await one.answer()).toEqual(good(5))
    await changed(() => file.write({}), one.adapter)
    await one.transport.put(ETH, 9)
    await changed(() => file.write({ 'ETH/USD': { maxJump: 0.1 } }), one.adapter)
    await one.transport.put(ETH, 9.1)
    expect(await one.answer()).toEqual(good(9.1))
    expect(one.refused('jump')).toBe(1)
  })

  it('NU-9: count how long a value has stayed the same from when the limit comes', async () => {
    using file = new LimitsFile({ '*': { frozenAfterMs: 30_000 } })
    await using one = await start(file.path)
    await one.transport.put(ETH, 5)
    await changed(() => file.write({}), one.adapter)
    await pass(60_000)
    await changed(() => file.write({ '*': { frozenAfterMs: 30_000 } }), one.adapter)
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
    await pass(29_000)
    await changed(() => file.write({ '*': { frozenAfterMs: 20_000 } }), one.adapter)
    expect(await one.answer()).toEqual(refusal('frozen'))
  })

  it('withdraw a feed from clients whose requests have been seen before, over one connection', async () => {
    using file = new LimitsFile()
    await using one = await start(file.path, {}, true)
    await one.transport.put(ETH, 5)
    const ask = async () => {
      const headers = { 'content-type': 'application/json' }
      const reply = await fetch(one.service.url!, {
        method: 'POST',
        headers,
        body: JSON.stringify({ data: ETH }),
      })
      return [reply.status, await reply.text()]
    }
    for (let time = 0; time < 4; time++)
      expect(await ask()).toEqual([200, expect.stringContaining('"result":5')])
    await changed(() => file.write({ '*': WITHDRAWN }), one.adapter)
    for (let time = 0; time < 2; time++) expect(await ask()).toEqual([502, expect.stringContaining(SAYS)])
    await changed(() => file.write({}), one.adapter)
    await one.transport.put(ETH, 6)
    expect(await ask()).toEqual([200, expect.stringContaining('"result":6')])
  })

  it('shorten the life of a value that is served', async () => {
    using file = new LimitsFile()
    await using one = await start(file.path)
    await one.transport.put(ETH, 5)
    await changed(() => file.write({ '*': { maxAgeMs: 30_000 } }), one.adapter)
    expect(await one.answer()).toEqual(good(5))
    await pass(30_000)
    expect((await one.answer()).statusCode).toBe(504)
  })

  it('end a value that only a loosened limit let in, when that goes', async () => {
    using file = new LimitsFile({ '*': { max: null } })
    await using one = await start(file.path, { guards: { max: 4 } })
    await one.transport.put(ETH, 5)
    expect(await one.answer()).toEqual(good(5))
    await changed(() => file.write({}), one.adapter)
    expect(await one.answer()).toEqual(refusal('out-of-range'))
  })

  it('go on when the file cannot be used: that is logged once, counted and shown', async () => {
    using file = new LimitsFile({ 'ETH/USD': WITHDRAWN })
    await using one = await start(file.path)
    const logs = collectLogs()
    const errors = () => logs.filter(({ level }) => level === 'error')
    const { readUnixMs } = limitsOf(one.adapter)
    file.write('{"ETH/USD": {"withdrawn": true}}')
    for (let time = 0; time < 10; time++) await look(one.adapter)
    const says =
      'at /ETH~1USD/withdrawn: true is not allowed, but a text that says why, of 1 to 500 characters, or null'
    expect(limitsOf(one.adapter)).toEqual({ rules: 1, source: file.path, readUnixMs, lastError: says })
    expect(await one.answer()).toEqual(withdrawn)
    expect(errors().map(({ message }) => message)).toEqual([
      `Feed limits cannot be used, those before go on: ${says}`,
    ])
    expect(await one.service.metric('feed_limits_rejected_total')).toBe(1)
    await changed(() => file.write({ 'ETH/USD': { withdrawn: 'again' } }), one.adapter)
    expect(limitsOf(one.adapter).lastError).toBeUndefined()
    expect((await one.answer()).says).toBe('The feed is withdrawn: again')
  })

  it('go on while the file is away or half written, without a word if that is soon over', async () => {
    using file = new LimitsFile({ 'ETH/USD': WITHDRAWN })
    await using one = await start(file.path)
    const logs = collectLogs()
    file.remove()
    await look(one.adapter)
    file.write('{"ETH/')
    await look(one.adapter)
    await changed(() => file.write({ 'ETH/USD': WITHDRAWN }), one.adapter)
    expect(await one.answer()).toEqual(withdrawn)
    expect(logs.filter(({ level }) => level === 'error')).toEqual([])
    file.remove()
    for (let time = 0; time < 3; time++) await look(one.adapter)
    expect(limitsOf(one.adapter).lastError).toContain('ENOENT')
    expect(logs.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(await one.answer()).toEqual(withdrawn)
  })

  it('LC-1: leave no timer and no notice behind when the adapter stops', async () => {
    using file = new LimitsFile({ 'ETH/USD': WITHDRAWN })
    const one = await start(file.path)
    expect(await one.answer()).toEqual(withdrawn)
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    await one.service.stop()
    expect(vi.getTimerCount()).toBe(0)
    await pass(15_000)
    expect(one.local().read(keyOf('eth', 'usd'))).toBeUndefined()
  })
})

describe.each(CACHES)('limits of feeds that several transports have, written $way', ({ makeCache }) => {
  const startTwo = async (path: string) => {
    const [ws, rest] = [new StillTransport(), new StillTransport()]
    const transportRoutes = new TransportRoutes<PriceTypes>().register('ws', ws).register('rest', rest)
    const endpoint = new AdapterEndpoint<PriceTypes>({
      name: 'price',
      inputParameters: priceParameters(),
      enableCompositeTransport: true,
      transportRoutes,
    })
    const make = () => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
    const env = { ...AT_ONCE, COMPOSITE_TRANSPORT: 'true', FEED_LIMITS: path }
    const service = await serve(make, { env, dependencies: { loggerFactory, cache: makeCache() as Cache } })
    const answer = async () => {
      const { statusCode, json } = await service.post(ETH)
      return { statusCode, says: json.result ?? json.errorMessage ?? json.error?.reason?.message }
    }
    return { ws, rest, service, answer, [Symbol.asyncDispose]: () => service.stop() }
  }

  it('end the value of any, and none of another comes in its place that is out of them', async () => {
    using file = new LimitsFile()
    await using one = await startTwo(file.path)
    const now = Date.now()
    await one.rest.put(ETH, 9, now - 1)
    await one.ws.put(ETH, 8, now)
    expect(await one.answer()).toEqual(good(8))
    await changed(() => file.write({ '*': { max: 5 } }), one.service.adapter)
    expect(await one.answer()).toEqual(refusal('out-of-range'))
    await one.rest.put(ETH, 5, now - 2)
    expect(await one.answer()).toEqual(good(5))
  })

  it('withdraw it whatever transport has a value, and give it back', async () => {
    using file = new LimitsFile()
    await using one = await startTwo(file.path)
    await one.ws.put(ETH, 8, Date.now())
    await changed(() => file.write({ '*': WITHDRAWN }), one.service.adapter)
    await one.ws.put(ETH, 8, Date.now())
    await one.rest.put(ETH, 9, Date.now())
    expect(await one.answer()).toEqual(withdrawn)
    await changed(() => file.write({}), one.service.adapter)
    await one.rest.put(ETH, 7, Date.now() - 5_000)
    expect(await one.answer()).toEqual(good(7))
  })
})
