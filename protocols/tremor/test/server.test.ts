import { createServer, connect as connectTcp, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { eventually } from '../../../test/helpers/eventually'
import { type WsServer } from '../ws-server'
import { PeerSocket } from './peer'
import { certificateFiles, listeningServer, running, serverDefinition } from './support'

const TOKEN = 'a-token-of-length-enough'
const bearer = (token = TOKEN) => ({ headers: { authorization: `Bearer ${token}` } })

afterEach(() => void vi.useRealTimers())

/** The HTTP status that a connection is refused with; `cut` where there is none. */
const refusedWith = (url: string, options: WebSocket.ClientOptions = {}): Promise<number | 'cut'> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, options)
    socket.on('unexpected-response', (request, { statusCode = 0 }) => {
      request.destroy()
      resolve(statusCode)
    })
    socket.on('error', () => resolve('cut'))
  })

const tcp = async (port: number): Promise<Socket> => {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

const occupied = async (): Promise<Server & AsyncDisposable> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(server, { [Symbol.asyncDispose]: () => close(server) })
}

const close = (server: Server) => new Promise<void>((resolve) => void server.close(() => resolve()))
const portOf = (server: Server) => (server.address() as { port: number }).port

describe('listening', () => {
  it('is tried again by the strategy while the port is taken, and gives up by it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await using taken = await occupied()
    const retry = { interval_ms: 40, growth_rate: 2, max_retries: 3, randomized: false }
    const definition = serverDefinition({ url: `127.0.0.1:${portOf(taken)}` }, { reconnect: { retry } })
    await using server = await running<WsServer>({ type: 'ws_server', definition })
    const { connector } = server
    connector.start()
    for (const waitMs of [40, 80]) {
      await server.until(() => connector.status()[0]?.nextAttemptUnixMs !== undefined, 'waiting')
      expect(connector.state).toBe('disconnected')
      expect(connector.outage()).toMatchObject({
        code: 'LISTEN_FAILED',
        nextAttemptUnixMs: Date.now() + waitMs,
      })
      vi.advanceTimersByTime(waitMs - 1)
      expect(connector.state).toBe('disconnected')
      vi.advanceTimersByTime(1)
      expect(connector.state).toBe('connecting')
    }
    await server.until(() => connector.state === 'failed', 'given up')
    expect(vi.getTimerCount()).toBe(0)
    connector.start()
    expect(connector.state).toBe('failed')
  })

  it('succeeds when the port becomes free', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const taken = await occupied()
    const definition = serverDefinition(
      { url: `127.0.0.1:${portOf(taken)}` },
      { reconnect: { retry: { interval_ms: 5 } } },
    )
    await using server = await running<WsServer>({ type: 'ws_server', definition })
    server.connector.start()
    await server.until(() => server.connector.status()[0]?.nextAttemptUnixMs !== undefined, 'waiting')
    await close(taken)
    vi.advanceTimersByTime(5)
    await server.until(() => server.connector.state === 'connected', 'listening')
    expect(server.circuits.all).toEqual(['open'])
  })

  it('stops in the middle of a wait, and leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using taken = await occupied()
    const definition = serverDefinition(
      { url: `127.0.0.1:${portOf(taken)}` },
      { reconnect: { retry: { interval_ms: 5 } } },
    )
    const server = await running<WsServer>({ type: 'ws_server', definition })
    server.connector.start()
    await server.until(() => server.connector.status()[0]?.nextAttemptUnixMs !== undefined, 'waiting')
    await server.connector.stop()
    expect(vi.getTimerCount()).toBe(0)
    expect(server.connector.state).toBe('stopped')
  })

  it('stops while it begins', async () => {
    const taken = await occupied()
    const port = portOf(taken)
    await close(taken)
    const definition = serverDefinition({ url: `127.0.0.1:${port}` })
    const server = await running<WsServer>({ type: 'ws_server', definition })
    server.connector.start()
    await server.connector.stop()
    expect(server.connector.state).toBe('stopped')
    expect(server.circuits.all).toEqual([])
    expect(await refusedWith(`ws://127.0.0.1:${port}`)).toBe('cut')
  })

  it('ends with 1001 for those who are connected, and with the rest of their streams', async () => {
    const server = await listeningServer(
      serverDefinition({}, { codec: 'string', preprocessors: ['separate'] }),
    )
    const peer = await PeerSocket.connect(server.url)
    peer.send('half')
    await peer.settled()
    await server.connector.stop()
    expect(await peer.closes.next()).toBe(1001)
    expect((await server.events.next()).value).toBe('half')
    expect(server.connector.circuit.changes).toEqual({ open: 1, closed: 1 })
  })

  it('goes on where the system cannot accept a caller, however often', async () => {
    await using server = await listeningServer(serverDefinition())
    const { listener } = server.connector as unknown as { listener: { server: Server } }
    for (let n = 0; n < 2; n++) listener.server.emit('error', new Error('EMFILE'))
    expect((await PeerSocket.connect(server.url)).isOpen).toBe(true)
  })

  it('refuses to be open to other machines for anybody', async () => {
    const definition = serverDefinition({ url: '0.0.0.0:0' })
    await expect(running({ type: 'ws_server', definition })).rejects.toThrow('anybody who reaches')
    await using open = await listeningServer(definition, { mayAnybodyPush: true })
    expect((await PeerSocket.connect(`ws://127.0.0.1:${open.port}`)).isOpen).toBe(true)
  })
})

