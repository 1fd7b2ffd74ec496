import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { wsProvider } from '../../../src/testing/ws-provider'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { eventually } from '../../helpers/eventually'
import { lingeringPeer } from '../../helpers/lingering-peer'
import {
  BTC,
  type Config,
  config,
  ETH,
  FAKED,
  logged,
  run,
  start,
  subscribe,
  tick,
  type Types,
} from './support'

const sent: { state: number; text: string }[] = []

/** Notes in which state everything was sent. */
class Watched extends WebSocket {
  override send(data: WebSocket.Data): void {
    sent.push({ state: this.readyState, text: data as string })
    super.send(data)
  }
}

beforeEach(() => {
  logged.length = 0
  sent.length = 0
  WebSocketClassProvider.set(Watched)
  vi.useFakeTimers(FAKED)
})
afterEach(() => {
  WebSocketClassProvider.set(WebSocket)
  vi.useRealTimers()
})

const ENV = {
  BACKGROUND_EXECUTE_MS_WS: '100',
  CACHE_POLLING_MAX_RETRIES: '0',
  WS_HEARTBEAT_INTERVAL_MS: '5000',
  WS_SUBSCRIPTION_TTL: '3600000',
}

const passUntil = (check: () => unknown) =>
  eventually(async () => {
    await vi.advanceTimersByTimeAsync(50)
    await check()
  })

describe('CN-11: a connection', () => {
  it('is sent nothing and counts as no connection while it is CONNECTING, CLOSING or CLOSED', async () => {
    const states: (number | undefined)[] = []
    await using hanging = await wsProvider()
    await using peer = await lingeringPeer()
    hanging.hang()
    let { url } = hanging
    const of = config(() => url)
    of.handlers.heartbeat = (socket) => socket.send('beat')
    const service = await start(of, { ...ENV, WS_CONNECTION_OPEN_TIMEOUT: '2000' })
    const active = async () => (await service.metric('ws_connection_active')) ?? 0
    const none = await active()
    const see = async (isActive: boolean) => {
      states.push(service.transport.wsConnection?.readyState)
      expect((await active()) - none).toBe(isActive ? 1 : 0)
    }
    void service.post(ETH)
    await passUntil(() => expect(hanging.handshakes).toBe(1))
    void service.post(BTC)
    await see(false)
    url = peer.url
    await passUntil(() => expect(peer.connections).toHaveLength(1))
    await passUntil(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    await passUntil(() => expect(sent).toHaveLength(2))
    await see(true)
    peer.connections[0]!.announceClose(1001)
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(2))
    void service.post({ base: 'SOL', quote: 'USD' })
    await vi.advanceTimersByTimeAsync(500)
    await see(false)
    await passUntil(() => expect(service.transport.wsConnection?.readyState).toBe(3))
    await see(false)
    await passUntil(() => expect(peer.connections).toHaveLength(2))
    await passUntil(() => expect(sent).toHaveLength(5))
    await see(true)
    expect(states).toEqual([undefined, 1, 2, 3, 1])
    expect(new Set(sent.map(({ state }) => state))).toEqual(new Set([1]))
    const stopped = service.stop()
    // This peer answers no farewell.
    await eventually(() => expect(service.transport.wsConnection).toBeUndefined())
    await vi.advanceTimersByTimeAsync(1_000)
    await stopped
  })
})

describe('CN-10: what never ends costs its own deadline', () => {
  const never = () => new Promise<never>(() => {})
  const once = <A extends unknown[], R>(then: (...args: A) => R) => {
    let calls = 0
    return (...args: A): R | Promise<never> => (calls++ === 0 ? never() : then(...args))
  }

  const hooks: [string, (of: Config, transport: () => WebSocketTransport<Types>) => void][] = [
    ['url', (of) => void (of.url = once(of.url))],
    ['options', (of) => void (of.options = once(() => ({})))],
    ['open', (of) => void (of.handlers.open = once(() => {}))],
    ['credential', (of) => void (of.credential = { fetch: once(() => ({ value: 't' })) })],
    ['heartbeat', (of) => void (of.handlers.heartbeat = () => never())],
    ['close', (of) => void (of.handlers.close = (() => never()) as () => void)],
    [
      'sendMessages',
      (_of, transport) => {
        const send = transport().sendMessages.bind(transport())
        transport().sendMessages = once(send)
      },
    ],
    [
      'establishWsConnection',
      (_of, transport) => {
        const establish = transport().establishWsConnection.bind(transport())
        transport().establishWsConnection = once(establish)
      },
    ],
  ]

  it.each(hooks)('%s', async (_name, hang) => {
    await using provider = await wsProvider()
    await using other = await wsProvider()
    const of = config(provider.url)
    const made: WebSocketTransport<Types>[] = []
    hang(of, () => {
      made[0] ??= new WebSocketTransport<Types>(of)
      return made[0]
    })
    const env = {
      ...ENV,
      WS_CONNECTION_OPEN_TIMEOUT: '1000',
      BACKGROUND_EXECUTE_TIMEOUT: '1000',
      API_TIMEOUT: '1000',
    }
    await using service = await run(made[0] ?? new WebSocketTransport<Types>(of), env)
    // Another adapter, which is not to notice any of it.
    await using neighbour = await start(config(other.url), env)
    void service.post(ETH)
    void neighbour.post(ETH)
    await passUntil(() => expect(other.connections[0]?.received).toContain(subscribe(ETH)[0]))
    other.connections[0]!.send(tick(ETH, 2))
    await passUntil(async () => expect((await neighbour.post(ETH)).json.result).toBe(2))
    const began = Date.now()
    await passUntil(() => expect(provider.connections.at(-1)?.received).toContain(subscribe(ETH)[0]))
    // Twice the time of a run, after which one is given up, and the pauses around that.
    expect(Date.now() - began).toBeLessThanOrEqual(4_000)
    provider.connections.at(-1)!.send(tick(ETH, 5))
    await passUntil(async () => expect((await service.post(ETH)).json.result).toBe(5))
    provider.connections.at(-1)!.close(1011)
    const { length } = provider.connections
    await passUntil(() => expect(provider.connections.length).toBeGreaterThan(length))
  })

  it.each(['url', 'options'] as const)(
    'and what %s brings after it was given up changes nothing',
    async (name) => {
      await using provider = await wsProvider()
      await using other = await wsProvider()
      let answer = () => {}
      let calls = 0
      const late = <R>(first: R, then: R) => {
        return () => (calls++ > 0 ? then : new Promise<R>((resolve) => (answer = () => resolve(first))))
      }
      const of = config(provider.url)
      if (name === 'url') of.url = late(other.url, provider.url)
      else of.options = late({ headers: { late: 'yes' } }, {})
      await using service = await start(of, {
        ...ENV,
        WS_CONNECTION_OPEN_TIMEOUT: '1000',
        BACKGROUND_EXECUTE_TIMEOUT: '1000',
      })
      void service.post(ETH)
      await passUntil(() => expect(provider.connections[0]?.received).toContain(subscribe(ETH)[0]))
      answer()
      const [connection] = provider.connections
      for (let price = 1; price <= 10; price++) {
        connection!.send(tick(ETH, price))
        await passUntil(async () => expect((await service.post(ETH)).json.result).toBe(price))
      }
      expect([provider.handshakes, other.handshakes]).toEqual([1, 0])
      expect(connection!.received.filter((text) => text !== 'beat')).toEqual(subscribe(ETH))
    },
  )
})
