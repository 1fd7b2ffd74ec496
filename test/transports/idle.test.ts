import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, linesAt as sseLines, start as startSse } from './sse/support'
import { elapse } from './websocket/held-clock'
import { config as wsConfig, ETH, FAKED, linesAt, logged, start as startWs, tick } from './websocket/support'

beforeEach(() => void vi.useFakeTimers({ ...FAKED, now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

/** What would tell of provider traffic, failovers and errors. */
const TROUBLE =
  /^(ws_connection|ws_message|ws_subscription_total|ws_url_switches|source_switches|source_errors|data_provider_requests|stream_handler_errors|bg_execute_errors|data_refused|transport_polling_failure|rate_limit_credits|provider_breaker|requester_queue)/

const troubleOf = async () =>
  Object.fromEntries(
    parseSamples(await renderMetrics())
      .filter(({ name, value }) => TROUBLE.test(name) && value !== 0 && !name.endsWith('_bucket'))
      .map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]),
  )

const anHourOf = async (service: Served) => {
  await elapse(3_600_000, 30_000)
  expect((await service.api.inject('/live')).statusCode).toBe(200)
}

describe('OB-6: an adapter that nobody asks', () => {
  it('dials no WebSocket, with one URL or several, and counts and logs nothing that is wrong', async () => {
    await using provider = await wsProvider()
    await using other = await wsProvider()
    await using service = await startWs(wsConfig(provider.url))
    const several = { ...wsConfig(provider.url), url: undefined, urls: [provider.url, other.url] }
    await using failing = await startWs(several as never)
    logged.length = 0
    const before = await troubleOf()
    await anHourOf(service)
    await anHourOf(failing)
    expect([provider.handshakes, other.handshakes]).toEqual([0, 0])
    expect(await troubleOf()).toEqual(before)
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })

  it('opens no stream', async () => {
    await using provider = await SseProvider.start()
    await using service = await startSse(sseConfig(provider.url))
    const [before, lines] = [await troubleOf(), sseLines('info', 'warn', 'error', 'fatal')]
    await anHourOf(service)
    expect(provider.asked).toBe(0)
    expect(await troubleOf()).toEqual(before)
    expect(sseLines('info', 'warn', 'error', 'fatal')).toEqual(lines)
  })

  it('sends no request', async () => {
    await using provider = await httpProvider(() => ({ body: { price: 5 } }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)))
    const before = await troubleOf()
    await anHourOf(service)
    expect(provider.asked).toEqual([])
    expect(await troubleOf()).toEqual(before)
  })

  it('is quiet again when the last feed is wanted no more: it unsubscribes, closes politely, and that is all', async () => {
    await using provider = await wsProvider()
    const env = { CACHE_POLLING_MAX_RETRIES: '0', WS_SUBSCRIPTION_TTL: '60000' }
    await using service = await startWs(wsConfig(provider.url), env)
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send(tick(ETH, 5))
    await elapse(80_000, 1_000)
    expect(connection.received).toEqual(['+ETH/USD', '-ETH/USD'])
    // contract 10.4: a connection on which nothing is subscribed is given up for its silence, once.
    await elapse(180_000, 1_000)
    expect((await connection.closed).code).toBe(1000)
    const before = await troubleOf()
    logged.length = 0
    await anHourOf(service)
    expect([provider.handshakes, connection.received]).toEqual([1, ['+ETH/USD', '-ETH/USD']])
    expect(await troubleOf()).toEqual(before)
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })
})
