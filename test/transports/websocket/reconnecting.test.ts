import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { wsProvider } from '../../../src/testing/ws-provider'
import { BTC, config, counter, ETH, FAKED, linesAt, logged, start, tick } from './support'

beforeEach(() => {
  logged.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** The next pass would be ten seconds away: what comes sooner followed the close event. */
const LAZY = { BACKGROUND_EXECUTE_MS_WS: '10000' }

const ABNORMAL = /^WebSocket closed abnormally/

describe('a connection that closes', () => {
  const cases: [string, number, (connection: ProviderConnection) => void][] = [
    ['with 1000', 1000, (connection) => connection.close(1000)],
    ['with 1001', 1001, (connection) => connection.close(1001, 'moving')],
    ['without a code', 1005, (connection) => connection.close()],
    ['without a word', 1006, (connection) => connection.destroy()],
    ['with 1008', 1008, (connection) => connection.close(1008, 'slow down')],
    ['with 1011', 1011, (connection) => connection.close(1011)],
  ]
  // Naive: the close is noticed at the next pass, up to BACKGROUND_EXECUTE_MS_WS later.
  it.each(cases)(
    'SB-2: %s (%i) is reopened at once and subscribed again, spelled as before',
    async (_, code, end) => {
      vi.useFakeTimers(FAKED)
      await using provider = await wsProvider()
      const of = config(provider.url)
      const closed = counter()
      of.handlers.close = closed.hit
      await using service = await start(of, LAZY)
      const eth = { base: 'eth', quote: 'Usd' }
      void service.post(eth)
      const first = await provider.connection(0)
      await first.next()
      void service.post(BTC)
      await first.next()
      const value = service.until(ETH, ({ json }) => json.result === 5)
      first.send(tick(eth, 5))
      await value
      const gone = closed.more(1)
      end(first)
      await gone
      // The pause before a first attempt, at most.
      await vi.advanceTimersByTimeAsync(100)
      const second = await provider.connection(1)
      expect([await second.next(), await second.next()]).toEqual(['+eth/Usd', '+BTC/USD'])
      expect(provider.connections).toHaveLength(2)
      const url = new URL(provider.url).href.replace(/\/$/, '')
      const closures = await service.metric('ws_connection_closures', { code: String(code), url })
      expect(closures).toBeGreaterThanOrEqual(1)
    },
  )

  it('says so in exactly one line when that was abnormal, and in none when it was not', async () => {
    await using provider = await wsProvider()
    await using service = await start(
      config(() => `${provider.url}/v1?key=secret`),
      LAZY,
    )
    void service.post(ETH)
    ;(await provider.connection(0)).close(1008, 'slow down')
    await provider.connection(1)
    ;(await provider.connection(1)).destroy()
    await provider.connection(2)
    ;(await provider.connection(2)).close(1000)
    await provider.connection(3)
    const url = `${provider.url}/v1`
    expect(linesAt('warn', 'error')).toEqual([
      `WebSocket closed abnormally (code: 1008, reason: slow down). Failover counter incremented to 2. URL: ${url}`,
      `WebSocket closed abnormally (code: 1006, reason: none). Failover counter incremented to 3. URL: ${url}`,
    ])
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('is told to clients that wait meanwhile', async () => {
    // Nobody moves the clock: it stays closed.
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), {
      CACHE_POLLING_MAX_RETRIES: '0',
      STREAM_HANDLER_RETRY_MIN_MS: '10000',
    })
    void service.post(ETH)
    ;(await provider.connection(0)).close(1012, 'restart')
    while (linesAt('warn').length === 0) await new Promise((resolve) => setImmediate(resolve))
    const { json } = await service.post(ETH)
    expect(json.error.reason).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: 'The provider closed the connection (code: 1012, reason: restart)',
    })
  })

  it.each(['10', '10000'])(
    'CN-5: is reopened ever more slowly while it brings nothing, looked at every %s ms',
    async (everyMs) => {
      vi.spyOn(Math, 'random').mockReturnValue(0.999)
      await using provider = await wsProvider()
      const opened: number[] = []
      provider.onConnection((connection) => {
        opened.push(performance.now())
        connection.close(1011)
      })
      await using service = await start(config(provider.url), {
        BACKGROUND_EXECUTE_MS_WS: everyMs,
        STREAM_HANDLER_RETRY_EXP_FACTOR: '4',
      })
      void service.post(ETH)
      await provider.connection(3)
      const pauses = opened.slice(1).map((at, i) => at - (opened[i] ?? 0))
      // Drawn from up to 50, 200 and 800 ms, here the longest; what comes on top is the machine's.
      expect(pauses[0]).toBeGreaterThanOrEqual(48)
      expect(pauses[1]).toBeGreaterThanOrEqual(198)
      expect(pauses[2]).toBeGreaterThanOrEqual(798)
      expect(linesAt('warn').every((text) => ABNORMAL.test(text))).toBe(true)
    },
  )

  it('may be closed by the author, and is opened again', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), LAZY)
    void service.post(ETH)
    const first = await provider.connection(0)
    await first.next()
    service.transport.wsConnection?.close(1000)
    expect(await first.closed).toMatchObject({ code: 1000 })
    expect(await (await provider.connection(1)).next()).toBe('+ETH/USD')
    expect(linesAt('warn', 'error')).toEqual([])
  })
})

describe('the failover counter', () => {
  it('17.1: is 1 at the first connection, grows with every abnormal close, and is never reset', async () => {
    await using provider = await wsProvider()
    const seen: number[] = []
    const of = config((_context, _desired, { streamHandlerInvocationsWithNoConnection }) => {
      seen.push(streamHandlerInvocationsWithNoConnection)
      return provider.url
    })
    await using service = await start(of, LAZY)
    void service.post(ETH)
    for (const [index, code] of [1011, 1000, 1001].entries()) {
      const connection = await provider.connection(index)
      await connection.next()
      const value = service.until(ETH, ({ json }) => json.result === index)
      connection.send(tick(ETH, index))
      await value
      connection.close(code)
    }
    await (await provider.connection(3)).next()
    expect(new Set(seen)).toEqual(new Set([1, 2, 3]))
    expect([...seen].sort()).toEqual(seen)
    const labels = { transport_name: 'default_single_transport', url: provider.url }
    expect(await service.metric('ws_connection_failover_count', labels)).toBe(3)
  })

  it('chooses among URLs', async () => {
    await using good = await wsProvider()
    await using bad = await wsProvider()
    bad.refuse()
    const urls = [good.url, bad.url]
    const of = config(
      (_context, _desired, { streamHandlerInvocationsWithNoConnection: n }) => urls[n % 2] ?? '',
    )
    await using service = await start(of)
    void service.post(ETH)
    expect(await (await good.connection()).next()).toBe('+ETH/USD')
    expect(bad.handshakes).toBe(1)
  })
})
