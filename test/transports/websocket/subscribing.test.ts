import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { BTC, config, counter, ETH, FAKED, linesAt, logged, start, subscribe, tick } from './support'

beforeEach(() => {
  logged.length = 0
})

afterEach(() => {
  vi.useRealTimers()
})

const EAGER = { BACKGROUND_EXECUTE_MS_WS: '1' }

describe('builders', () => {
  // Naive: one exception fails the pass, so nobody is subscribed, over and over.
  it('that throw for one feed do not stop the others, and its client learns why', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url, {
      builders: {
        subscribeMessage: (params) => {
          if (params.base === 'XYZ') throw new Error('XYZ has no symbol')
          return subscribe(params)[0]
        },
      },
    })
    await using service = await start(of)
    const asked = [ETH, { base: 'XYZ', quote: 'USD' }, BTC].map((feed) => service.post(feed))
    const connection = await provider.connection()
    await connection.next((text) => text === '+ETH/USD')
    await connection.next((text) => text === '+BTC/USD')
    connection.send({ ticks: [...tick(ETH).ticks, ...tick(BTC).ticks] })
    const [eth, xyz, btc] = await Promise.all(asked)
    expect([eth?.statusCode, xyz?.statusCode, btc?.statusCode]).toEqual([200, 500, 200])
    expect(xyz?.json.errorMessage).toContain('XYZ has no symbol')
    expect(await service.metric('data_refused_total', { reason: 'builder-failed' })).toBe(1)
    expect(connection.received.filter((text) => text.includes('ETH'))).toHaveLength(1)
  })

  it('that throw for a feed that is unwanted leave no error behind for who wants it next', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    const of = config(provider.url, {
      builders: {
        subscribeMessage: (params) => subscribe(params)[0],
        unsubscribeMessage: () => {
          throw new Error('never subscribed')
        },
      },
    })
    await using service = await start(of, { WS_SUBSCRIPTION_TTL: '5000', CACHE_POLLING_MAX_RETRIES: '0' })
    await service.post(ETH)
    await (await provider.connection()).next()
    await vi.advanceTimersByTimeAsync(6_100)
    expect(await service.metric('data_refused_total', { reason: 'builder-failed' })).toBe(1)
    expect((await service.post(ETH)).statusCode).toBe(504)
  })

  it('send objects as JSON, texts as they are, and nothing for undefined', async () => {
    await using provider = await wsProvider()
    const messages = [{ op: 'sub' }, undefined, 'plain']
    const of = config(provider.url, { builders: { subscribeMessage: () => messages.shift() } })
    await using service = await start(of)
    for (const base of ['A', 'B', 'C']) void service.post({ base, quote: 'USD' })
    const connection = await provider.connection()
    expect(await connection.next()).toBe('{"op":"sub"}')
    expect(await connection.next()).toBe('plain')
  })

  it('17.3: send the params themselves where one of the two is missing', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url, { builders: {} }))
    void service.post(ETH)
    expect(await (await provider.connection()).nextJson()).toEqual(ETH)
  })

  it('may make all messages of a pass at once', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url, {
      builders: {
        customSubscriptionMessages: ({ endpointName }, { desired, new: fresh, stale }) =>
          fresh.length + stale.length === 0
            ? []
            : [{ endpointName, desired: subscribe(...desired), fresh: subscribe(...fresh) }],
      },
    })
    await using service = await start(of)
    void service.post(ETH)
    const connection = await provider.connection()
    expect(await connection.nextJson()).toEqual({
      endpointName: 'price',
      desired: ['+ETH/USD'],
      fresh: ['+ETH/USD'],
    })
    void service.post(BTC)
    expect(await connection.nextJson()).toMatchObject({
      desired: ['+ETH/USD', '+BTC/USD'],
      fresh: ['+BTC/USD'],
    })
  })

  it('are not needed where the URL says what is subscribed', async () => {
    await using provider = await wsProvider()
    const of = config((_context, desired) => `${provider.url}/${desired.map(({ base }) => base).join()}`, {
      builders: undefined,
    })
    await using service = await start(of)
    const asked = service.post(ETH)
    const first = await provider.connection(0)
    expect(first.path).toBe('/ETH')
    first.send(tick(ETH))
    expect((await asked).statusCode).toBe(200)
    void service.post(BTC)
    const second = await provider.connection(1)
    expect(second.path).toBe('/ETH,BTC')
    expect(await first.closed).toMatchObject({ code: 1000 })
    expect([...first.received, ...second.received]).toEqual([])
  })
})

