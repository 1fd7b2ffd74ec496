import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { BTC, config, counter, ETH, FAKED, linesAt, logged, start, tick } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
})

/** The interval, and the pause that every background loop makes. */
const NEXT_PASS_MS = 1_010

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('a replaced connection', () => {
  // Naive: listeners act on the transport, so the late close of the old socket stops the new one's heartbeat, counts as a failure
  // of the new URL, and lowers the gauge of open connections.
  it('CN-1: closes late without touching the heartbeat, the failover counter and the gauge of its successor', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    const closed = counter()
    const of = config(() => url)
    of.handlers.heartbeat = (socket) => socket.send('beat')
    of.handlers.close = closed.hit
    await using service = await start(of, { WS_HEARTBEAT_INTERVAL_MS: '5000' })
    void service.post(ETH)
    const old = await a.connection()
    await old.next()
    old.freeze()
    url = b.url
    await advance(NEXT_PASS_MS)
    const current = await b.connection()
    expect(await current.next()).toBe('+ETH/USD')
    const { streamHandlerInvocationsWithNoConnection: failures, heartbeatInterval } = service.transport
    const late = closed.more(1)
    old.destroy()
    await late
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(failures)
    expect(service.transport.heartbeatInterval).toBe(heartbeatInterval)
    expect(await service.metric('ws_connection_active')).toBe(1)
    expect(await service.metric('ws_connection_closures', { code: '1006', url: a.url })).toBe(1)
    expect(linesAt('warn')).toEqual([])
    const beat = current.next()
    await advance(5_000)
    expect(await beat).toBe('beat')
    current.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(a.connections).toHaveLength(1)
    expect(b.connections).toHaveLength(1)
  })

  it('CN-1: brings no value any more, however late it speaks', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    const closed = counter()
    const of = config(() => url)
    of.handlers.close = closed.hit
    await using service = await start(of)
    void service.post(ETH)
    const old = await a.connection()
    await old.next()
    old.freeze()
    url = b.url
    await advance(NEXT_PASS_MS)
    const current = await b.connection()
    await current.next()
    current.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    const gone = closed.more(1)
    old.thaw()
    old.send(tick(ETH, 6))
    await gone
    expect((await service.post(ETH)).json.result).toBe(5)
    expect(service.transport.connectionClosed()).toBe(false)
  })

  it('CN-2: does not linger when its peer never answers the close', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    const closed = counter()
    const of = config(() => url)
    of.handlers.close = closed.hit
    await using service = await start(of)
    void service.post(ETH)
    const old = await a.connection()
    await old.next()
    old.freeze()
    url = b.url
    await advance(NEXT_PASS_MS)
    await (await b.connection()).next()
    const gone = closed.more(1)
    await advance(1_000)
    await gone
    expect(linesAt('debug').filter((text) => text.startsWith('A replaced WebSocket closed'))).toHaveLength(1)
  })
})

describe('a change of URL', () => {
  it('closes with 1000, opens the new one and subscribes everything wanted there', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    await using service = await start(config(() => Promise.resolve(url)))
    void service.post(ETH)
    void service.post(BTC)
    const old = await a.connection()
    await old.next((text) => text === '+ETH/USD')
    await old.next((text) => text === '+BTC/USD')
    url = b.url
    await advance(NEXT_PASS_MS)
    expect(await old.closed).toMatchObject({ code: 1000 })
    const current = await b.connection()
    expect([await current.next(), await current.next()]).toEqual(['+ETH/USD', '+BTC/USD'])
    expect(old.received).toEqual(['+ETH/USD', '+BTC/USD'])
    expect(service.transport.currentUrl).toBe(b.url)
    expect(linesAt('warn', 'error')).toEqual([])
    expect(linesAt('info')).toEqual(['Replacing the connection: the URL changed'])
  })

  it('waits until the old connection is a second old, so that a fickle answer makes no storm', async () => {
    await using provider = await wsProvider()
    let path = 0
    const of = config(() => `${provider.url}/${path++}`)
    await using service = await start(of, { BACKGROUND_EXECUTE_MS_WS: '10' })
    const began = Date.now()
    void service.post(ETH)
    for (let i = 0; i < 3; i++) {
      await (await provider.connection(i)).next()
      await advance(1_010)
    }
    expect(provider.connections.length).toBeLessThanOrEqual(1 + (Date.now() - began) / 1_000)
  })

  // Naive (ours, once): the connection is forgotten while its pause still runs, and no pass connects again.
  it('loses nothing when the old connection closes by itself meanwhile', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    const closed = counter()
    const asked = counter()
    const of = config(() => {
      asked.hit()
      return url
    })
    of.handlers.close = closed.hit
    await using service = await start(of, {
      BACKGROUND_EXECUTE_MS_WS: '10',
      STREAM_HANDLER_RETRY_MIN_MS: '10000',
    })
    void service.post(ETH)
    const old = await a.connection()
    await old.next()
    url = b.url
    const next = asked.more(1)
    await advance(20)
    await next
    const gone = closed.more(1)
    old.close(1011)
    await gone
    await advance(5_100)
    expect(await (await b.connection()).next()).toBe('+ETH/USD')
    expect(service.transport.connectionClosed()).toBe(false)
  })
})

describe('a half-open connection', () => {
  it('CN-2: is replaced when nothing usable has come for the time allowed', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000' })
    const asked = service.post(ETH)
    const frozen = await provider.connection(0)
    await frozen.next()
    frozen.send(tick(ETH, 5))
    await asked
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(1)
    frozen.freeze()
    await advance(5_000)
    expect(provider.connections).toHaveLength(1)
    await advance(NEXT_PASS_MS)
    const fresh = await provider.connection(1)
    expect(await fresh.next()).toBe('+ETH/USD')
    fresh.send(tick(ETH, 6))
    await service.until(ETH, ({ json }) => json.result === 6)
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(2)
    expect(linesAt('info')).toEqual([
      'Nothing usable received for 5050 ms. Failover counter incremented to 2',
      'Replacing the connection: no usable message for too long',
    ])
    await advance(1_000)
    frozen.thaw()
    await frozen.closed
    expect(provider.openCount).toBe(1)
  })

  it('is kept while something usable comes, or while the author says so', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const beats = counter()
    const { message } = of.handlers
    of.handlers.message = (m, context) => {
      if ('beat' in m) {
        service.transport.lastMessageReceivedAt = Date.now()
        beats.hit()
      }
      return message(m, context)
    }
    await using service = await start(of, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000' })
    void service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    for (let i = 0; i < 5; i++) {
      await advance(4_000)
      const heard = beats.more(1)
      connection.send({ beat: i })
      await heard
    }
    expect(connection.isOpen).toBe(true)
    expect(provider.connections).toHaveLength(1)
  })
})
