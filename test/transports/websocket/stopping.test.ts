import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { type WsProvider, wsProvider } from '../../../src/testing/ws-provider'
import { WebSocketClassProvider } from '../../../src/connections/class-provider'
import { eventually } from '../../helpers/eventually'
import { BTC, config, ETH, FAKED, linesAt, logged, start, tick } from './support'

const sockets: WebSocket[] = []

class Recorded extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    sockets.push(this)
  }
}

beforeEach(() => {
  logged.length = 0
  sockets.length = 0
  WebSocketClassProvider.set(Recorded)
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  WebSocketClassProvider.set(WebSocket)
  vi.useRealTimers()
})

const held = () => {
  const resources = process.getActiveResourcesInfo()
  const count = (kind: string) => resources.filter((name) => name === kind).length
  return { timers: count('Timeout'), sockets: count('TCPSocketWrap'), requests: count('TCPConnectWrap') }
}

/** Handles are let go of in the turns after the event that announces it. */
const settled = async (expected: ReturnType<typeof held>) => {
  for (let turn = 0; turn < 200; turn++) {
    const now = held()
    if (now.timers <= expected.timers && now.sockets <= expected.sockets && now.requests === 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(held()).toEqual(expected)
}

const allClosed = async () => {
  for (const socket of sockets) if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
}

const expectSilent = () => {
  for (const socket of sockets) {
    expect(socket.readyState).toBe(WebSocket.CLOSED)
    for (const event of ['open', 'message', 'close', 'pong']) expect(socket.listenerCount(event)).toBe(0)
    // One that does nothing: an error that nobody hears would end the process.
    expect(socket.listenerCount('error')).toBeLessThanOrEqual(1)
  }
}

/** Without a moment that passes: nobody moves the clock. A peer would be waited for by it, for a second. */
const stopAtOnce = async (service: { stop: () => Promise<void> }) => {
  let isOver = false
  const stopped = service.stop().then(() => (isOver = true))
  await eventually(() => expect(isOver).toBe(true))
  await stopped
}

describe('LC-3: stopping', () => {
  const scenario = async (act: (provider: WsProvider) => Promise<void>) => {
    const before = held()
    await using provider = await wsProvider()
    await act(provider)
    const { handshakes, openCount } = provider
    expect(openCount).toBe(0)
    await allClosed()
    expectSilent()
    expect(provider.handshakes).toBe(handshakes)
    await provider.stop()
    await settled(before)
    expect(vi.getTimerCount()).toBe(0)
  }

  // Naive: transports are not told, so socket, heartbeat and loop go on.
  it('closes an open connection with 1000 and leaves nothing behind', () =>
    scenario(async (provider) => {
      const of = config(provider.url)
      of.handlers.heartbeat = () => {}
      of.handlers.pong = () => {}
      const service = await start(of)
      const asked = service.post(ETH)
      const connection = await provider.connection()
      connection.send(tick(ETH))
      await asked
      await stopAtOnce(service)
      expect(await connection.closed).toMatchObject({ code: 1000 })
      expect(service.transport.wsConnection).toBeUndefined()
      expect(linesAt('warn', 'error')).toEqual([])
    }))

  it('unsubscribes what is subscribed before it closes, whatever the builder of one feed does', () =>
    scenario(async (provider) => {
      const of = config(provider.url)
      of.builders = {
        subscribeMessage: (params) => ({ subscribe: params.base }),
        unsubscribeMessage: (params) => {
          if (params.base === BTC.base) throw new Error('no such feed')
          return { unsubscribe: params.base }
        },
      }
      const service = await start(of, { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      const connection = await provider.connection()
      expect(await connection.nextJson()).toEqual({ subscribe: ETH.base })
      await service.post(BTC)
      expect(await connection.nextJson()).toEqual({ subscribe: BTC.base })
      await stopAtOnce(service)
      expect(await connection.nextJson()).toEqual({ unsubscribe: ETH.base })
      expect((await connection.closed).code).toBe(1000)
    }))

  it('waits for no way of sending that never ends', () =>
    scenario(async (provider) => {
      const service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      const connection = await provider.connection()
      await connection.next()
      service.transport.sendMessages = () => new Promise<void>(() => {})
      const stopped = service.stop()
      await vi.advanceTimersByTimeAsync(1_000)
      expect((await connection.closed).code).toBe(1000)
      await stopped
    }))

  it('gives up an attempt to connect', () =>
    scenario(async (provider) => {
      provider.hang()
      const service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      await provider.handshake(1)
      await stopAtOnce(service)
      expect(linesAt('error')).toEqual([])
    }))

  it('ends the connection politely while its open handler is at work', () =>
    scenario(async (provider) => {
      const of = config(provider.url)
      of.handlers.open = (socket) => {
        socket.send('login')
        return new Promise<void>(() => {})
      }
      const service = await start(of, { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      const connection = await provider.connection()
      await connection.next()
      await stopAtOnce(service)
      expect(await connection.closed).toMatchObject({ code: 1000 })
      expect(connection.received).toEqual(['login'])
    }))

  it('ends a back-off after failures', () =>
    scenario(async (provider) => {
      provider.refuse()
      const service = await start(config(provider.url), {
        CACHE_POLLING_MAX_RETRIES: '0',
        STREAM_HANDLER_RETRY_MIN_MS: '10000',
      })
      await service.post(ETH)
      while (!linesAt('debug').some((text) => text.startsWith('Waiting up to')))
        await new Promise((resolve) => setImmediate(resolve))
      await stopAtOnce(service)
    }))

  it('ends the pause before a reconnection', () =>
    scenario(async (provider) => {
      const service = await start(config(provider.url), {
        CACHE_POLLING_MAX_RETRIES: '0',
        STREAM_HANDLER_RETRY_MIN_MS: '10000',
      })
      await service.post(ETH)
      ;(await provider.connection()).close(1011)
      while (linesAt('warn').length === 0) await new Promise((resolve) => setImmediate(resolve))
      await stopAtOnce(service)
    }))

  it('ends the wait before a change of URL', () =>
    scenario(async (provider) => {
      let path = '/a'
      const service = await start(
        config(() => provider.url + path),
        {
          CACHE_POLLING_MAX_RETRIES: '0',
          BACKGROUND_EXECUTE_MS_WS: '1',
        },
      )
      await service.post(ETH)
      const connection = await provider.connection()
      await connection.next()
      path = '/b'
      while (linesAt('info').length === 0) await vi.advanceTimersByTimeAsync(1)
      await stopAtOnce(service)
      expect(await connection.closed).toMatchObject({ code: 1000 })
    }))

  it('does not wait for an author who never finishes', () =>
    scenario(async (provider) => {
      const service = await start(
        config(() => new Promise<string>(() => {})),
        { CACHE_POLLING_MAX_RETRIES: '0' },
      )
      await service.post(ETH)
      await stopAtOnce(service)
      expect(provider.handshakes).toBe(0)
    }))

  it('opens nothing for an author who finishes too late', () =>
    scenario(async (provider) => {
      let finish = (_url: string) => {}
      const service = await start(
        config(() => new Promise<string>((resolve) => (finish = resolve))),
        { CACHE_POLLING_MAX_RETRIES: '0' },
      )
      await service.post(ETH)
      await stopAtOnce(service)
      finish(provider.url)
      await new Promise((resolve) => setImmediate(resolve))
      expect(sockets).toEqual([])
    }))

  it('opens nothing for a subclass that is slow to connect', () =>
    scenario(async (provider) => {
      const service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
      const { transport } = service
      const establish = transport.establishWsConnection.bind(transport)
      let fetched = () => {}
      const asked = new Promise<void>((begun) => {
        transport.establishWsConnection = async (...args) => {
          begun()
          await new Promise<void>((resolve) => (fetched = resolve))
          return establish(...args)
        }
      })
      await service.post(ETH)
      await asked
      await stopAtOnce(service)
      fetched()
      await new Promise((resolve) => setImmediate(resolve))
      expect(sockets).toEqual([])
    }))

  it('destroys a connection whose peer does not answer the close', () =>
    scenario(async (provider) => {
      const service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      const connection = await provider.connection()
      await connection.next()
      connection.freeze()
      let isOver = false
      const stopped = service.stop().then(() => (isOver = true))
      const [socket] = sockets
      await eventually(() => expect(socket?.readyState).toBe(WebSocket.CLOSING))
      await vi.advanceTimersByTimeAsync(999)
      expect(isOver).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      await stopped
      connection.thaw()
      await connection.closed
    }))

  it('may be asked twice', () =>
    scenario(async (provider) => {
      const service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
      await service.post(ETH)
      const connection = await provider.connection()
      await connection.next()
      await Promise.all([service.stop(), service.stop(), service.transport.shutdown()])
      await connection.closed
    }))

  it('gives up a connection over TCP that never was answered', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const accepted = once(server, 'connection')
    const service = await start(config(url), { CACHE_POLLING_MAX_RETRIES: '0' })
    await service.post(ETH)
    await accepted
    await stopAtOnce(service)
    await allClosed()
    expectSilent()
    await new Promise((resolve) => server.close(resolve))
  })
})
