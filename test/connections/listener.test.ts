import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Link } from '../../src/connections/link'
import { Listener, type ListenerOptions } from '../../src/connections/listener'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { eventually } from '../helpers/eventually'
import { selfSigned } from '../http/certificate'
import { call, listening, reading, silentLoggers } from './support'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))

const tcp = async (port: number, host = '127.0.0.1'): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: host })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const silent = (port: number, count: number, host?: string) =>
  Promise.all(Array.from({ length: count }, () => tcp(port, host)))

const TOKEN = 'Bearer good'
const withToken: Partial<ListenerOptions<string>> = {
  authenticate: ({ headers }) => (headers.authorization === TOKEN ? 'somebody' : undefined),
}
const good = { headers: { authorization: TOKEN } }

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
  '',
  '',
].join('\r\n')

const end = (sockets: Socket[]): void => {
  for (const socket of sockets) socket.destroy()
}

describe('callers that say nothing', () => {
  it.each([
    ['in the clear', undefined],
    ['over TLS', selfSigned()],
  ])('keep nobody out, however many there are: %s', async (_how, tls) => {
    await using server = await listening({ ...withToken, ...(tls && { tls }) })
    const crowd = await silent(server.port, 150)
    const options = { ...good, ...(tls && { tls: { ca: tls.cert, servername: 'localhost' } }) }
    const links = await Promise.all([call(server.url, options), call(server.url, options)])
    expect(links.every(({ isOpen }) => isOpen)).toBe(true)
    end(crowd)
  })

  it('have half of the places in the handshake from one address, and the oldest goes first', async () => {
    await using server = await listening({ ...withToken, maxHandshakes: 4 })
    const [other] = await silent(server.port, 1, '127.0.0.2')
    const crowd: Socket[] = []
    for (let n = 0; n < 4; n++) crowd.push(...(await silent(server.port, 1)))
    for (const n of [0, 1]) if (!crowd[n]!.closed) await once(crowd[n]!, 'close')
    expect(server.refused.all).toEqual(['crowded-out', 'crowded-out'])
    expect([other!, crowd[2]!, crowd[3]!].map((socket) => socket.closed)).toEqual([false, false, false])
    end([other!, ...crowd])
  })

  it('take no place of those who are known', async () => {
    await using server = await listening({ ...withToken, maxConnections: 2, maxHandshakes: 2 })
    const first = await call(server.url, good)
    const crowd = await silent(server.port, 10)
    const second = await call(server.url, good)
    expect([first.isOpen, second.isOpen]).toEqual([true, true])
    await expect(call(server.url, good)).rejects.toThrow('503')
    expect(server.refused.all.at(-1)).toBe('too-many')
    end(crowd)
  })
})

describe('where anybody is let in', () => {
  const open = { maxConnections: 3, admitsStrangers: true } as const

  it('strangers make room for new callers, the oldest first, and those that are vouched for stay', async () => {
    await using server = await listening(open)
    const clients: Link[] = []
    for (let n = 0; n < 3; n++) clients.push(await call(server.url))
    const accepted: Link[] = []
    for (let n = 0; n < 3; n++) accepted.push(await server.links.next())
    server.listener.vouchFor(accepted[0]!)
    const crowded = reading(clients[1]!)
    const next = await call(server.url)
    expect((await crowded.closes.next()).code).toBe(1006)
    expect(server.refused.all).toEqual(['crowded-out'])
    expect([clients[0]!, clients[2]!, next].map(({ isOpen }) => isOpen)).toEqual([true, true, true])
  })

  it('a new caller is refused once all have been vouched for', async () => {
    await using server = await listening(open)
    for (let n = 0; n < 3; n++) {
      await call(server.url)
      server.listener.vouchFor(await server.links.next())
    }
    await expect(call(server.url)).rejects.toThrow('503')
  })

  it('the address with most strangers gives up a place', async () => {
    await using server = await listening(open)
    const single = await call(server.url)
    const { closes } = reading(single)
    await server.links.next()
    const crowd: Socket[] = []
    for (let n = 0; n < 3; n++) {
      const socket = await tcp(server.port, '127.0.0.2')
      socket.write(UPGRADE)
      socket.resume()
      crowd.push(socket)
      await server.links.next()
    }
    if (!crowd[0]!.closed) await once(crowd[0]!, 'close')
    expect(closes.all).toEqual([])
    expect(server.refused.all).toEqual(['crowded-out'])
    end(crowd)
  })
})

describe('a listener', () => {
  it('is none with a key that does not belong to its certificate, nor with half of a text', async () => {
    const [one, other] = [selfSigned(), selfSigned()]
    for (const tls of [
      { cert: one.cert, key: other.key },
      { cert: one.cert.slice(0, 100), key: one.key },
      { ...one, ca: 'none' },
    ]) {
      const listener = new Listener<string>({
        host: '127.0.0.1',
        port: 0,
        tls,
        maxPayloadBytes: 1_000,
        authenticate: () => 'somebody',
        onLink: () => {},
      })
      await expect(listener.listen()).rejects.toThrow(Error)
      await listener.close()
    }
  })

  it('keeps the place of a link that ended until what it sent has been read', async () => {
    await using server = await listening({ maxConnections: 1 })
    const client = await call(server.url)
    const accepted = await server.links.next()
    const read: string[] = []
    accepted.listen({
      message(data) {
        read.push(data.toString())
        accepted.pause()
      },
    })
    for (const text of ['a', 'b']) client.send(text)
    await client.close()
    await eventually(() => expect(accepted.isOpen).toBe(false))
    await expect(call(server.url)).rejects.toThrow('503')
    accepted.resume()
    accepted.resume()
    expect(read).toEqual(['a', 'b'])
    await eventually(async () => expect((await call(server.url)).isOpen).toBe(true))
  })
})
