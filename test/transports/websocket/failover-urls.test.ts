import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import { type WebSocketUrlsConfig } from '../../../src/transports/websocket/config'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { eventually } from '../../helpers/eventually'
import { config, ETH, FAKED, linesAt, logged, run, type Running, tick, type Types } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const DWELL_MS = 20_000
const RETURN_AFTER_MS = 90_000
const TIMEOUT_MS = 5_000

const urlsOf = (
  urls: WebSocketUrlsConfig<Types>['urls'],
  changes: Partial<WebSocketUrlsConfig<Types>> = {},
): WebSocketUrlsConfig<Types> => {
  const { handlers, builders } = config('')
  return {
    handlers,
    builders: builders!,
    urls,
    ...changes,
    failover: { dwellMs: DWELL_MS, returnAfterMs: RETURN_AFTER_MS, ...changes.failover },
  }
}

const start = (of: WebSocketUrlsConfig<Types>, env: Record<string, string> = {}) =>
  run(new WebSocketTransport<Types>(of), {
    BACKGROUND_EXECUTE_MS_WS: '500',
    WS_CONNECTION_OPEN_TIMEOUT: String(TIMEOUT_MS),
    // Clients are told at once what there is, because nobody moves the clock while they wait.
    CACHE_POLLING_MAX_RETRIES: '0',
    WS_SUBSCRIPTION_TTL: '3600000',
    ...env,
  })

/** Lets time pass in small steps until the check holds. Returns how long that took. */
const passUntil = async (check: () => unknown, stepMs = 50): Promise<number> => {
  const before = Date.now()
  await eventually(async () => {
    await vi.advanceTimersByTimeAsync(stepMs)
    await check()
  })
  return Date.now() - before
}

/** Lets time pass, and what it sets off happen in between. */
const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 50) {
    await vi.advanceTimersByTimeAsync(50)
    if (passed % 500 === 0) for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
  }
}

const subscribed = (provider: WsProvider, connection = provider.connections.length - 1) =>
  expect(provider.connections[connection]?.received).toContain('+ETH/USD')

/** Every connection of this provider sends a price twice a second, as long as it is open. */
const priced = (provider: WsProvider, price: number) => {
  const timer = setInterval(() => {
    for (const connection of provider.connections) if (connection.isOpen) connection.send(tick(ETH, price))
  }, 500)
  return () => clearInterval(timer)
}

const isServed = (service: Running, price: number) =>
  passUntil(async () => expect((await service.post(ETH)).json.result).toBe(price))

const REASONS = ['failed', 'closed', 'unresponsive', 'returned', 'withdrawn']

/** Counts the moves from here on, by their reasons. Metrics belong to the process. */
const movesOf = async (service: Running) => {
  const count = () =>
    Promise.all(
      REASONS.map(async (reason) => {
        const labels = { adapter_endpoint: 'price', transport: 'default_single_transport', reason }
        return (await service.metric('ws_url_switches_total', labels)) ?? 0
      }),
    )
  const before = await count()
  return async () => {
    const after = await count()
    const counted = REASONS.map((reason, at) => [reason, after[at]! - before[at]!] as const)
    return Object.fromEntries(counted.filter(([, moves]) => moves > 0))
  }
}

