import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { OpenConnections } from '../../src/http/open-connections'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { eventually } from '../helpers/eventually'
import { selfSigned } from './certificate'

const clients: Socket[] = []
beforeAll(() => LoggerFactoryProvider.set())
afterEach(() => clients.splice(0).forEach((client) => client.destroy()))

/** A server whose answers the test gives, by path. */
const setUp = async (most?: number) => {
  const server = createServer()
  const connections = new OpenConnections(undefined, most)
  connections.follow(server)
  const asked = new Map<string, ServerResponse>()
  server.on('request', ({ url = '' }, response) => void asked.set(url, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const client = async () => {
    const socket = connect(port, '127.0.0.1')
      .setEncoding('latin1')
      .on('error', () => {})
    clients.push(socket)
    const heard = {
      text: '',
      ended: once(socket, 'close'),
      send: (path: string) => void socket.write(get(path)),
    }
    socket.on('data', (text: string) => (heard.text += text))
    await once(socket, 'connect')
    return heard
  }
  const arrived = (...paths: string[]) =>
    eventually(() => expect([...asked.keys()]).toEqual(expect.arrayContaining(paths)))
  return { connections, asked, client, arrived, port }
}

/** After two turns of the event loop the end of connections has begun. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`

const closesIn = (text: string) => [...text.matchAll(/^connection: (\S+)/gim)].map(([, how]) => how)

describe('the end of the connections of a server', () => {
  it('LC-3: answers what was asked before, and what is asked on a kept connection after it began, and says that it ends', async () => {
    const { connections, asked, client, arrived } = await setUp()
    const [before, after] = [await client(), await client()]
    before.send('/before')
    await arrived('/before')
    const ended = connections.end(60_000)
    after.send('/after')
    await arrived('/after')
    for (const response of asked.values()) response.end('ok')
    await Promise.all([ended, before.ended, after.ended])
    expect([closesIn(before.text), closesIn(after.text)]).toEqual([['close'], ['close']])
  })

  it('LC-3: of several requests on the way on one connection answers all, and says with the last alone that it ends', async () => {
    const { connections, asked, client, arrived } = await setUp()
    const one = await client()
    one.send('/1')
    one.send('/2')
    await arrived('/1', '/2')
    const ended = connections.end(60_000)
    one.send('/3')
    await arrived('/3')
    for (const path of ['/3', '/1', '/2']) asked.get(path)!.end(path)
    await Promise.all([ended, one.ended])
    expect(one.text.match(/HTTP\/1.1 200/g)).toHaveLength(3)
    expect(closesIn(one.text)).toEqual(['keep-alive', 'keep-alive', 'close'])
  })

  it('LC-3: takes what a client sends behind its last answer, which it may not have read yet', async () => {
    const { connections, asked, port, arrived } = await setUp()
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    clients.push(socket)
    socket.write(get('/last'))
    await arrived('/last')
    const ended = connections.end(60_000)
    await turns(3)
    asked.get('/last')!.end('ok')
    await turns(20)
    const isTaken = () => new Promise((resolve) => socket.write(get('/behind'), resolve))
    for (let more = 0; more < 3; more++) expect(await isTaken()).toBeFalsy()
    const heard = await text(socket)
    expect(closesIn(heard)).toEqual(['close'])
    await ended
  })

  it('LC-3: waits for the end of a client that has its last answer no longer than it has to', async () => {
    const { connections, asked, port, arrived } = await setUp()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    clients.push(socket.resume())
    socket.write(get('/last'))
    await arrived('/last')
    const ended = connections.end(60_000)
    await turns(3)
    asked.get('/last')!.end('ok')
    await once(socket, 'end')
    expect(socket.writable).toBe(true)
    await ended
  })

  it('LC-3: ends a connection on which nothing comes', async () => {
    const { connections, client } = await setUp()
    const idle = await client()
    await Promise.all([connections.end(1), idle.ended])
    expect(idle.text).toBe('')
  })

  it('LC-3: refuses with 503 what nobody answers, and cuts what is still open', async () => {
    const { connections, client, arrived } = await setUp()
    const [one, unfinished] = [await client(), await client()]
    one.send('/never')
    one.send('/neither')
    await arrived('/never', '/neither')
    const ended = connections.end(60_000)
    await turns(3)
    connections.answerRest()
    await one.ended
    expect(one.text.match(/HTTP\/1.1 503/g)).toHaveLength(2)
    connections.cut()
    await Promise.all([ended, unfinished.ended])
  })
})

describe('the places of connections', () => {
  it('are limited: who has never asked goes first, from the oldest on', async () => {
    const { asked, client, arrived } = await setUp(3)
    const served = await client()
    served.send('/served')
    await arrived('/served')
    const [first, second] = [await client(), await client()]
    const next = await client()
    await first.ended
    await client()
    await second.ended
    asked.get('/served')!.end('ok')
    next.send('/next')
    await arrived('/next')
    expect(clients.map(({ destroyed }) => destroyed)).toEqual([false, true, true, false, false])
  })

  it('then go to the new one from who has its answers, and from nobody who waits for one', async () => {
    const { asked, client, arrived } = await setUp(2)
    const [one, other] = [await client(), await client()]
    one.send('/one')
    other.send('/other')
    await arrived('/one', '/other')
    const refused = await client()
    await refused.ended
    asked.get('/other')!.end('ok')
    await eventually(() => expect(other.text).toContain('ok'))
    const next = await client()
    await other.ended
    next.send('/next')
    await arrived('/next')
    asked.get('/one')!.end('done')
    await eventually(() => expect(one.text).toContain('done'))
  })

  it('are taken by those in the handshake of TLS, too, which leave them with it or with their end', async () => {
    const tls = selfSigned()
    const server = createTlsServer(tls, (_request, response) => response.end('ok'))
    const wires: Socket[] = []
    server.on('connection', (wire: Socket) => void wires.push(wire))
    new OpenConnections(undefined, 3).follow(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const shaking = async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      clients.push(socket)
      await once(socket, 'connect')
      return { socket, ended: once(socket, 'close') }
    }
    const asking = async () => {
      const socket = connectTls({ port, host: '127.0.0.1', ca: tls.cert })
      clients.push(socket)
      socket.write(get('/'))
      const [text] = (await once(socket, 'data')) as [Buffer]
      expect(text.toString()).toContain('200 OK')
      return socket
    }
    const gone = await shaking()
    gone.socket.destroy()
    await eventually(() => expect(wires[0]?.destroyed).toBe(true))
    const kept = await asking()
    const [first, second] = [await shaking(), await shaking()]
    const other = await asking()
    await first.ended
    await asking()
    await second.ended
    expect([kept.destroyed, other.destroyed]).toEqual([false, false])
  })
})
