import { type EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Loss, SseConnection } from '../../../src/transports/sse/connection'
import { loadEventSource } from '../../../src/transports/sse/event-source'
import { SseProvider } from './provider'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const EventSourceClass = loadEventSource()

const connect = (source: EventSource) => {
  let tell: (loss: Loss) => void = () => {}
  const lost = new Promise<Loss>((resolve) => (tell = resolve))
  const onLost = vi.fn((loss: Loss) => tell(loss))
  const received: unknown[] = []
  const events = [{ type: 'tick', receive: (event: MessageEvent) => void received.push(event.data) }]
  const connection = new SseConnection(source, { timeoutMs: 10_000, events, onLost })
  return { connection, lost, onLost, received }
}

/** An event source that is whatever a test says. */
class Puppet {
  readonly listeners = new Map<string, (event: unknown) => void>()
  closed = 0
  constructor(public readyState: unknown) {}
  addEventListener(type: string, listener: (event: unknown) => void) {
    const earlier = this.listeners.get(type)
    this.listeners.set(type, (event) => (earlier?.(event), listener(event)))
  }
  emit(type: string, event: object = {}) {
    this.listeners.get(type)?.(event)
  }
  close() {
    this.closed++
  }
}

const puppet = (readyState: unknown) => {
  const source = new Puppet(readyState)
  return { source, ...connect(source as unknown as EventSource) }
}

describe('a stream', () => {
  it('that ends leaves no timer behind for an attempt of its own', async () => {
    await using provider = await SseProvider.start()
    const set = vi.spyOn(globalThis, 'setTimeout')
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    const { connection, lost } = connect(new EventSourceClass(provider.url))
    await connection.opened
    set.mockClear()
    ;(await provider.connection(0)).end()
    expect(await lost).toEqual({ code: 'CONNECTION_CLOSED', message: 'The provider closed the stream' })
    await Promise.resolve()
    const own = set.mock.calls.findIndex(([, delayMs]) => delayMs === 3_000)
    expect(own).toBeGreaterThanOrEqual(0)
    expect(cleared).toHaveBeenCalledWith(set.mock.results[own]?.value)
    expect(provider.asked).toBe(1)
  })

  it('that does not open in time is let go', async () => {
    await using provider = await SseProvider.start()
    provider.answer = 'never'
    const { connection, onLost } = connect(new EventSourceClass(provider.url))
    await provider.until(() => provider.asked === 1)
    vi.advanceTimersByTime(9_999)
    expect(connection.isClosed).toBe(false)
    vi.advanceTimersByTime(1)
    await expect(connection.opened).rejects.toMatchObject({
      statusCode: 502,
      reason: { code: 'CONNECTION_TIMEOUT' },
    })
    expect(connection.isClosed).toBe(true)
    expect(onLost).not.toHaveBeenCalled()
  })

  it('that is closed while it opens tells so to whoever waits, and nobody else', async () => {
    const { connection, source, onLost, received } = puppet(0)
    connection.close()
    connection.close()
    await expect(connection.opened).rejects.toThrow('The stream was closed')
    source.emit('open')
    source.emit('tick', { data: 1 })
    source.emit('error', { code: 500 })
    vi.advanceTimersByTime(20_000)
    expect([received, onLost.mock.calls]).toEqual([[], []])
    expect(source.closed).toBeGreaterThanOrEqual(1)
  })

  it.each([1, undefined, 'odd'])('whose class says %s from the start is open', async (readyState) => {
    const { connection } = puppet(readyState)
    await connection.opened
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is open with its first event, whatever its class says', async () => {
    const { connection, source, received } = puppet(0)
    source.emit('tick', { data: 5 })
    await connection.opened
    expect(received).toEqual([5])
  })

  it('takes an event of the provider that is called error for no error', async () => {
    const { connection, source, onLost } = puppet(1)
    await connection.opened
    source.emit('error', { data: 'quota' })
    expect(connection.isClosed).toBe(false)
    source.readyState = 2
    source.emit('error')
    expect(onLost).toHaveBeenCalledTimes(1)
  })

  it('is noticed to be over where its class does not tell', async () => {
    const { connection, source, onLost } = puppet(1)
    await connection.opened
    connection.check()
    expect(connection.isClosed).toBe(false)
    source.readyState = 2
    connection.check()
    connection.check()
    expect(onLost.mock.calls).toEqual([
      [{ code: 'CONNECTION_CLOSED', message: 'The stream is not open any more' }],
    ])
  })

  it('may fail to close', () => {
    const { connection, source } = puppet(1)
    source.close = () => {
      throw new Error('stuck')
    }
    expect(() => connection.close()).not.toThrow()
    expect(connection.isClosed).toBe(true)
  })
})
