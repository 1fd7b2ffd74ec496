import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type WebSocket from 'ws'
import { wsProvider } from '../../../src/testing/ws-provider'
import { startBeating } from '../../../src/transports/websocket/heartbeat'
import { config, counter, ETH, FAKED, linesAt, logged, start } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})

afterEach(() => {
  vi.useRealTimers()
})

const EVERY_5_S = { WS_HEARTBEAT_INTERVAL_MS: '5000' }

describe('a heartbeat', () => {
  it('is sent every interval for as long as its connection is open', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const closed = counter()
    let beats = 0
    of.handlers.heartbeat = (socket, { endpointName }) => socket.send(`${endpointName} ${++beats}`)
    of.handlers.close = closed.hit
    await using service = await start(of, { ...EVERY_5_S, STREAM_HANDLER_RETRY_MIN_MS: '10000' })
    void service.post(ETH)
    const first = await provider.connection(0)
    await first.next()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(beats).toBe(0)
    await vi.advanceTimersByTimeAsync(10_001)
    expect([await first.next(), await first.next(), await first.next()]).toEqual([
      'price 1',
      'price 2',
      'price 3',
    ])
    const gone = closed.more(1)
    provider.refuse()
    first.close(1000)
    await gone
    expect(service.transport.heartbeatInterval).toBeUndefined()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(beats).toBe(3)
  })

  it('that throws or rejects is warned of, and tried again', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const attempts = [
      () => {
        throw new Error('once')
      },
      () => Promise.reject(new Error('twice')),
    ]
    of.handlers.heartbeat = (socket) => {
      const fail = attempts.shift()
      return fail === undefined ? socket.send('beat') : fail()
    }
    await using service = await start(of, EVERY_5_S)
    void service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(await connection.next()).toBe('beat')
    const text = 'Heartbeat handler failed, will be tried later.'
    expect(linesAt('warn')).toEqual([text, text])
  })

  it('sets no timer when there is none', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), EVERY_5_S)
    void service.post(ETH)
    await (await provider.connection()).next()
    expect(service.transport.heartbeatInterval).toBeUndefined()
  })

  it('stops by itself when its connection is not the current one', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url, { firstDataMs: 3_600_000 })
    const beat = vi.fn()
    of.handlers.heartbeat = beat
    await using service = await start(of, EVERY_5_S)
    void service.post(ETH)
    await (await provider.connection()).next()
    const { transport } = service
    const open = transport.wsConnection
    transport.wsConnection = { readyState: 2 } as typeof open
    await vi.advanceTimersByTimeAsync(5_000)
    transport.wsConnection = open
    await vi.advanceTimersByTimeAsync(50_000)
    expect(beat).not.toHaveBeenCalled()
  })

  it.each([
    ['CONNECTING', 0],
    ['CLOSING', 2],
    ['CLOSED', 3],
  ])('CN-11: is not sent on a connection that is %s, and ends', async (_, readyState) => {
    const beat = vi.fn()
    const connection = { readyState: 1 }
    startBeating({ wsConnection: connection as WebSocket }, 5_000, beat)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(beat).toHaveBeenCalledOnce()
    connection.readyState = readyState
    await vi.advanceTimersByTimeAsync(5_000)
    expect(beat).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })
})