describe('a bad caller', () => {
  it('that stays silent, or speaks half a sentence, is cut when its time is up, and hurts nobody', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using server = await listeningServer(serverDefinition(), { limits: { handshakeTimeoutMs: 50 } })
    const silent = await tcp(server.port)
    const slow = await tcp(server.port)
    slow.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const peer = await PeerSocket.connect(server.url)
    peer.send('1')
    expect((await server.events.next()).value).toBe(1)
    const cut = [silent, slow].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    vi.advanceTimersByTime(50)
    await Promise.all(cut)
    expect(await server.faults.next((fault) => fault === 'handshake-timeout')).toBe('handshake-timeout')
    await peer.settled()
    expect(peer.isOpen).toBe(true)
  })

  it('that speaks no TLS, or breaks off, ends its own connection only', async () => {
    using files = certificateFiles()
    await using server = await listeningServer(
      serverDefinition({ tls: { cert: files.cert, key: files.key } }),
    )
    const plain = await tcp(server.port)
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await new Promise((resolve) => plain.once('close', resolve))
    const broken = await tcp(server.port)
    broken.resetAndDestroy()
    expect(await server.faults.next()).toBe('handshake-failed')
    const peer = await PeerSocket.connect(`wss://127.0.0.1:${server.port}`, { ca: files.text.cert })
    peer.send('1')
    // The numbers of those that failed are not given to anybody else.
    expect((await server.events.next()).origin.stream).toBe(2)
  })

  it('that is one too many is refused, and gets in when another has gone', async () => {
    await using server = await listeningServer(serverDefinition(), { limits: { maxConnections: 2 } })
    const [first, second] = [await PeerSocket.connect(server.url), await PeerSocket.connect(server.url)]
    for (const peer of [first, second]) {
      peer.send('1')
      await server.events.next()
    }
    expect(await refusedWith(server.url)).toBe(503)
    expect(await server.faults.next()).toBe('too-many')
    first.socket.close()
    await first.closes.next()
    await server.until(() => server.connector.status().length === 2, 'one peer left')
    expect((await PeerSocket.connect(server.url)).isOpen).toBe(true)
  })

  it('that has said nothing yet makes room for the next', async () => {
    await using server = await listeningServer(serverDefinition(), { limits: { maxConnections: 2 } })
    const [useful, silent] = [await PeerSocket.connect(server.url), await PeerSocket.connect(server.url)]
    useful.send('1')
    await server.events.next()
    const next = await PeerSocket.connect(server.url)
    await silent.closes.next()
    expect(await server.faults.next()).toBe('crowded-out')
    await useful.settled()
    expect([useful.isOpen, next.isOpen]).toEqual([true, true])
  })

  it('under one name has a number of connections, and others have theirs', async () => {
    const peers = [
      { name: 'one', rank: 1, token: TOKEN },
      { name: 'two', rank: 2, token: `${TOKEN}-2` },
    ]
    await using server = await listeningServer(serverDefinition(), {
      peers,
      limits: { maxConnectionsPerPeer: 1 },
    })
    await PeerSocket.connect(server.url, bearer())
    const second = await PeerSocket.connect(server.url, bearer())
    expect(await second.closes.next()).toBe(1013)
    expect(await server.faults.next()).toBe('too-many')
    const other = await PeerSocket.connect(server.url, bearer(`${TOKEN}-2`))
    other.send('1')
    expect((await server.events.next()).peer).toEqual({ name: 'two', rank: 2 })
  })

  it('without a token that is known is refused with 401', async () => {
    const peers = [{ name: 'one', rank: 1, token: TOKEN }]
    await using server = await listeningServer(serverDefinition(), { peers })
    expect(await refusedWith(server.url)).toBe(401)
    expect(await refusedWith(server.url, bearer('another-token-of-length'))).toBe(401)
    expect(server.faults.all).toEqual(['unauthenticated', 'unauthenticated'])
    const peer = await PeerSocket.connect(server.url, bearer())
    expect(server.connector.status()).toMatchObject([
      { role: 'listener', state: 'listening', details: { circuit: 'open', connector: 'connected' } },
      { role: 'peer', state: 'open', peer: 'one' },
    ])
    expect(peer.isOpen).toBe(true)
  })

  it('without a certificate, or with one that nobody here signed, gets no connection', async () => {
    using files = certificateFiles()
    using others = certificateFiles()
    const definition = serverDefinition({ tls: { cert: files.cert, key: files.key } })
    const peers = [{ name: 'one', rank: 1, certificateName: 'localhost' }]
    await using server = await listeningServer(definition, { peers, clientCaFile: files.cert })
    const url = `wss://127.0.0.1:${server.port}`
    const trusting = { ca: files.text.cert }
    expect(await refusedWith(url, trusting)).toBe('cut')
    expect(await refusedWith(url, { ...trusting, ...others.text })).toBe('cut')
    const peer = await PeerSocket.connect(url, { ...trusting, ...files.text })
    peer.send('1')
    expect((await server.events.next()).peer.name).toBe('one')
  })

  it('is shown the certificate that the files have now, and asked for one of the authorities that they name now', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    using files = certificateFiles()
    using next = certificateFiles()
    const definition = serverDefinition({ tls: { cert: files.cert, key: files.key } })
    await using server = await listeningServer(definition, { clientCaFile: files.cert, mayAnybodyPush: true })
    for (const name of ['cert', 'key'] as const) files.write(`${name}.pem`, next.text[name])
    const url = `wss://127.0.0.1:${server.port}`
    const mine = { ca: next.text.cert, ...next.text }
    const peer = await eventually(() => {
      vi.advanceTimersByTime(1_000)
      return PeerSocket.connect(url, mine)
    })
    peer.send('1')
    expect((await server.events.next()).value).toBe(1)
  })
})