describe('what is subscribed', () => {
  // Naive: params are compared as JSON, so two clients who spell a feed differently make it unsubscribe and subscribe in turn.
  it('17.9: does not flap when one feed is asked for in several spellings', async () => {
    await using provider = await wsProvider()
    const passes = counter()
    const of = config(() => {
      passes.hit()
      return provider.url
    })
    await using service = await start(of, EAGER)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send(tick(ETH))
    await asked
    for (const base of ['eth', 'Eth', 'ETH', 'eTH']) {
      await service.post({ base, quote: 'usd' })
      await passes.more(5)
    }
    void service.post(BTC)
    await connection.next((text) => text === '+BTC/USD')
    expect(connection.received).toEqual(['+ETH/USD', '+BTC/USD'])
  })

  it('SB-4, 17.2: is unsubscribed when nobody has asked for its TTL, before anything new is subscribed', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), {
      WS_SUBSCRIPTION_TTL: '5000',
      METRICS_ENABLED: 'true',
    })
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send(tick(ETH))
    await asked
    const feed = { feed_id: '{"base":"eth","quote":"usd"}' }
    expect(await service.metric('ws_subscription_active', feed)).toBe(1)
    await vi.advanceTimersByTimeAsync(4_900)
    await service.post(ETH)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(connection.received).toEqual(['+ETH/USD'])
    await vi.advanceTimersByTimeAsync(200)
    void service.post(BTC)
    await connection.next((text) => text === '+BTC/USD')
    expect(connection.received).toEqual(['+ETH/USD', '-ETH/USD', '+BTC/USD'])
    expect(connection.isOpen).toBe(true)
  })

  it('keeps its series when it ends, and counts the message that ends it, contract 18.5', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    const env = { WS_SUBSCRIPTION_TTL: '5000', METRICS_ENABLED: 'true' }
    await using service = await start(config(provider.url), env)
    const feed = {
      feed_id: '{"base":"eth","quote":"usd"}',
      subscription_key: 'price-{"base":"eth","quote":"usd"}',
    }
    const counts = async () => [
      await service.metric('ws_subscription_active', feed),
      await service.metric('ws_subscription_total', feed),
      await service.metric('ws_message_total', { ...feed, direction: 'sent' }),
    ]
    void service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send(tick(ETH))
    await service.until(ETH, ({ statusCode }) => statusCode === 200)
    expect(await counts()).toEqual([1, 1, 1])
    await vi.advanceTimersByTimeAsync(5_100)
    void service.post(BTC)
    await connection.next((text) => text === '+BTC/USD')
    expect(await counts()).toEqual([0, 1, 2])
    void service.post(ETH)
    await connection.next((text) => text === '+ETH/USD')
    expect(await counts()).toEqual([1, 2, 3])
  })

  it('leaves the connection open when it is nothing, unless it should close', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    await using service = await start(config(provider.url, { closeWhenIdle: true }), {
      WS_SUBSCRIPTION_TTL: '5000',
    })
    void service.post(ETH)
    const first = await provider.connection(0)
    await first.next()
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await first.closed).toMatchObject({ code: 1000 })
    expect(first.received).toEqual(['+ETH/USD', '-ETH/USD'])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(provider.handshakes).toBe(1)
    expect(await service.metric('ws_connection_active')).toBe(0)
    void service.post(ETH)
    expect(await (await provider.connection(1)).next()).toBe('+ETH/USD')
    expect(linesAt('warn', 'error')).toEqual([])
  })

  it('is asked for on every pass, with what is wanted then', async () => {
    await using provider = await wsProvider()
    const passes = counter()
    const seen: string[][] = []
    const of = config((_context, desired) => {
      seen.push(subscribe(...desired))
      passes.hit()
      return provider.url
    })
    await using service = await start(of, EAGER)
    void service.post(ETH)
    await (await provider.connection()).next()
    await passes.more(3)
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(new Set(seen.flat())).toEqual(new Set(['+ETH/USD']))
  })
})

describe('a socket that is closing', () => {
  it('is sent nothing: what is wanted then is subscribed on the connection that follows', async () => {
    await using provider = await wsProvider()
    const passes = counter()
    const of = config(() => {
      passes.hit()
      return provider.url
    })
    await using service = await start(of, { ...EAGER, CACHE_POLLING_MAX_RETRIES: '0' })
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    const socket = service.transport.wsConnection!
    const send = vi.spyOn(socket, 'send')
    connection.freeze()
    socket.close()
    await service.post(BTC)
    await passes.more(3)
    expect(socket.readyState).toBe(socket.CLOSING)
    expect(send).not.toHaveBeenCalled()
    socket.terminate()
    const next = await provider.connection(1)
    expect([await next.next(), await next.next()]).toEqual(['+ETH/USD', '+BTC/USD'])
  })
})
