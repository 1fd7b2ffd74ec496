import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { silentLoggers } from './support'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { LinkRefused } from '../../src/connections/dial'
import { type Link } from '../../src/connections/link'
import { isLoopback, peerByToken } from '../../src/connections/peer-tokens'
import { selfSigned } from '../http/certificate'
import { eventually } from '../helpers/eventually'
import { call, listening, reading } from './support'

const onLoopback = async (onWire: (wire: Socket) => void) => {
  const wires: Socket[] = []
  const server = createServer((wire) => {
    wires.push(wire)
    wire.on('error', () => {})
    onWire(wire)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      for (const wire of wires) wire.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** From here on the test moves the clock. */
const holdClock = () =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })

afterEach(() => vi.useRealTimers())

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))

describe('a link', () => {
  it('carries text and binary messages both ways, in order', async () => {
    await using server = await listening()
    const client = await call(server.url)
    const accepted = await server.links.next()
    const [there, here] = [reading(accepted), reading(client)]
    expect(client.send('one')).toBe('sent')
    expect(client.send(Buffer.from('two'))).toBe('sent')
    accepted.send('three')
    expect([await there.messages.next(), await there.messages.next()]).toEqual(['text one', 'binary two'])
    expect(await here.messages.next()).toBe('text three')
  })

  it('loses nothing that was sent before it is listened to', async () => {
    await using server = await listening({ onLink: (link) => void link.send('greeting') })
    const client = await call(server.url)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await reading(client).messages.next()).toBe('text greeting')
  })

  it('says how it ended, once, and sends no more', async () => {
    await using server = await listening()
    const client = await call(server.url)
    const { closes } = reading(client)
    const accepted = await server.links.next()
    reading(accepted)
    await accepted.close(4_001, 'enough')
    expect(await closes.next()).toEqual({ code: 4_001, reason: 'enough' })
    expect(await client.closed).toEqual({ code: 4_001, reason: 'enough' })
    expect(client.send('too late')).toBe('closed')
    expect(closes.all).toHaveLength(1)
  })

  it('brings nothing during a pause, also of what came in the same read, and its end after all that', async () => {
    await using server = await listening()
    const client = await call(server.url)
    const accepted = await server.links.next()
    const log: string[] = []
    const ended = new Promise<void>((resolve) => {
      client.listen({
        message(data) {
          log.push(data.toString())
          client.pause()
        },
        close() {
          log.push('closed')
          resolve()
        },
      })
    })
    for (const text of ['a', 'b', 'c']) accepted.send(text)
    await accepted.close()
    await eventually(() => expect(client.isOpen).toBe(false))
    client.resume()
    client.resume()
    expect(log).toEqual(['a', 'b', 'c'])
    client.resume()
    await ended
    expect(log).toEqual(['a', 'b', 'c', 'closed'])
    await client.closed
  })

  it('is told its end at once where it is closed, or destroyed, during a pause', async () => {
    for (const end of [(link: Link) => void link.close(), (link: Link) => link.destroy()]) {
      await using server = await listening()
      const client = await call(server.url)
      const accepted = await server.links.next()
      const log: string[] = []
      client.listen({
        message(data) {
          log.push(data.toString())
          client.pause()
        },
      })
      for (const text of ['a', 'b', 'c']) accepted.send(text)
      await eventually(() => expect(log).toEqual(['a']))
      end(client)
      client.resume()
      await client.closed
      expect(log).toEqual(['a'])
    }
  })

  it('brings nothing more once it is being closed', async () => {
    await using server = await listening()
    const client = await call(server.url)
    const accepted = await server.links.next()
    const { messages } = reading(client)
    accepted.send('a')
    await messages.next()
    const end = client.close()
    accepted.send('b')
    reading(accepted)
    await end
    expect(messages.all).toEqual(['text a'])
  })

  it('ends with 1011 when its listener throws, and 1009 when a message is too large', async () => {
    await using server = await listening()
    const thrower = await call(server.url)
    const first = await server.links.next()
    first.listen({
      message: () => {
        throw new Error('a bug')
      },
    })
    thrower.listen({ message: () => {} })
    thrower.send('x')
    expect((await thrower.closed).code).toBe(1011)
    expect((await first.closed).cause?.message).toBe('a bug')

    const large = await call(server.url)
    reading(await server.links.next())
    large.listen({ message: () => {} })
    large.send('y'.repeat(1_001))
    expect((await large.closed).code).toBe(1009)
  })

  it('takes no more for a peer that does not read than its limit', async () => {
    await using server = await listening({ maxPayloadBytes: 10_000_000 })
    const client = await call(server.url, { maxBufferedBytes: 10_000 })
    await server.links.next()
    const big = Buffer.alloc(1_000_000)
    const outcomes = Array.from({ length: 50 }, () => client.send(big))
    expect(outcomes[0]).toBe('sent')
    expect(outcomes.at(-1)).toBe('full')
    expect(client.bufferedBytes).toBeLessThan(20_000_000)
    client.destroy()
    await client.closed
  })

  it('pings, and is over when the peer leaves two unanswered', async () => {
    // A peer that upgrades and then never reads again.
    await using dead = await onLoopback((wire) =>
      wire.once('data', (request) => {
        const key = /sec-websocket-key: (\S+)/i.exec(request.toString())![1]!
        wire.pause()
        void import('node:crypto').then(({ createHash }) => {
          const accept = createHash('sha1')
            .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
            .digest('base64')
          wire.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          )
        })
      }),
    )
    holdClock()
    const client = await call(dead.url, { pingEveryMs: 30_000 })
    const { closes } = reading(client)
    await vi.advanceTimersByTimeAsync(90_000)
    const { code, cause } = await closes.next()
    expect(code).toBe(1006)
    expect(cause?.message).toBe('The peer left 2 pings unanswered')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('lives on while pings are answered', async () => {
    await using server = await listening()
    holdClock()
    const client = await call(server.url, { pingEveryMs: 30_000 })
    const accepted = await server.links.next()
    const { messages } = reading(client)
    reading(accepted)
    for (let round = 0; round < 5; round++) {
      await vi.advanceTimersByTimeAsync(30_000)
      // What is sent after the pong arrives after it.
      accepted.send('still here')
      await messages.next()
      client.send('me too')
    }
    expect(client.isOpen).toBe(true)
  })
})

