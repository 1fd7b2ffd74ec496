import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProcessState } from '../../src/http/process-state'
import { buildAdapterServer } from '../../src/http/server'
import { ownViews } from '../../src/http/views'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually } from '../helpers/eventually'
import { makeAcme } from '../testing/acme'
import { stillAdapter, SUBSCRIPTION_TTL_MS } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
/** Requests are answered without waiting. */
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

interface Ready {
  status: string
  essential: { feeds: number; fresh: number; missing: { feed: string; reason: { code: string } }[] }
  endpoints: { wanted: number; fresh: number; share?: number }[]
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: 1_700_000_000_000,
  })
})
afterEach(() => vi.useRealTimers())

const serveStill = async (env: Record<string, string> = {}, of: Parameters<typeof stillAdapter>[0] = {}) => {
  const still = stillAdapter(of)
  const service = await serve(still.adapter, { env: { ...AT_ONCE, ...env } })
  const ask = async () => {
    const reply = await service.api.inject('/ready')
    return { status: reply.statusCode, body: reply.json<Ready>() }
  }
  return { ...still, service, ask, [Symbol.asyncDispose]: () => service.stop() }
}

describe('GET /ready', () => {
  it('shows which share of the wanted feeds of each endpoint is fresh, which has no say by default', async () => {
    await using rig = await serveStill()
    expect(await rig.ask()).toEqual({
      status: 200,
      body: {
        status: 'ready',
        essential: { feeds: 0, fresh: 0, missing: [] },
        endpoints: [{ adapter: 'TEST', endpoint: 'price', wanted: 0, fresh: 0 }],
      },
    })
    for (const data of [ETH, BTC]) await rig.service.post(data)
    expect((await rig.ask()).body.endpoints).toMatchObject([{ wanted: 2, fresh: 0, share: 0 }])
    await rig.transport.put(ETH, 5)
    await rig.transport.putError(BTC, 502, 'not listed')
    expect(await rig.ask()).toMatchObject({ status: 200, body: { endpoints: [{ fresh: 1, share: 0.5 }] } })
    await vi.advanceTimersByTimeAsync(SUBSCRIPTION_TTL_MS + 1)
    expect((await rig.ask()).body.endpoints).toMatchObject([{ wanted: 0 }])
  })

  it('answers 503 below READY_MIN_FRESH_SHARE, if that is set', async () => {
    await using rig = await serveStill({ READY_MIN_FRESH_SHARE: '0.6' })
    expect((await rig.ask()).status).toBe(200)
    for (const data of [ETH, BTC]) await rig.service.post(data)
    await rig.transport.put(ETH, 5)
    expect(await rig.ask()).toMatchObject({
      status: 503,
      body: { status: 'not-ready', endpoints: [{ share: 0.5, minShare: 0.6 }] },
    })
    await rig.transport.put(BTC, 6)
    expect((await rig.ask()).status).toBe(200)
  })

  it.each([
    ['the operator, as a request', { READY_ESSENTIAL_FEEDS: JSON.stringify([{ data: ETH }]) }, {}],
    [
      'the operator, for this adapter',
      { READY_ESSENTIAL_FEEDS: JSON.stringify([{ adapter: 'test', endpoint: 'crypto', data: ETH }]) },
      {},
    ],
    ['the author', {}, { endpoint: { essentialFeeds: [ETH] } }],
  ])(
    'LC-7: answers 503 while a feed that is essential to %s is not fresh, and keeps it wanted',
    async (_who, env, of) => {
      await using rig = await serveStill({ CACHE_MAX_AGE: '1000', ...env }, of)
      const feed = 'test:price:ETH/USD'
      expect(await rig.ask()).toMatchObject({
        status: 503,
        body: { essential: { feeds: 1, fresh: 0, missing: [{ feed, reason: { code: 'NO_DATA_YET' } }] } },
      })
      await vi.advanceTimersByTimeAsync(1.5 * SUBSCRIPTION_TTL_MS)
      expect(await rig.transport.wanted()).toEqual([ETH])
      await rig.transport.put(ETH, 5)
      const writtenUnixMs = Date.now()
      expect(await rig.ask()).toMatchObject({
        status: 200,
        body: { status: 'ready', essential: { feeds: 1, fresh: 1, missing: [] } },
      })
      await vi.advanceTimersByTimeAsync(3_000)
      const reason = { code: 'STALE_VALUE', sinceUnixMs: writtenUnixMs + 1_000 }
      expect(await rig.ask()).toMatchObject({
        status: 503,
        body: { status: 'not-ready', essential: { missing: [{ feed, reason }] } },
      })
    },
  )

  it('counts a feed that a pattern names while it is wanted, once it has had a value', async () => {
    const env = { CACHE_MAX_AGE: '1000', READY_ESSENTIAL_FEEDS: '["test:*/USD"]' }
    await using rig = await serveStill(env)
    await rig.service.post(ETH)
    await rig.service.post({ base: 'EHT', quote: 'USD' })
    await rig.service.post({ base: 'ETH', quote: 'EUR' })
    expect((await rig.ask()).body.essential).toEqual({ feeds: 0, fresh: 0, missing: [] })
    await rig.transport.put(ETH, 5)
    await rig.transport.put({ base: 'ETH', quote: 'EUR' }, 5)
    expect((await rig.ask()).body.essential).toEqual({ feeds: 1, fresh: 1, missing: [] })
    await vi.advanceTimersByTimeAsync(1_001)
    expect(await rig.ask()).toMatchObject({
      status: 503,
      body: { essential: { feeds: 1, missing: [{ feed: 'test:price:ETH/USD' }] } },
    })
    await vi.advanceTimersByTimeAsync(SUBSCRIPTION_TTL_MS)
    expect((await rig.ask()).status).toBe(200)
  })

  it.each([
    ['{"data":{}}', /is no list/],
    ['[{"data":', /is no JSON/],
    ['[1, ""]', /entry 1 \(1\): is not allowed.*\n.*entry 2.*empty pattern/],
    ['[{"data":{"base":"ETH"}}]', /entry 1 .*quote.*required/],
    ['[{"endpoint":"nope","data":{}}]', /does not have a "nope" endpoint/],
  ])('LC-5: cannot be asked of an adapter with READY_ESSENTIAL_FEEDS %s', async (text, problem) => {
    const starting = serve(stillAdapter().adapter, { env: { READY_ESSENTIAL_FEEDS: text } })
    await expect(starting).rejects.toThrow(problem)
  })

  it('leaves entries for other adapters to those', async () => {
    const text = JSON.stringify([{ adapter: 'other', data: { nothing: 1 } }])
    await using rig = await serveStill({ READY_ESSENTIAL_FEEDS: text })
    expect((await rig.ask()).body.essential.feeds).toBe(0)
  })

  it('says of an essential feed what is wrong at its provider', async () => {
    vi.useRealTimers()
    await using provider = await wsProvider()
    provider.refuse()
    const env = {
      WS_API_ENDPOINT: provider.url,
      READY_ESSENTIAL_FEEDS: JSON.stringify([{ data: ETH }]),
    }
    await using service = await serve(makeAcme, { env })
    await eventually(async () => {
      const reply = await service.api.inject('/ready')
      const [missing] = reply.json<Ready>().essential.missing
      expect([reply.statusCode, missing?.reason.code]).toEqual([503, 'HANDSHAKE_REFUSED'])
    })
  })

  it('LC-3: answers 503 until everything has started, and from the beginning of the end on', async () => {
    const { adapter } = stillAdapter()
    const state = new ProcessState()
    await adapter.initialize()
    const app = await buildAdapterServer(adapter, ownViews([adapter], state))
    const ask = async () => {
      const reply = await app.inject('/ready')
      return [reply.statusCode, reply.json<Ready>().status]
    }
    expect(await ask()).toEqual([503, 'starting'])
    state.serving()
    expect(await ask()).toEqual([200, 'ready'])
    state.stopping()
    state.serving()
    expect(await ask()).toEqual([503, 'stopping'])
    await app.close()
    await adapter.disconnect()
  })
})
