import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { BusyError, RequestRoom, requestRoom } from '../../src/adapter/request-room'
import { OpenConnections } from '../../src/http/open-connections'
import { serve } from '../../src/testing/serve'
import { eventually } from '../helpers/eventually'
import { JSON_HEADERS, stillAdapter, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const clients: Socket[] = []
afterEach(() => clients.splice(0).forEach((client) => client.destroy()))

const dial = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  clients.push(socket)
  await once(socket, 'connect')
  return socket
}

const start = async () => {
  const still = stillAdapter()
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' }, listen: true })
  await still.transport.put(ETH, 5)
  const room = requestRoom
  const post = async (data: object) => {
    const body = JSON.stringify({ data })
    const answer = await fetch(service.url!, { method: 'POST', headers: JSON_HEADERS, body })
    return { status: answer.status, json: (await answer.json()) as object }
  }
  return stoppable({ service, room, post, port: Number(new URL(service.url!).port) })
}

/** Whether nothing of it is taken. */
const isEmpty = (room: RequestRoom): boolean => {
  try {
    room.take(room.capacityBytes)
  } catch {
    return false
  }
  room.free(room.capacityBytes)
  return true
}

const busy = {
  status: 503,
  json: {
    status: 'errored',
    statusCode: 503,
    error: { message: 'Too many requests are on their way here. Retry after a short delay' },
  },
}

describe('the room for requests', () => {
  it('is never exceeded: what has no room is refused, and takes none', () => {
    const room = new RequestRoom(100)
    room.take(60)
    expect(() => room.take(41)).toThrow(BusyError)
    room.take(40)
    room.free(60)
    room.take(60)
  })

  it('refuses a long body when it is full, and not what is in the cache, and is empty again afterwards', async () => {
    await using started = await start()
    const { room, post } = started
    const long = { ...ETH, more: 'x'.repeat(50_000) }
    const rest = room.capacityBytes - 100_000
    room.take(rest)
    expect(await post(long)).toMatchObject(busy)
    expect(await post(ETH)).toMatchObject({ status: 200, json: { result: 5 } })
    room.free(rest)
    expect(await post(long)).toMatchObject({ status: 200, json: { result: 5 } })
    await eventually(() => expect(isEmpty(room)).toBe(true))
  })

  it('is one for all servers of the process, and not one for each', async () => {
    await using one = await start()
    await using other = await start()
    requestRoom.take(requestRoom.capacityBytes)
    for (const { post } of [one, other]) expect(await post({ base: 'BTC', quote: 'USD' })).toMatchObject(busy)
    requestRoom.free(requestRoom.capacityBytes)
    for (const { post } of [one, other]) expect((await post({ base: 'BTC', quote: 'USD' })).status).toBe(504)
    expect(isEmpty(requestRoom)).toBe(true)
  })

  it('refuses a request that would have to wait when it is full', async () => {
    await using started = await start()
    const { room, post } = started
    room.take(room.capacityBytes)
    expect(await post({ base: 'BTC', quote: 'USD' })).toMatchObject(busy)
    room.free(room.capacityBytes)
    expect((await post({ base: 'BTC', quote: 'USD' })).status).toBe(504)
    expect(isEmpty(room)).toBe(true)
  })

  it('is taken by what has come of a body, until its client leaves', async () => {
    await using started = await start()
    const { room, port } = started
    const socket = await dial(port)
    socket.write(
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(100_000)}`,
    )
    const taken = () => {
      room.take(room.capacityBytes - 399_999)
      room.free(room.capacityBytes - 399_999)
    }
    await eventually(() => expect(taken).toThrow(BusyError))
    socket.destroy()
    await eventually(() => expect(isEmpty(room)).toBe(true))
  })

  it('a long body means the same in chunks of one byte, and one that is too long is refused as ever', async () => {
    await using started = await start()
    const { room, port, service } = started
    const head =
      'POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
    const said = async (body: string, perChunk: number) => {
      const socket = await dial(port)
      const pieces = body.match(new RegExp(`[^]{1,${perChunk}}`, 'g')) ?? []
      const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
      socket.write(`${head}${chunks.join('')}0\r\n\r\n`)
      let text = ''
      socket.on('data', (chunk: Buffer) => void (text += String(chunk)))
      await once(socket, 'close')
      return text
    }
    const body = JSON.stringify({ data: { ...ETH, more: 'x'.repeat(20_000) } })
    expect(await said(body, 1)).toContain('"result":5')
    const { MAX_PAYLOAD_SIZE_LIMIT: limit } = service.adapter.settings
    expect(await said('x'.repeat(limit + 1), 60_000)).toMatch(/^HTTP\/1.1 413 [^]*Request body is too large$/)
    await eventually(() => expect(isEmpty(room)).toBe(true))
  })
})

describe('one connection', () => {
  /** A server whose answers the test gives, and the sockets that it has. */
  const setUp = async (limitMs?: number) => {
    const server = createServer()
    new OpenConnections(limitMs).follow(server)
    const asked: ServerResponse[] = []
    const sockets: Socket[] = []
    server.on('connection', (socket) => void sockets.push(socket))
    server.on('request', (_request, response) => void asked.push(response))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return { asked, sockets, socket: await dial((server.address() as AddressInfo).port) }
  }
  const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

  it('is read no further while many of its requests wait, and then goes on', async () => {
    const { asked, sockets, socket } = await setUp()
    socket.write(GET.repeat(100))
    await eventually(() => expect(asked).toHaveLength(100))
    await eventually(() => expect(sockets[0]?.isPaused()).toBe(true))
    socket.write(GET)
    for (const response of asked.splice(0)) response.end('ok')
    await eventually(() => expect(asked).toHaveLength(1))
    expect(sockets[0]?.isPaused()).toBe(false)
  })

  it('is cut when it has far too many requests in one packet', async () => {
    const { socket } = await setUp()
    socket.resume()
    socket.write(GET.repeat(2_000))
    await once(socket, 'close')
  })

  it('is cut when its client takes no answers, and kept when it takes them slowly', async () => {
    const LIMIT_MS = 400
    const [idle, slow] = [await setUp(LIMIT_MS), await setUp(LIMIT_MS)]
    const answer = Buffer.alloc(30_000_000)
    for (const { socket, asked } of [idle, slow]) {
      socket.pause()
      socket.write(GET)
      await eventually(() => expect(asked).toHaveLength(1))
      asked[0]!.end(answer)
    }
    const cut = once(idle.sockets[0]!, 'close')
    let taken = 0
    slow.socket.on('data', (chunk: Buffer) => {
      taken += chunk.length
      slow.socket.pause()
      setTimeout(() => slow.socket.resume(), 1)
    })
    slow.socket.resume()
    await cut
    await eventually(() => expect(taken).toBeGreaterThan(answer.length))
  })
})
