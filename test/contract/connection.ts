import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../src/testing/ws-provider'
import { lingeringPeer } from '../helpers/lingering-peer'
import { errorCodes } from '../../src/validation/error-codes'

/** An open connection, seen from our side. */
export interface OpenConnection {
  /** The next message that has come and was not handed out yet; waits for it. */
  next: () => Promise<string>
  /** Every message that has come. */
  received: () => readonly string[]
  send: (text: string) => void
  /** Resolves when it is over, whoever ended it. */
  over: Promise<unknown>
  /** Says goodbye; resolves when nothing is left of the connection. */
  close: () => Promise<void>
}

/** Opens a connection; rejects with an error that has a `reason` of the table. */
export type Connect = (url: string, of: { timeoutMs: number; signal: AbortSignal }) => Promise<OpenConnection>

const FAKED = {
  toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
} satisfies Parameters<typeof vi.useFakeTimers>[0]

const GUARD_MS = 20_000
const TIMEOUT_MS = 5_000
/** Longer than anybody waits for a peer's goodbye. */
const PATIENCE_MS = 5_000

/** Takes TCP connections, and does with them what a test says. */
const tcpServer = async (onSocket: (socket: Socket) => void = () => {}) => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.resume()
    onSocket(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}/`,
    /** Resolves when a socket has come. */
    asked: async () => void (sockets.length === 0 && (await once(server, 'connection'))),
    /** Resolves when they have ended. */
    gone: async () => {
      for (const socket of sockets) if (!socket.closed) await once(socket, 'close')
    },
    count: () => sockets.length,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What every client side of a connection does. */
export const testConnection = (name: string, connect: Connect): void => {
  afterEach(() => void vi.useRealTimers())

  const opening = (url: string, signal: AbortSignal = new AbortController().signal) =>
    connect(url, { timeoutMs: TIMEOUT_MS, signal })
  /** The code of an attempt that fails. Its failure is heard from the very beginning. */
  const codeOf = (attempt: Promise<OpenConnection>): Promise<string | undefined> =>
    attempt.then(
      () => 'it opened',
      (error: unknown) => (error as { reason?: { code: string } }).reason?.code,
    )

  describe(`${name}, as every connection,`, () => {
    it('is there when it is open, and carries messages both ways, in order', async () => {
      await using provider = await wsProvider({ guardMs: GUARD_MS })
      const ours = await opening(provider.url)
      const theirs = await provider.connection()
      for (const text of ['one', 'two']) {
        ours.send(text)
        theirs.send(text)
      }
      expect([await theirs.next(), await theirs.next()]).toEqual(['one', 'two'])
      expect([await ours.next(), await ours.next()]).toEqual(['one', 'two'])
      await ours.close()
    })

    it('CN-4: loses nothing that came together with the handshake', async () => {
      await using provider = await wsProvider({ sendWithHandshake: ['one', 'two'], guardMs: GUARD_MS })
      const ours = await opening(provider.url)
      ;(await provider.connection()).send('three')
      expect([await ours.next(), await ours.next(), await ours.next()]).toEqual(['one', 'two', 'three'])
      await ours.close()
    })

    it('fails at once where nobody listens', async () => {
      vi.useFakeTimers(FAKED)
      const vanished = await tcpServer()
      await vanished[Symbol.asyncDispose]()
      expect(await codeOf(opening(vanished.url))).toBe('CONNECTION_REFUSED')
      expect(vi.getTimerCount()).toBe(0)
    })

    it('CN-6: fails at once where the handshake is refused, and leaves no socket', async () => {
      vi.useFakeTimers(FAKED)
      await using server = await tcpServer((socket) =>
        socket.once('data', () =>
          // It keeps its side open: the end has to come from ours.
          socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
        ),
      )
      expect(await codeOf(opening(server.url))).toBe('HANDSHAKE_REFUSED')
      await server.gone()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('fails at once where the other side closes before it is open', async () => {
      vi.useFakeTimers(FAKED)
      await using server = await tcpServer((socket) => socket.once('data', () => socket.end()))
      expect(Object.keys(errorCodes)).toContain(await codeOf(opening(server.url)))
      await server.gone()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('CN-6: fails when its time is over, and leaves no socket', async () => {
      await using server = await tcpServer()
      vi.useFakeTimers(FAKED)
      const code = codeOf(opening(server.url))
      await server.asked()
      await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1)
      expect(vi.getTimerCount()).toBeGreaterThan(0)
      await vi.advanceTimersByTimeAsync(1)
      expect(await code).toBe('CONNECTION_TIMEOUT')
      await server.gone()
      expect(server.count()).toBe(1)
      expect(vi.getTimerCount()).toBe(0)
    })

    it('CN-6: fails when it is told to, and leaves no socket', async () => {
      await using server = await tcpServer()
      vi.useFakeTimers(FAKED)
      const stopping = new AbortController()
      const code = codeOf(opening(server.url, stopping.signal))
      await server.asked()
      stopping.abort()
      expect(await code).toBe('CONNECTION_CLOSED')
      await server.gone()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('says goodbye with 1000', async () => {
      await using provider = await wsProvider({ guardMs: GUARD_MS })
      const ours = await opening(provider.url)
      const theirs = await provider.connection()
      await ours.close()
      expect(await theirs.closed).toMatchObject({ code: 1000 })
    })

    it('CN-1: brings nothing of what comes after it said goodbye', async () => {
      await using provider = await wsProvider({ guardMs: GUARD_MS })
      const ours = await opening(provider.url)
      const theirs = await provider.connection()
      theirs.send('one')
      expect(await ours.next()).toBe('one')
      theirs.freeze()
      const closed = ours.close()
      theirs.thaw()
      // It leaves before the goodbye is read.
      theirs.send('two')
      await closed
      expect(await theirs.closed).toMatchObject({ code: 1000 })
      expect(ours.received()).toEqual(['one'])
    })

    it('CN-2: is over a second after the other side has announced the end and keeps the connection', async () => {
      await using peer = await lingeringPeer()
      vi.useFakeTimers(FAKED)
      const ours = await opening(peer.url)
      let isOver = false
      void ours.over.then(() => (isOver = true))
      const theirs = await peer.connection(0)
      theirs.announceClose(1001)
      // By then both close frames are through, and our half of TCP is ended.
      await theirs.answered
      await vi.advanceTimersByTimeAsync(999)
      expect(isOver).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      await ours.over
      await ours.close()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('CN-2: waits for the goodbye of a dead peer for a while only', async () => {
      await using provider = await wsProvider({ guardMs: GUARD_MS })
      vi.useFakeTimers(FAKED)
      const ours = await opening(provider.url)
      const theirs = await provider.connection()
      theirs.freeze()
      const closed = ours.close()
      await vi.advanceTimersByTimeAsync(PATIENCE_MS)
      await closed
      expect(vi.getTimerCount()).toBe(0)
      theirs.thaw()
      await theirs.closed
    })
  })
}
