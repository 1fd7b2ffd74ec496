import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { wsProvider, type WsProvider } from '../../src/testing/ws-provider'
import { eventually } from '../helpers/eventually'

/** A client that remembers what it got. */
const dial = (provider: WsProvider, options: { perMessageDeflate?: boolean; path?: string } = {}) => {
  const socket = new WebSocket(`${provider.url}${options.path ?? ''}`, {
    perMessageDeflate: options.perMessageDeflate ?? false,
  })
  const messages: string[] = []
  socket.on('message', (data: Buffer) => messages.push(data.toString()))
  // Not by once(): that would reject on an error, which is what many of these tests want to see.
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => socket.on('error', resolve))
  const opened = new Promise<void>((resolve) => socket.on('open', resolve))
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  return { socket, messages, failed, opened, closed }
}

const until = async (socket: WebSocket, messages: string[], count: number) => {
  while (messages.length < count) await once(socket, 'message')
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a loopback provider', () => {
  it('shows path, headers and frames of each connection', async () => {
    await using provider = await wsProvider()
    const { socket, opened } = dial(provider, { path: '/v2?key=1' })
    const connection = await provider.connection()
    await opened
    socket.send('{"op":"subscribe"}')
    socket.send('plain')
    socket.send(Buffer.from([1, 2]))
    expect(await connection.nextJson()).toEqual({ op: 'subscribe' })
    expect(await connection.next()).toBe('plain')
    expect(await connection.nextBinary()).toEqual(Buffer.from([1, 2]))
    expect(connection.received).toEqual(['{"op":"subscribe"}', 'plain'])
    expect(connection).toMatchObject({ index: 0, path: '/v2?key=1', isOpen: true })
    expect(connection.headers.upgrade).toBe('websocket')
    expect(provider).toMatchObject({ openCount: 1, handshakes: 1 })
  })

  it('waits for a number of frames, hands none of them out by that, and says what came when they do not', async () => {
    await using provider = await wsProvider({ guardMs: 2_000 })
    const { socket, opened } = dial(provider)
    const connection = await provider.connection()
    await opened
    const two = connection.frames(2)
    for (const text of ['a', 'b']) socket.send(text)
    expect(await two).toEqual(['a', 'b'])
    expect(await connection.frames(1)).toEqual(['a', 'b'])
    expect(await connection.next()).toBe('a')
    const three = connection.frames(3)
    socket.close(1000)
    await expect(three).rejects.toThrow(
      /closed \(code: 1000, .* while waiting for a text frame .*2 received:\n {2}a\n {2}b$/,
    )
    await expect(connection.frames(3)).rejects.toThrow(/closed/)
  })

  it('hands each frame out once, to the first wait that it matches', async () => {
    await using provider = await wsProvider()
    const { socket, opened } = dial(provider)
    const connection = await provider.connection()
    await opened
    const b = connection.nextJson<{ id: string }>(({ id }) => id === 'b')
    const first = connection.next()
    for (const id of ['a', 'b', 'c', 'd']) socket.send(JSON.stringify({ id }))
    expect(await b).toEqual({ id: 'b' })
    expect(await first).toBe('{"id":"a"}')
    expect(await connection.next((text) => text.includes('"d"'))).toBe('{"id":"d"}')
    expect(await connection.next()).toBe('{"id":"c"}')
  })

  it.each([false, true])(
    'sends greetings in the segment of the handshake answer (compression: %s)',
    async (perMessageDeflate) => {
      await using provider = await wsProvider({ sendWithHandshake: [{ hello: 1 }], perMessageDeflate })
      provider.onConnection((connection) => connection.send('at once'))
      const tcp = connectTcp(Number(new URL(provider.url).port), '127.0.0.1')
      tcp.write(
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
      const [segment] = (await once(tcp, 'data')) as [Buffer]
      const [head, frames] = segment.toString('latin1').split('\r\n\r\n')
      expect(head).toContain('101 Switching Protocols')
      expect(head?.includes('permessage-deflate')).toBe(perMessageDeflate)
      expect(frames).toBe('\x81\x0b{"hello":1}\x81\x07at once')
      tcp.destroy()
    },
  )

  it('sends objects as JSON, strings as they are and buffers as binary frames, compressed or not', async () => {
    for (const perMessageDeflate of [false, true]) {
      await using provider = await wsProvider({ perMessageDeflate })
      const { socket, messages } = dial(provider, { perMessageDeflate })
      const binary: boolean[] = []
      socket.on('message', (_data, isBinary) => binary.push(isBinary))
      const connection = await provider.connection()
      connection.send({ a: 1 })
      connection.send('text')
      connection.send(Buffer.from('bytes'))
      await until(socket, messages, 3)
      expect(messages).toEqual(['{"a":1}', 'text', 'bytes'])
      expect(binary).toEqual([false, false, true])
      expect(socket.extensions).toBe(perMessageDeflate ? 'permessage-deflate' : '')
    }
  })

  it('lets a handler answer every message', async () => {
    await using provider = await wsProvider()
    provider.onMessage((text, connection) => connection.send(`${connection.index}: ${text}`))
    const { socket, messages, opened } = dial(provider)
    await opened
    socket.send('a')
    await until(socket, messages, 1)
    expect(messages).toEqual(['0: a'])
  })

  it('hands connections out in order, and waits for those to come', async () => {
    await using provider = await wsProvider()
    const [first, second] = [provider.connection(), provider.connection()]
    const third = provider.connection(2)
    for (let i = 0; i < 3; i++) await dial(provider).opened
    expect([(await first).index, (await second).index, (await third).index]).toEqual([0, 1, 2])
    expect((await provider.connection(1)).index).toBe(1)
    expect(provider.openCount).toBe(3)
  })

  it('sees pings and pongs', async () => {
    await using provider = await wsProvider()
    const { socket, opened } = dial(provider)
    const connection = await provider.connection()
    await opened
    socket.ping('are you there')
    expect(String(await connection.nextPing())).toBe('are you there')
    connection.ping('and you')
    expect(String(await connection.nextPong())).toBe('and you')
  })
})

describe('the end of a connection', () => {
  it('is seen on both sides with code and reason', async () => {
    await using provider = await wsProvider()
    const [byProvider, byClient] = [dial(provider), dial(provider)]
    const first = await provider.connection()
    const second = await provider.connection()
    await Promise.all([byProvider.opened, byClient.opened])
    first.close(4001, 'go away')
    byClient.socket.close(1000, 'done')
    expect(await byProvider.closed).toEqual({ code: 4001, reason: 'go away' })
    expect(await second.closed).toEqual({ code: 1000, reason: 'done' })
    expect(await first.closed).toEqual({ code: 4001, reason: 'go away' })
    expect(provider.openCount).toBe(0)
  })

  it('comes without a close frame when the connection is destroyed', async () => {
    await using provider = await wsProvider()
    const { opened, closed } = dial(provider)
    const connection = await provider.connection()
    await opened
    connection.destroy()
    expect((await closed).code).toBe(1006)
    expect((await connection.closed).code).toBe(1006)
  })

  it('rejects everybody who waits for a frame, and says what was received', async () => {
    await using provider = await wsProvider()
    const { socket, opened } = dial(provider)
    const connection = await provider.connection()
    await opened
    socket.send('hello')
    await connection.next()
    const waiting = connection.next()
    socket.close(1000)
    const message =
      /connection closed \(code: 1000, reason: none\) while waiting for a text frame.*\n {2}hello/i
    await expect(waiting).rejects.toThrow(message)
    await expect(connection.next()).rejects.toThrow(message)
  })

  it('comes in the middle of a frame that was announced whole', async () => {
    await using provider = await wsProvider()
    const { opened, messages, closed } = dial(provider)
    const connection = await provider.connection()
    await opened
    connection.sendCut('{"price":1800}')
    // Neither a part of the frame nor an end of the connection that somebody announced.
    expect((await closed).code).toBe(1006)
    expect(messages).toEqual([])
  })

  it('is ours when bytes come that are no frame', async () => {
    await using provider = await wsProvider()
    const { opened, failed } = dial(provider)
    const connection = await provider.connection()
    await opened
    connection.sendBytes(Buffer.from([0xff, 0xff, 0xff]))
    expect((await failed).code).toMatch(/^WS_ERR_/)
  })

  it('is not seen while a connection is frozen, and nothing passes', async () => {
    await using provider = await wsProvider()
    const { socket, messages, opened, closed } = dial(provider)
    const connection = await provider.connection()
    await opened
    connection.freeze()
    connection.send('lost')
    socket.send('kept')
    socket.close(1000)
    // Another connection is the clock: its round trip takes longer than the frozen one would have.
    const other = dial(provider)
    await other.opened
    other.socket.close()
    await other.closed
    expect(connection.isOpen).toBe(true)
    expect(connection.received).toEqual([])
    connection.thaw()
    expect((await closed).code).toBe(1000)
    expect(connection.received).toEqual(['kept'])
    expect(messages).toEqual([])
  })
})

describe('a provider that does not want', () => {
  it('refuses handshakes with a status, until it accepts again', async () => {
    await using provider = await wsProvider()
    provider.refuse(429)
    expect((await dial(provider).failed).message).toBe('Unexpected server response: 429')
    expect(provider).toMatchObject({ handshakes: 1, openCount: 0, connections: [] })
    provider.accept()
    await dial(provider).opened
    expect(provider).toMatchObject({ handshakes: 2, openCount: 1 })
  })

  it('leaves handshakes unanswered, and resets them when it stops', async () => {
    await using provider = await wsProvider()
    provider.hang()
    const { socket, closed } = dial(provider)
    await provider.handshake(1)
    expect(socket.readyState).toBe(WebSocket.CONNECTING)
    await provider.stop()
    expect((await closed).code).toBe(1006)
  })

  it('answers handshakes late that hung, if their clients still wait', async () => {
    await using provider = await wsProvider()
    provider.hang()
    const [patient, gone] = [dial(provider), dial(provider)]
    await provider.handshake(2)
    gone.socket.terminate()
    await gone.closed
    provider.acceptLate()
    await patient.opened
    const connection = await provider.connection()
    connection.send('at last')
    await until(patient.socket, patient.messages, 1)
    expect(patient.messages).toEqual(['at last'])
    await dial(provider).opened
  })

  it('refuses TCP while it is stopped, and comes back on the same port', async () => {
    await using provider = await wsProvider()
    const { url } = provider
    const first = dial(provider)
    await first.opened
    await provider.stop()
    expect((await first.closed).code).toBe(1006)
    expect((await dial(provider).failed).code).toBe('ECONNREFUSED')
    await provider.restart()
    expect(provider.url).toBe(url)
    await dial(provider).opened
    expect((await provider.connection(1)).isOpen).toBe(true)
  })
})

describe('the guard time', () => {
  it('ends a wait with what was waited for and what came instead, and loses no later frame', async () => {
    // Everything that is to come before a guard does so before the wait.
    await using provider = await wsProvider({ guardMs: 30 })
    const { socket, opened } = dial(provider)
    await opened
    const connection = await provider.connection()
    socket.send('something else')
    await eventually(() => expect(connection.received).toHaveLength(1))
    const waiting = connection.next((text) => text === 'subscribe')
    await expect(waiting).rejects.toThrow(
      /^Waited 30 ms for a text frame on connection 0 \(\/\); 1 received:\n {2}something else$/,
    )
    await expect(connection.frames(2)).rejects.toThrow(
      /^Waited 30 ms for 2 of these: a text frame on connection 0 \(\/\); 1 received:\n {2}something else$/,
    )
    await expect(provider.connection(7)).rejects.toThrow(
      'Waited 30 ms for connection 7; seen: 1 handshakes, 1 connections, 1 open',
    )
    expect(await connection.next()).toBe('something else')
    socket.send('subscribe')
    await eventually(() => expect(connection.received).toHaveLength(2))
    expect(await connection.next()).toBe('subscribe')
  })

  it('passes in real time under a fake clock', async () => {
    await using provider = await wsProvider({ guardMs: 30 })
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
    await expect(provider.connection()).rejects.toThrow('Waited 30 ms for connection 0')
    const { opened } = dial(provider)
    await opened
    expect((await provider.connection()).isOpen).toBe(true)
  })
})