describe('a transport with several URLs', () => {
  // Naive (the counter of the contract): B is used until it fails, however long A has been healthy again.
  it('FO-8, FO-1: goes to the second one when the first dies, and back when the first is healthy again, in one event each', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    const stops = [priced(a, 1), priced(b, 2)]
    await using service = await start(urlsOf([`${a.url}/?key=hunter2`, b.url]))
    const moved = await movesOf(service)
    void service.post(ETH)
    await isServed(service, 1)
    await a.stop()
    await isServed(service, 2)
    expect(b.connections).toHaveLength(1)
    await a.restart()
    const { length } = a.connections
    const took = await passUntil(() => expect(a.connections.length).toBeGreaterThanOrEqual(length + 2))
    expect(took).toBeLessThanOrEqual(RETURN_AFTER_MS)
    // The probe was closed, and not subscribed on.
    const probe = a.connections[length]!
    expect(await probe.closed).toMatchObject({ code: 1000 })
    expect(probe.received).toEqual([])
    await passUntil(() => subscribed(a))
    await isServed(service, 1)
    expect(await b.connections[0]!.closed).toMatchObject({ code: 1000 })
    stops.forEach((stop) => stop())
    const moves = logged.filter(({ text }) => text === 'Moving to another URL')
    expect(moves.map(({ level, args }) => [level, args[0]])).toEqual([
      ['info', { from: a.url, to: b.url, reason: 'failed' }],
      ['info', { from: b.url, to: a.url, reason: 'returned' }],
    ])
    expect(await moved()).toEqual({ failed: 1, returned: 1 })
    expect(JSON.stringify(logged)).not.toContain('hunter2')
  })

  it('goes back when the connection beside the one in use is up, where it makes before it breaks, and stays until then', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    const stops = [priced(b, 2)]
    await using service = await start(urlsOf([a.url, b.url], { makeBeforeBreak: true, firstDataMs: 5_000 }))
    const moved = await movesOf(service)
    void service.post(ETH)
    await isServed(service, 2)
    // It can be connected to, and says nothing.
    a.accept()
    const { length } = a.connections
    await passUntil(() => expect(a.connections.length).toBeGreaterThanOrEqual(length + 4))
    expect(b.connections).toHaveLength(1)
    expect(b.connections[0]!.isOpen).toBe(true)
    expect(service.transport.currentUrl).toBe(b.url)
    expect(await moved()).toEqual({ failed: 1 })
    stops.push(priced(a, 1))
    const took = await passUntil(() => expect(b.connections[0]!.isOpen).toBe(false))
    expect(took).toBeLessThanOrEqual(RETURN_AFTER_MS)
    await isServed(service, 1)
    expect(service.transport.currentUrl).toBe(a.url)
    await passUntil(async () => expect(await moved()).toEqual({ failed: 1, returned: 1 }))
    stops.forEach((stop) => stop())
  })

  it('FO-1: stays where it is while the better one fails its probes, and asks it ever more seldom', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    const stop = priced(b, 2)
    await using service = await start(urlsOf([a.url, b.url]))
    void service.post(ETH)
    await isServed(service, 2)
    const first = a.handshakes
    const attempts = await service.metric('ws_connection_attempt')
    const probes: number[] = []
    const began = Date.now()
    while (Date.now() - began < 10 * RETURN_AFTER_MS) {
      await pass(1_000)
      if (a.handshakes > first + probes.length) probes.push(Date.now())
    }
    stop()
    const pauses = probes.slice(1).map((at, n) => at - probes[n]!)
    expect(probes[0]! - began).toBeGreaterThanOrEqual(DWELL_MS - 2_000)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(DWELL_MS)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(RETURN_AFTER_MS)
    expect(pauses.length).toBeGreaterThan(5)
    expect(b.connections).toHaveLength(1)
    expect(b.connections[0]!.isOpen).toBe(true)
    // A probe is none of the connections that the contract counts.
    expect(await service.metric('ws_connection_attempt')).toBe(attempts)
  }, 30_000)

  it('FO-1: leaves a second one that is open and says nothing within its own limit', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    await using c = await wsProvider()
    await a.stop()
    const stop = priced(c, 3)
    await using service = await start(urlsOf([a.url, b.url, c.url]), {
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000',
    })
    const moved = await movesOf(service)
    void service.post(ETH)
    await passUntil(() => subscribed(b))
    const took = await isServed(service, 3)
    stop()
    expect(took).toBeLessThanOrEqual(8_000)
    expect(await moved()).toEqual({ failed: 1, unresponsive: 1 })
  })

  it('FO-1: tries none of them faster than its back-off when all are dead, and finds the first that lives', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    b.refuse()
    await using service = await start(urlsOf([a.url, b.url]), {
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '3',
    })
    void service.post(ETH)
    await pass(120_000)
    // 100, 300, 900, 2 700, 8 100, 24 300 and then 30 000 ms, by the jitter at least half of that.
    for (const { handshakes } of [a, b]) {
      expect(handshakes).toBeGreaterThanOrEqual(7)
      expect(handshakes).toBeLessThanOrEqual(14)
    }
    b.accept()
    const took = await passUntil(() => subscribed(b))
    expect(took).toBeLessThanOrEqual(31_000)
  }, 30_000)

  it.each([
    ['its connection falls silent', false],
    ['its connection goes on', true],
  ])('FO-8: neither probes nor counts while nothing is wanted, though %s', async (_, isTicking) => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    await using service = await start(urlsOf([a.url, b.url]), {
      WS_SUBSCRIPTION_TTL: '5000',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '10000',
    })
    void service.post(ETH)
    await passUntil(() => subscribed(b))
    await passUntil(() => expect(b.connections[0]!.received).toContain('-ETH/USD'))
    const stop = isTicking ? priced(b, 2) : () => {}
    const { handshakes } = a
    const moved = await movesOf(service)
    await pass(5 * DWELL_MS)
    stop()
    expect(b.connections[0]!.isOpen).toBe(isTicking)
    expect(a.handshakes).toBe(handshakes)
    expect(await moved()).toEqual({})
  })

  it('follows a list that a function gives: what is no longer in it is left', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let urls = [a.url, b.url]
    await using service = await start(urlsOf(() => Promise.resolve(urls)))
    const moved = await movesOf(service)
    void service.post(ETH)
    await passUntil(() => subscribed(a))
    urls = [b.url]
    await passUntil(() => subscribed(b))
    expect(await a.connections[0]!.closed).toMatchObject({ code: 1000 })
    expect(await moved()).toEqual({ withdrawn: 1 })
  })

  it('names an empty list, and a list that could not be made, without hammering its author', async () => {
    let calls = 0
    await using service = await start(
      urlsOf(() => {
        calls++
        if (calls % 2 === 0) return []
        throw new Error('no directory')
      }),
    )
    await service.post(ETH)
    const reasons = new Set<string>()
    await passUntil(async () => {
      const { json } = await service.post(ETH)
      const { reason } = json.error as { reason?: { code: string; message: string } }
      if (reason !== undefined) reasons.add(`${reason.code} ${reason.message}`)
      expect(reasons.size).toBe(2)
    })
    expect([...reasons].every((text) => text.startsWith('URL_FAILED The URL could not be determined'))).toBe(
      true,
    )
    expect(calls).toBeLessThan(10)
  })

  it('asks the author’s own probe, for no longer than a connection may take to open', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    const stop = priced(b, 2)
    let probes = 0
    const ended: unknown[] = []
    const probe = (url: string, _: unknown, signal: AbortSignal): Promise<void> | void => {
      expect(url).toBe(a.url)
      if (++probes > 1) return
      return new Promise<void>(() => signal.addEventListener('abort', () => ended.push(signal.reason)))
    }
    await using service = await start(urlsOf([a.url, b.url], { failover: { probe } }))
    void service.post(ETH)
    await isServed(service, 2)
    const { handshakes } = a
    await passUntil(() => expect(probes).toBe(1))
    await pass(TIMEOUT_MS)
    expect(ended).toHaveLength(1)
    expect(a.handshakes).toBe(handshakes)
    a.accept()
    await passUntil(() => subscribed(a))
    stop()
    expect(probes).toBe(2)
    expect(a.connections).toHaveLength(1)
  })

  it('leaves no socket of a probe behind when it stops in the middle of one', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    a.refuse()
    const stop = priced(b, 2)
    const service = await start(urlsOf([a.url, b.url]))
    void service.post(ETH)
    await isServed(service, 2)
    a.hang()
    const { handshakes } = a
    await passUntil(() => expect(a.handshakes).toBe(handshakes + 1))
    stop()
    const stopped = service.stop()
    await pass(2_000)
    await stopped
    expect(vi.getTimerCount()).toBe(0)
    expect(a.connections).toEqual([])
  })

  it('is not made with one url beside them', () => {
    const both = { ...urlsOf(['wss://a.example']), url: () => 'wss://b.example' }
    expect(() => new WebSocketTransport<Types>(both)).toThrow('either "url" or "urls"')
  })
})

describe('the failover counter beside them', () => {
  it('17.1: goes on as the contract has it', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    await using service = await start(urlsOf([a.url, b.url]))
    void service.post(ETH)
    await passUntil(() => subscribed(a))
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(1)
    a.connections[0]!.close(1011)
    await passUntil(() => expect(a.connections.length + b.connections.length).toBe(2))
    expect(service.transport.streamHandlerInvocationsWithNoConnection).toBe(2)
    expect(linesAt('warn')).toHaveLength(1)
  })
})
