import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { watchPulse } from '../../src/connections/pulse'
import { hasBacklog, noteWire, verdictOf } from '../../src/connections/socket'
import { eventually } from '../helpers/eventually'

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] }),
)
afterEach(() => void vi.useRealTimers())

const EVERY = { everyMs: 15_000, pongWithinMs: 10_000 }

const setUp = async (of: { autoPong: boolean; graceMs?: number }) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: of.autoPong })
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  noteWire(socket)
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'open')])) as [
    [WebSocket],
    unknown,
  ]
  let pings = 0
  peer.on('ping', () => pings++)
  let pongs = 0
  socket.on('pong', () => pongs++)
  watchPulse(socket, { ...EVERY, graceMs: of.graceMs })
  return {
    socket,
    peer,
    pinged: (count: number) => eventually(() => expect(pings).toBe(count)),
    ponged: (count: number) => eventually(() => expect(pongs).toBe(count)),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      peer.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('a connection whose pulse is watched', () => {
  it('stays as long as its peer answers pings, however quiet it is', async () => {
    await using pair = await setUp({ autoPong: true })
    for (let count = 1; count < 6; count++) {
      await vi.advanceTimersByTimeAsync(EVERY.everyMs)
      await pair.ponged(count)
    }
    expect(pair.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('is destroyed when no answer comes within the time, and says why', async () => {
    await using pair = await setUp({ autoPong: false })
    await vi.advanceTimersByTimeAsync(EVERY.everyMs)
    await pair.pinged(1)
    await vi.advanceTimersByTimeAsync(EVERY.pongWithinMs - 1)
    expect(pair.socket.readyState).toBe(WebSocket.OPEN)
    const closed = once(pair.socket, 'close')
    await vi.advanceTimersByTimeAsync(1)
    expect((await closed)[0]).toBe(1006)
    expect(verdictOf(pair.socket)?.message).toBe('The provider answered no ping within 10 s')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stays while anything else comes from its peer', async () => {
    await using pair = await setUp({ autoPong: false })
    for (let count = 1; count < 4; count++) {
      await vi.advanceTimersByTimeAsync(EVERY.everyMs)
      await pair.pinged(count)
      pair.peer.send('tick')
      await once(pair.socket, 'message')
    }
    expect(pair.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('is given the time that a ping may wait here', async () => {
    await using pair = await setUp({ autoPong: false, graceMs: 3_000 })
    await vi.advanceTimersByTimeAsync(EVERY.everyMs + EVERY.pongWithinMs + 2_999)
    expect(pair.socket.readyState).toBe(WebSocket.OPEN)
    await vi.advanceTimersByTimeAsync(1)
    expect(pair.socket.readyState).not.toBe(WebSocket.OPEN)
  })

  it('leaves no timer when it closes', async () => {
    await using pair = await setUp({ autoPong: true })
    await vi.advanceTimersByTimeAsync(EVERY.everyMs)
    pair.peer.terminate()
    await once(pair.socket, 'close')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is left alone where a double cannot ping', () => {
    watchPulse({ readyState: 1 } as WebSocket, EVERY)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('what waits to be sent', () => {
  const withBacklog = (bufferedAmount: number | undefined) => {
    const terminate = vi.fn()
    return { socket: { readyState: 1, bufferedAmount, terminate } as unknown as WebSocket, terminate }
  }

  it.each([undefined, 0, 8 * 1024 * 1024])('is no trouble as long as it is %s bytes', (bytes) => {
    const { socket, terminate } = withBacklog(bytes)
    expect(hasBacklog(socket)).toBe(false)
    expect(terminate).not.toHaveBeenCalled()
  })

  it('costs the connection when it is more', () => {
    const { socket, terminate } = withBacklog(8 * 1024 * 1024 + 1)
    expect(hasBacklog(socket)).toBe(true)
    expect(terminate).toHaveBeenCalledTimes(1)
    expect(verdictOf(socket)?.message).toBe('The provider does not read: 8388609 bytes wait to be sent')
  })
})