describe('a stream', () => {
  it.each([
    ['length-prefixed', 'ffffffffffffffff00'],
    ['textual-length-prefixed', Buffer.from('nope x').toString('hex')],
  ])(
    'of %s messages that has lost its place is closed, and the next one begins anew',
    async (stage, poison) => {
      const definition = serverDefinition({}, { codec: 'string', preprocessors: [stage] })
      await using server = await listeningServer(definition)
      const peer = await PeerSocket.connect(server.url)
      peer.send(Buffer.from(poison, 'hex'))
      expect(await peer.closes.next()).toBe(1008)
      expect(await server.faults.next((fault) => fault === 'lost-place')).toBe('lost-place')
      expect(server.errors.all).toHaveLength(1)
      const again = await PeerSocket.connect(server.url)
      again.send(stage === 'length-prefixed' ? Buffer.from('0000000000000002616200', 'hex') : '2 ab')
      expect((await server.events.next()).value).toBe('ab')
    },
  )

  it('keeps a message together that is cut anywhere, also inside a character', async () => {
    await using server = await listeningServer(serverDefinition({}, { codec: 'string' }))
    const peer = await PeerSocket.connect(server.url)
    const text = Buffer.from('preis: 5 €')
    for (let at = 1; at < text.length; at++) {
      peer.sendFragments([text.subarray(0, at), text.subarray(at)], false)
      expect((await server.events.next()).value).toBe('preis: 5 €')
    }
  })

  it('survives a ping between two fragments, and an empty message', async () => {
    await using server = await listeningServer(serverDefinition({}, { codec: 'string' }))
    const peer = await PeerSocket.connect(server.url)
    peer.socket.send('a', { fin: false })
    peer.socket.ping('between')
    await peer.pongs.next()
    peer.socket.send('b', { fin: true })
    peer.send('')
    expect((await server.events.next()).value).toBe('ab')
    expect((await server.events.next()).value).toBe('')
  })

  it('survives a frame whose header comes in pieces', async () => {
    await using server = await listeningServer(serverDefinition())
    const peer = await PeerSocket.connect(server.url)
    const frame = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x37])
    for (const byte of frame) {
      peer.wire.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await server.events.next()).value).toBe(7)
  })

  it('numbers its messages and its end within the connector, and leaves no trace without a message', async () => {
    await using server = await listeningServer(serverDefinition())
    const silent = await PeerSocket.connect(server.url)
    silent.socket.close()
    await silent.closes.next()
    const peer = await PeerSocket.connect(server.url)
    peer.send('1')
    peer.send('x')
    peer.send('2')
    const [first, second] = [await server.events.next(), await server.events.next()]
    const error = await server.errors.next()
    expect([first.pullId, error.value.pull_id, second.pullId]).toEqual([0, 1, 2])
    expect(error.value).toMatchObject({ stream_id: 1, source: 'flow::test' })
    expect(first.origin).toEqual({
      scheme: 'tremor-ws-server',
      host: '127.0.0.1',
      port: peer.wire.localPort,
      path: [String(server.port)],
      stream: 1,
    })
  })

  it('gives its handlers facts that they cannot change for the next event', async () => {
    await using server = await listeningServer(serverDefinition())
    const peer = await PeerSocket.connect(server.url)
    peer.send('1')
    const { meta, origin } = await server.events.next()
    expect(() => (meta.ws_server!.peer.port = 1)).toThrow(TypeError)
    expect(() => (meta.ws_server!.tls = true)).toThrow(TypeError)
    expect(() => (meta.binary = true)).toThrow(TypeError)
    expect(() => (origin.stream = 9)).toThrow(TypeError)
  })

  it('FR-2: gives what it still held at its end the time when that came', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    await using server = await listeningServer(
      serverDefinition({}, { codec: 'string', preprocessors: ['separate'] }),
    )
    const peer = await PeerSocket.connect(server.url)
    peer.send('half')
    await peer.settled()
    vi.advanceTimersByTime(60_000)
    peer.socket.close()
    const { receivedAt, ingestNs } = await server.events.next()
    expect(receivedAt).toBe(1_700_000_000_000)
    expect(ingestNs).toBe(1_700_000_000_000_000_000n)
  })

  it('of broken frames is counted', async () => {
    await using server = await listeningServer(serverDefinition())
    const peer = await PeerSocket.connect(server.url)
    peer.sendRawFrame(3, Buffer.alloc(0), true)
    expect(await peer.closes.next()).toBe(1002)
    expect(await server.faults.next()).toBe('broken-framing')
  })
})

