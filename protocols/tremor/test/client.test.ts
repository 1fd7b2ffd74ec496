import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { Inbox } from '../../../src/testing/inbox'
import { type WsClientConfig } from '../options'
import { type WsClient } from '../ws-client'
import { selfSigned } from '../../../test/http/certificate'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { PeerSocket } from './peer'
import { certificateFiles, eventually, running } from './support'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => void vi.useRealTimers())

const RETRY = { retry: { interval_ms: 100, growth_rate: 2, randomized: false } }

const client = (url: string, more: object = {}, options: Partial<WsClientConfig> = {}) =>
  running<WsClient>({
    type: 'ws_client',
    definition: { codec: 'json', config: { url }, reconnect: RETRY, ...more },
    ...options,
  })

/** Whatever listens, with the end of it and of all its connections. */
const served = async <S extends Server>(server: S, secure = false) => {
  const wires = new Inbox<Socket>('a connection', GUARD_MS)
  server.on(secure ? 'secureConnection' : 'connection', (wire: Socket) => wires.put(wire))
  const all = new Set<Socket>()
  server.on('connection', (wire: Socket) => {
    all.add(wire)
    wire.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    wires,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const wire of all) wire.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A provider that speaks WebSocket. */
const provider = async (server: Server = createHttpServer()) => {
  const accepted = new Inbox<PeerSocket>('a WebSocket', GUARD_MS)
  const sockets = new WebSocketServer({ server: server as never })
  const headers: Record<string, unknown>[] = []
  sockets.on('connection', (socket, request) => {
    headers.push(request.headers)
    accepted.put(new PeerSocket(socket))
  })
  return { ...(await served(server)), accepted, headers }
}

type Running = Awaited<ReturnType<typeof client>>

const failedWith = async ({ connector }: Running) => {
  await eventually(() => connector.status()[0]?.state === 'waiting', 'a failed attempt')
  return connector.status()[0]?.lastError?.code
}

describe('an attempt to connect', () => {
  it('that is refused fails, and the next comes when the wait is over', async () => {
    await using tool = await client('ws://127.0.0.1:1')
    tool.connector.start()
    expect(await failedWith(tool)).toBe('CONNECTION_REFUSED')
    expect(tool.connector.outage()).toMatchObject({
      code: 'CONNECTION_REFUSED',
      nextAttemptUnixMs: Date.now() + 100,
    })
    expect(tool.circuits.all).toEqual([])
    vi.advanceTimersByTime(100)
    expect(tool.connector.state).toBe('connecting')
  })

  it('that gets no answer to its TCP, TLS or HTTP ends with its time', async () => {
    await using mute = await served(createTcpServer())
    for (const scheme of ['ws', 'wss']) {
      await using tool = await client(
        `${scheme}://127.0.0.1:${mute.port}`,
        {},
        { limits: { handshakeTimeoutMs: 400 } },
      )
      tool.connector.start()
      await mute.wires.next()
      vi.advanceTimersByTime(399)
      expect(tool.connector.state).toBe('connecting')
      vi.advanceTimersByTime(1)
      expect(await failedWith(tool)).toBe('CONNECTION_TIMEOUT')
    }
  })

  it.each([200, 301, 401, 503])('that is answered with %i fails, and follows nothing', async (status) => {
    await using web = await served(
      createHttpServer((_request, response) => {
        response.writeHead(status, { location: 'ws://127.0.0.1:1/' }).end()
      }),
    )
    await using tool = await client(`ws://127.0.0.1:${web.port}`)
    tool.connector.start()
    expect(await failedWith(tool)).toBe('HANDSHAKE_REFUSED')
  })

  it('that breaks off in the middle fails', async () => {
    await using cutting = await served(createTcpServer((wire) => wire.once('data', () => wire.destroy())))
    await using tool = await client(`ws://127.0.0.1:${cutting.port}`)
    tool.connector.start()
    expect(await failedWith(tool)).toBeDefined()
  })

  it.each([
    ['of nobody it trusts', {}],
    ['of another name', { cafile: true, domain: 'other.example' }],
  ])('over TLS fails for a certificate %s', async (_what, given) => {
    using files = certificateFiles()
    await using secure = await served(createTlsServer(files.text))
    const tls = 'cafile' in given ? { ...given, cafile: files.cert } : given
    await using tool = await client('', { config: { url: `wss://localhost:${secure.port}`, tls } })
    tool.connector.start()
    await failedWith(tool)
    expect(tool.connector.status()[0]?.lastError?.message).toMatch(/self-signed|does not match|altnames/i)
  })

  it('over TLS fails for a certificate that has expired', async () => {
    using files = certificateFiles()
    const text = selfSigned(undefined, ['200101000000Z', '200102000000Z'])
    await using secure = await served(createTlsServer(text))
    const cafile = files.write('expired.pem', text.cert)
    await using tool = await client('', {
      config: { url: `wss://127.0.0.1:${secure.port}`, tls: { cafile } },
    })
    tool.connector.start()
    await failedWith(tool)
    expect(tool.connector.status()[0]?.lastError?.message).toContain('expired')
  })

  it('over TLS shows the certificate of the client, and checks an address by itself', async () => {
    using files = certificateFiles()
    const secure = createTlsServer({
      ...files.text,
      ca: files.text.cert,
      requestCert: true,
      rejectUnauthorized: true,
    })
    await using listening = await served(secure, true)
    const tls = { cafile: files.cert, cert: files.cert, key: files.key }
    await using tool = await client('', { config: { url: `wss://127.0.0.1:${listening.port}`, tls } })
    tool.connector.start()
    expect((await listening.wires.next()).remoteAddress).toBe('127.0.0.1')
  })

  it('sends its headers with the upgrade, and keeps the secrets of its URL out of what it shows', async () => {
    await using srv = await provider()
    const url = `ws://127.0.0.1:${srv.port}/feed?token=hunter2`
    await using tool = await client(url, {}, { headers: { 'x-key': 'k' } })
    tool.connector.start()
    await srv.accepted.next()
    expect(srv.headers[0]).toMatchObject({ 'x-key': 'k' })
    expect(srv.headers[0]).not.toHaveProperty('sec-websocket-extensions')
    await eventually(() => tool.connector.state === 'connected', 'connected')
    expect(JSON.stringify(tool.connector.status())).not.toContain('hunter2')
  })
})

describe('a connection', () => {
  const connected = async (srv: Awaited<ReturnType<typeof provider>>, more: object = {}, options = {}) => {
    const tool = await client(`ws://127.0.0.1:${srv.port}`, more, options)
    tool.connector.start()
    const peer = await srv.accepted.next()
    await eventually(() => tool.connector.state === 'connected', 'connected')
    return { ...tool, peer }
  }

  it.each([1000, 1001, 1012, 4000])(
    'that the server closes with %i is lost, and made again',
    async (code) => {
      await using srv = await provider()
      await using tool = await connected(srv)
      tool.peer.socket.close(code)
      await eventually(() => tool.connector.state === 'disconnected', 'lost')
      // The peer hears its own code back.
      expect(await tool.peer.closes.next()).toBe(code)
      vi.advanceTimersByTime(100)
      await srv.accepted.next()
    },
  )

  it('that just ends is lost, with what was under way', async () => {
    await using srv = await provider()
    await using tool = await connected(srv, { codec: 'string', preprocessors: ['separate'] })
    tool.peer.send('one\nhal')
    await tool.events.next()
    tool.peer.wire.end()
    expect((await tool.events.next()).value).toBe('hal')
    await eventually(() => tool.connector.circuit.state === 'closed', 'lost')
    expect(tool.connector.send({ value: 'x' })).toEqual(['not-connected'])
  })

  it('that is only half there is noticed by its unanswered pings', async () => {
    await using srv = await provider()
    await using tool = await connected(srv, {}, { limits: { pingEveryMs: 1_000, maxMissedPongs: 2 } })
    tool.peer.wire.pause()
    vi.advanceTimersByTime(3_000)
    await eventually(() => tool.connector.state === 'disconnected', 'lost')
    expect(tool.connector.status()[0]?.lastError?.message).toContain('pings unanswered')
  })

  it('has a number and a stream of its own, and the fresh state of one', async () => {
    await using srv = await provider()
    await using tool = await connected(srv, { codec: 'string', preprocessors: ['length-prefixed'] })
    tool.peer.send(Buffer.from('ffffffffffffffffff', 'hex'))
    await tool.errors.next()
    await eventually(() => tool.connector.state === 'disconnected', 'the stream has lost its place')
    expect(await tool.peer.closes.next()).toBe(1008)
    vi.advanceTimersByTime(100)
    const next = await srv.accepted.next()
    next.send(Buffer.from('0000000000000002616200', 'hex'))
    const { value, origin } = await tool.events.next()
    expect(value).toBe('ab')
    expect(origin).toMatchObject({ scheme: 'tremor-ws-client', host: '127.0.0.1', stream: 1 })
    expect(origin.path).toEqual([String(origin.port)])
  })

  it('may not be made again with max_retries 0, and that is no failure', async () => {
    await using srv = await provider()
    await using tool = await connected(srv, { reconnect: { retry: { interval_ms: 5, max_retries: 0 } } })
    tool.peer.socket.close(1000)
    await eventually(() => tool.connector.state === 'disconnected', 'lost')
    vi.advanceTimersByTime(1_000_000)
    tool.connector.start()
    expect(tool.connector.state).toBe('disconnected')
    expect(tool.circuits.all).toEqual(['open', 'closed'])
    expect(tool.connector.outage()?.code).toBe('CONNECTION_CLOSED')
  })

  it('that lived begins the waits anew', async () => {
    await using srv = await provider()
    await using tool = await connected(srv)
    let { peer } = tool
    for (let life = 0; life < 3; life++) {
      peer.socket.terminate()
      await eventually(() => tool.connector.status()[0]?.state === 'waiting', 'waiting')
      expect(tool.connector.status()[0]?.nextAttemptUnixMs).toBe(Date.now() + 100)
      vi.advanceTimersByTime(100)
      peer = await srv.accepted.next()
      await eventually(() => tool.connector.state === 'connected', 'connected')
    }
  })

  it('ends with 1000 when the connector stops, which leaves no timer, also in a wait or an attempt', async () => {
    await using srv = await provider()
    const open = await connected(srv)
    await open.connector.stop()
    expect(await open.peer.closes.next()).toBe(1000)
    expect(open.circuits.all).toEqual(['open', 'closed'])
    const waiting = await client('ws://127.0.0.1:1')
    waiting.connector.start()
    await failedWith(waiting)
    await waiting.connector.stop()
    await using mute = await served(createTcpServer())
    const trying = await client(`ws://127.0.0.1:${mute.port}`)
    trying.connector.start()
    const wire = await mute.wires.next()
    const ended = new Promise((resolve) => wire.once('close', resolve))
    wire.resume()
    await trying.connector.stop()
    await ended
    expect(vi.getTimerCount()).toBe(0)
    expect([waiting, trying].map(({ connector }) => connector.state)).toEqual(['stopped', 'stopped'])
  })

  it('keeps a wait of more than a timer can hold', async () => {
    const interval_ms = 2 ** 31 + 5_000
    await using tool = await client('ws://127.0.0.1:1', { reconnect: { retry: { interval_ms } } })
    tool.connector.start()
    await failedWith(tool)
    vi.advanceTimersByTime(2 ** 31 + 4_999)
    expect(tool.connector.status()[0]?.state).toBe('waiting')
    vi.advanceTimersByTime(1)
    expect(tool.connector.state).toBe('connecting')
  })

  it('takes the larger of several waits drawn at random, as the draw says', async () => {
    await using tool = await running<WsClient>(
      {
        type: 'ws_client',
        definition: {
          codec: 'json',
          config: { url: 'ws://127.0.0.1:1' },
          reconnect: { retry: { interval_ms: 100, growth_rate: 2 } },
        },
      },
      () => 0.5,
    )
    tool.connector.start()
    for (const waitMs of [100, 150, 225]) {
      await failedWith(tool)
      expect(tool.connector.status()[0]?.nextAttemptUnixMs).toBe(Date.now() + waitMs)
      vi.advanceTimersByTime(waitMs)
    }
  })

  it('makes every event of a client a stream of its own', async () => {
    await using srv = await provider()
    await using tool = await connected(srv, { codec: 'string', postprocessors: ['separate'] })
    expect(tool.connector.send({ value: 'a' })).toEqual([])
    expect(tool.connector.send({ value: 'b', meta: { binary: true } })).toEqual([])
    expect(await tool.peer.frames.next()).toEqual({ text: 'a\n' })
    expect(await tool.peer.frames.next()).toEqual({ binary: '620a' })
  })
})
