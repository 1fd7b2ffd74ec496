import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { eventually } from '../../helpers/eventually'
import { config, ETH, FAKED, logged, run, start, subscribe, tick, type Types } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

/** A provider that allows one connection for a credential, at whichever of its endpoints, and kills both when it sees two. */
const strict = (...endpoints: WsProvider[]) => {
  const seen = { most: 0, live: new Set<ProviderConnection>() }
  for (const endpoint of endpoints)
    endpoint.onConnection((connection) => {
      seen.live.add(connection)
      void connection.closed.then(() => seen.live.delete(connection))
      seen.most = Math.max(seen.most, seen.live.size)
      if (seen.live.size > 1) for (const one of seen.live) one.destroy()
    })
  return seen
}

const ENV = {
  BACKGROUND_EXECUTE_MS_WS: '100',
  CACHE_POLLING_MAX_RETRIES: '0',
  WS_SUBSCRIPTION_TTL: '3600000',
}

const passUntil = (check: () => unknown) =>
  eventually(async () => {
    await vi.advanceTimersByTimeAsync(50)
    await check()
  })

const subscribed = (connection: ProviderConnection | undefined) =>
  expect(connection?.received).toContain(subscribe(ETH)[0])

describe('CN-7: with one connection for a credential there are never two', () => {
  // Naive: the old one is told to close, and the new one is dialled in the same turn.
  it('when the URL changes, again and again', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    const seen = strict(a, b)
    let { url } = a
    await using service = await start(
      config(() => url, { singleConnection: true }),
      ENV,
    )
    void service.post(ETH)
    for (let n = 0; n < 4; n++) {
      for (const provider of [a, b]) {
        url = provider.url
        await passUntil(() => subscribed(provider.connections[n]))
      }
    }
    expect(seen.most).toBe(1)
    expect([a, b].map(({ connections }) => connections.length)).toEqual([4, 4])
  })

  it('when a connection is replaced that says nothing', async () => {
    await using provider = await wsProvider()
    const seen = strict(provider)
    await using service = await start(config(provider.url, { singleConnection: true }), {
      ...ENV,
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '2000',
    })
    void service.post(ETH)
    await passUntil(() => subscribed(provider.connections[2]))
    expect(seen.most).toBe(1)
  })

  it('when nothing is wanted any more, and at once something is again', async () => {
    await using provider = await wsProvider()
    const seen = strict(provider)
    const of = config(provider.url, { singleConnection: true, closeWhenIdle: true })
    await using service = await start(of, { ...ENV, WS_SUBSCRIPTION_TTL: '2000' })
    void service.post(ETH)
    await passUntil(() => subscribed(provider.connections[0]))
    await passUntil(() => expect(service.transport.wsConnection).toBeUndefined())
    void service.post(ETH)
    await passUntil(() => subscribed(provider.connections[1]))
    expect(seen.most).toBe(1)
  })

  it('when an open handler fails, or is given up', async () => {
    await using provider = await wsProvider()
    const seen = strict(provider)
    let opened = 0
    const of = config(provider.url, { singleConnection: true })
    of.handlers.open = () => {
      opened++
      if (opened === 1) throw new Error('no')
      return opened === 2 ? new Promise(() => {}) : undefined
    }
    await using service = await start(of, { ...ENV, WS_CONNECTION_OPEN_TIMEOUT: '2000' })
    void service.post(ETH)
    await passUntil(() => subscribed(provider.connections[2]))
    expect(seen.most).toBe(1)
  })

  it('when it goes to another of its URLs and back, and the other is probed meanwhile', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    const seen = strict(a, b)
    await a.stop()
    const { handlers, builders } = config('')
    const transport = new WebSocketTransport<Types>({
      urls: [a.url, b.url],
      handlers,
      builders: builders!,
      singleConnection: true,
      failover: { dwellMs: 5_000, returnAfterMs: 20_000 },
    })
    await using service = await run(transport, { ...ENV, WS_CONNECTION_OPEN_TIMEOUT: '1000' })
    void service.post(ETH)
    await passUntil(() => subscribed(b.connections[0]))
    await a.restart()
    await passUntil(() => subscribed(a.connections[0]))
    expect(seen.most).toBe(1)
    expect(a.handshakes).toBe(1)
  })

  it('when its peer does not answer the close: it is destroyed first, and that has been confirmed', async () => {
    await using a = await wsProvider()
    await using b = await wsProvider()
    let { url } = a
    const of = config(() => url, { singleConnection: true })
    const events: string[] = []
    of.handlers.close = () => void events.push('the old one has closed')
    b.onConnection(() => events.push('the new one is open'))
    await using service = await start(of, ENV)
    void service.post(ETH)
    await passUntil(() => subscribed(a.connections[0]))
    a.connections[0]!.freeze()
    url = b.url
    await passUntil(() => subscribed(b.connections[0]))
    expect(events).toEqual(['the old one has closed', 'the new one is open'])
    b.connections[0]!.send(tick(ETH, 5))
    await passUntil(async () => expect((await service.post(ETH)).json.result).toBe(5))
  })

  it('when it stops, and another begins', async () => {
    await using provider = await wsProvider()
    const seen = strict(provider)
    for (let n = 0; n < 3; n++) {
      const service = await start(config(provider.url, { singleConnection: true }), ENV)
      void service.post(ETH)
      await passUntil(() => subscribed(provider.connections[n]))
      await service.stop()
    }
    expect(seen.most).toBe(1)
  })
})