describe('sending', () => {
  const to = ({ wire }: PeerSocket) => ({
    ws_server: { peer: { host: wire.localAddress, port: wire.localPort } },
  })

  it.each([
    ['true', { binary: true }, 'binary'],
    ['the word', { binary: 'true' }, 'text'],
    ['one', { binary: 1 }, 'text'],
    ['false', { binary: false }, 'text'],
    ['as scripts write it', { $binary: true }, 'binary'],
    ['a flag inside the record, where the documentation has it', {}, 'binary'],
  ])('a binary message takes exactly true: %s', async (_what, flag, kind) => {
    await using server = await listeningServer(serverDefinition())
    const peer = await PeerSocket.connect(server.url)
    const { ws_server } = to(peer)
    expect(
      server.connector.send({ value: 1, meta: { ws_server: { ...ws_server, binary: true }, ...flag } }),
    ).toEqual([])
    expect(Object.keys(await peer.frames.next())).toEqual([kind])
  })

  it('keeps the kind of an echo, and the order on a connection', async () => {
    await using server = await listeningServer(serverDefinition())
    const peer = await PeerSocket.connect(server.url)
    peer.send(Buffer.from('1'))
    peer.send('2')
    for (const expected of [{ binary: '31' }, { text: '2' }]) {
      const { value, meta } = await server.events.next()
      expect(server.connector.send({ value, meta: { ...meta } })).toEqual([])
      expect(await peer.frames.next()).toEqual(expected)
    }
    for (let n = 0; n < 50; n++) server.connector.send({ value: n, meta: to(peer) })
    for (let n = 0; n < 50; n++) expect(await peer.frames.next()).toEqual({ text: String(n) })
  })

  it('sends nothing of an event that is not text, and keeps the connection', async () => {
    await using server = await listeningServer(serverDefinition({}, { codec: 'binary' }))
    const peer = await PeerSocket.connect(server.url)
    const value = Buffer.from([0xff])
    expect(server.connector.send({ value, meta: to(peer) })).toEqual(['not-encodable'])
    expect(server.connector.send({ value, meta: { ...to(peer), binary: true } })).toEqual([])
    expect(await peer.frames.next()).toEqual({ binary: 'ff' })
    expect(peer.frames.all).toHaveLength(1)
  })

  it('counts an event that becomes no message as sent, and one of several as several messages', async () => {
    const stages = { codec: 'string', postprocessors: [{ name: 'chunk', config: { max_bytes: 4 } }] }
    await using server = await listeningServer(serverDefinition({}, stages))
    const peer = await PeerSocket.connect(server.url)
    const send = (value: string) => server.connector.send({ value, meta: to(peer) })
    expect(send('ab')).toEqual([])
    await peer.settled()
    expect(peer.frames.all).toEqual([])
    expect(send('cde')).toEqual([])
    expect(await peer.frames.next()).toEqual({ text: 'ab' })
    expect(send('f')).toEqual([])
    expect(await peer.frames.next()).toEqual({ text: 'cdef' })
  })

  it('closes a peer that does not read, and goes on with the others', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using server = await listeningServer(serverDefinition(), { limits: { maxBufferedBytes: 100_000 } })
    const slow = await PeerSocket.connect(server.url)
    const quick = await PeerSocket.connect(server.url)
    slow.wire.pause()
    const value = 'x'.repeat(100_000)
    let outcome: readonly string[] = []
    for (let n = 0; n < 1_000 && outcome.length === 0; n++)
      outcome = server.connector.send({ value, meta: to(slow) })
    expect(outcome).toEqual(['slow-reader'])
    expect(await server.faults.next()).toBe('slow-reader')
    expect(server.connector.send({ value: 1, meta: to(slow) })).toEqual(['not-connected'])
    expect(server.connector.send({ value: 1, meta: to(quick) })).toEqual([])
    expect(await quick.frames.next()).toEqual({ text: '1' })
    // It would not hear a farewell: after a while the connection is cut.
    vi.advanceTimersByTime(2_000)
    await server.until(() => server.connector.status().length === 2, 'the listener and one peer')
  })

  it('closes the circuit where nobody is connected, and opens it with the next peer', async () => {
    await using server = await listeningServer(serverDefinition())
    const { connector } = server
    expect(connector.send({ value: 1 })).toEqual(['no-such-peer'])
    expect(connector.circuit.state).toBe('closed')
    expect(connector.outage()).toMatchObject({ code: 'NO_PEER' })
    const peer = await PeerSocket.connect(server.url)
    expect(connector.circuit.state).toBe('open')
    expect(connector.outage()).toBeUndefined()
    expect(connector.send({ value: 1 })).toEqual(['no-such-peer'])
    expect(connector.circuit.state).toBe('open')
    await peer.settled()
    expect(peer.frames.all).toEqual([])
    expect(server.circuits.all).toEqual(['open', 'closed', 'open'])
  })

  it('fails before it listens', async () => {
    await using server = await running<WsServer>({ type: 'ws_server', definition: serverDefinition() })
    expect(server.connector.send({ value: 1 })).toEqual(['not-connected'])
  })
})