describe('dialling', () => {
  it('names what went wrong', async () => {
    await using refusing = await onLoopback((wire) => wire.end('HTTP/1.1 403 Forbidden\r\n\r\n{"why":"no"}'))
    const refusal = await call(refusing.url).catch((error: unknown) => error as LinkRefused)
    expect(refusal).toBeInstanceOf(LinkRefused)
    expect(refusal).toMatchObject({
      httpStatus: 403,
      body: '{"why":"no"}',
      reason: { code: 'HANDSHAKE_REFUSED' },
    })

    await expect(call('not a url with secret=1')).rejects.toMatchObject({
      reason: { code: 'URL_FAILED', message: 'The URL is not one to connect to' },
    })
  })

  it('reads no more of a refusal than 64 KiB', async () => {
    const server = createHttpServer()
    server.on('upgrade', (_request, wire) => {
      wire.on('error', () => {})
      wire.write(`HTTP/1.1 500 Oops\r\nContent-Length: 10000000\r\n\r\n${'x'.repeat(200_000)}`)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const refusal = await call(`ws://127.0.0.1:${port}/`).catch((error: unknown) => error as LinkRefused)
    expect((refusal as LinkRefused).body).toHaveLength(65_536)
    server.closeAllConnections()
    server.close()
  })

  it('gives up after its time limit, and at once when it is told to', async () => {
    await using silent = await onLoopback(() => {})
    holdClock()
    const late = call(silent.url, { openTimeoutMs: 5_000 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await late).toMatchObject({ reason: { code: 'CONNECTION_TIMEOUT' } })
    const stopping = new AbortController()
    const stopped = call(silent.url, {}, stopping.signal).catch((error: unknown) => error)
    stopping.abort()
    expect(await stopped).toMatchObject({ reason: { code: 'CONNECTION_CLOSED' } })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('checks the certificate of the server', async () => {
    const tls = selfSigned()
    await using server = await listening({ tls })
    await expect(call(server.url)).rejects.toMatchObject({ reason: { code: 'TLS_FAILED' } })
    const client = await call(server.url, { tls: { ca: tls.cert } })
    reading(await server.links.next())
    expect(client.isOpen).toBe(true)
    await client.close()
  })
})

describe('a listener', () => {
  it('lets in whom it can tell, and nobody else', async () => {
    const byToken = peerByToken([
      { token: 'token-of-anna', peer: 'anna' },
      { token: 'token-of-bert', peer: 'bert' },
    ])
    await using server = await listening({ authenticate: byToken })
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    const client = await call(server.url, bearer('token-of-bert'))
    const accepted = await server.links.next()
    reading(accepted)
    expect(server.listener.peers.get(accepted)).toBe('bert')
    for (const headers of [
      {},
      { authorization: 'Basic eA==' },
      { authorization: 'Bearer ' },
      bearer('other').headers,
    ])
      await expect(call(server.url, { headers: headers })).rejects.toMatchObject({
        httpStatus: 401,
      })
    expect(server.refused.all).toEqual(Array(4).fill('unauthenticated'))
    expect(server.listener.status(String)).toMatchObject([
      { role: 'listener', state: 'listening' },
      { role: 'peer', state: 'open', peer: 'bert' },
    ])
    await client.close()
  })

  it('is not hurt by callers that are silent, speak HTTP or nonsense, or come in a crowd', async () => {
    holdClock()
    await using server = await listening({ maxConnections: 2, handshakeTimeoutMs: 50 })
    const good = await call(server.url)
    const silent = connect(server.port, '127.0.0.1')
    silent.on('error', () => {})
    await once(silent, 'connect')
    const cut = once(silent, 'close')
    await vi.advanceTimersByTimeAsync(50)
    await cut
    expect((await fetch(server.url.replace('ws', 'http'))).status).toBe(426)
    const nonsense = connect(server.port, '127.0.0.1')
    nonsense.on('error', () => {})
    nonsense.write('\x16\x03\x01 nonsense\r\n\r\n')
    await once(nonsense, 'close')
    // Another one that says nothing takes the place of nobody.
    const other = connect(server.port, '127.0.0.1')
    other.on('error', () => {})
    await once(other, 'connect')
    expect((await call(server.url)).isOpen).toBe(true)
    await expect(call(server.url)).rejects.toMatchObject({ httpStatus: 503 })
    expect([...server.refused.all].sort()).toEqual([
      'handshake-timeout',
      'not-a-websocket',
      'not-a-websocket',
      'too-many',
    ])
    expect(good.isOpen).toBe(true)
    other.destroy()
  })

  it('asks for a certificate where it has an authority, and keeps the link past the handshake limit', async () => {
    const tls = selfSigned()
    holdClock()
    await using server = await listening({
      tls: { ...tls, ca: tls.cert },
      handshakeTimeoutMs: 300,
      authenticate: ({ certificateName }) => certificateName,
    })
    await expect(call(server.url, { tls: { ca: tls.cert } }).then((link) => link.closed)).rejects.toThrow()
    const client = await call(server.url, { tls: { ca: tls.cert, cert: tls.cert, key: tls.key } })
    const accepted = await server.links.next()
    reading(accepted)
    expect(server.listener.peers.get(accepted)).toBe('localhost')
    const silent = connect(server.port, '127.0.0.1')
    await once(silent, 'connect')
    const cut = once(silent, 'close')
    // As long as the limit, for the one that is open too.
    await eventually(async () => {
      await vi.advanceTimersByTimeAsync(300)
      expect(server.refused.all).toContain('handshake-timeout')
    })
    await cut
    expect(client.isOpen).toBe(true)
    await client.close()
  })

  it('says when it cannot listen, and closes what it has with 1001', async () => {
    const server = await listening()
    await expect(listening({ port: server.port })).rejects.toThrow('EADDRINUSE')
    const client = await call(server.url)
    const { closes } = reading(client)
    await server.listener.close()
    expect((await closes.next()).code).toBe(1001)
  })
})

describe('an address', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])('%s is of this machine alone', (host) => {
    expect(isLoopback(host)).toBe(true)
  })
  it.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', ''])('%s is not', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})
