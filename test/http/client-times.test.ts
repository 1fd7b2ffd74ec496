import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { type AdapterSettings } from '../../src/config/settings'
import { lookEveryMs, nodeOptions } from '../../src/http/client-times'
import { setupMetricsServer } from '../../src/http/metrics-server'
import { buildServer } from '../../src/http/server'
import { PlainServer } from '../../src/service/workers/plain-server'
import { serve } from '../../src/testing/serve'
import { selfSigned } from './certificate'
import { stillAdapter, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BODY = JSON.stringify({ data: ETH })
const SOON = { CLIENT_TIMEOUT_MS: '300' }

const clients: Socket[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  clients.splice(0).forEach((client) => client.destroy())
})

const settings = (values: Partial<AdapterSettings> = {}): AdapterSettings => {
  const config = new AdapterConfig({})
  config.initialize()
  return Object.assign(config.settings, { EA_HOST: '127.0.0.1', CLIENT_TIMEOUT_MS: 300, ...values })
}

const head = (length: number) =>
  `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
const REQUEST = head(BODY.length) + BODY

const dial = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  clients.push(socket)
  await once(socket, 'connect')
  return socket
}

/** What a client does that never sends a whole request. Each tells how to go on doing it. */
const NEVER_DONE: [string, (socket: Socket) => void][] = [
  ['sends nothing', () => {}],
  ['stops in the middle of the headers', (socket) => socket.write('POST / HTTP/1.1\r\nhost: a\r\n')],
  ['stops in the middle of the body', (socket) => socket.write(`${head(900)}{"data":`)],
  ['sends a byte of the body now and then', (socket) => dripping(socket, head(100_000))],
  ['sends a byte of the headers now and then', (socket) => dripping(socket, 'GET / HTTP/1.1\r\nx: ')],
  [
    'sends a chunk now and then',
    (socket) =>
      dripping(socket, 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\na\r\n'),
  ],
]

const dripping = (socket: Socket, first: string, rest = 'a'): void => {
  socket.write(first)
  const timer = setInterval(() => socket.write(rest), 20)
  socket.once('close', () => clearInterval(timer))
}

/** Resolves when the server has closed this connection. */
const closed = (socket: Socket): Promise<unknown> => {
  socket.resume()
  return once(socket, 'close')
}

const start = async (env: Record<string, string> = SOON) => {
  const still = stillAdapter()
  const service = await serve(still.adapter, { env, listen: true })
  await still.transport.put(ETH, 5)
  const port = Number(new URL(service.url ?? '').port)
  return stoppable({ service, port })
}

const answered = async (socket: Socket): Promise<string> => {
  socket.write(REQUEST)
  let text = ''
  while (!text.includes('"result":5')) text += String(((await once(socket, 'data')) as [Buffer])[0])
  return text
}

describe('a client that does not send a whole request in time', () => {
  it.each(NEVER_DONE)('loses its connection where it %s', async (_what, act) => {
    await using started = await start()
    const socket = await dial(started.port)
    act(socket)
    await closed(socket)
  })

  it.each(NEVER_DONE.slice(1))('loses it also after requests that were answered: %s', async (_what, act) => {
    await using started = await start()
    const socket = await dial(started.port)
    for (let time = 0; time < 3; time++) await answered(socket)
    act(socket)
    await closed(socket)
  })

  it('does not hinder others', async () => {
    await using started = await start()
    const slow = await Promise.all(Array.from({ length: 50 }, () => dial(started.port)))
    for (const socket of slow) socket.write(`${head(900)}{"data":`)
    expect(await answered(await dial(started.port))).toMatch(/^HTTP\/1.1 200/)
    await Promise.all(slow.map(closed))
  })

  it('is the only one that loses it: between two requests, a connection is kept for longer', async () => {
    await using started = await start()
    const [honest, slow] = [await dial(started.port), await dial(started.port)]
    await answered(honest)
    slow.write(`${head(900)}{"data":`)
    await closed(slow)
    expect(await answered(honest)).toMatch(/^HTTP\/1.1 200/)
  })
})

describe('every other server of ours', () => {
  const servers: [string, (of: AdapterSettings) => { listen: () => Promise<number>; stop: () => unknown }][] =
    [
      [
        'that of a worker, which gets its connections from another process',
        (of) => {
          const app = buildServer(of)
          const door = createServer({ pauseOnConnect: true }, (socket) =>
            app.server.emit('connection', socket),
          )
          const listen = async () => {
            await app.ready()
            app.server.emit('listening')
            await once(door.listen(0, '127.0.0.1'), 'listening')
            return (door.address() as AddressInfo).port
          }
          return { listen, stop: async () => (door.close(), await app.close()) }
        },
      ],
      [
        'that of the metrics',
        (of) => {
          const app = setupMetricsServer('TEST', of)
          return { listen: () => listening(app), stop: () => app.close() }
        },
      ],
      [
        'that of the supervisor',
        (of) => {
          const plain = new PlainServer(
            of,
            { port: 0, portVariable: 'METRICS_PORT' },
            (_request, response) => {
              response.end()
            },
          )
          return {
            listen: async () => Number((await plain.listen()).split(':').pop()),
            stop: () => plain.stop(),
          }
        },
      ],
    ]
  const listening = async (app: ReturnType<typeof buildServer>): Promise<number> => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    return (app.server.address() as AddressInfo).port
  }

  it.each(servers)('has the same limit: %s', async (_which, make) => {
    const server = make(settings())
    const port = await server.listen()
    const socket = await dial(port)
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{')
    await closed(socket)
    await server.stop()
  })

  it('has it with TLS, where the handshake has to be done in time, too', async () => {
    const { key, cert } = selfSigned()
    const tls = { TLS_ENABLED: true, TLS_PRIVATE_KEY: key, TLS_PUBLIC_KEY: cert, TLS_CA: cert }
    const app = buildServer(settings(tls))
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const silent = await dial(port)
    const slow = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
    clients.push(slow)
    slow.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{')
    await Promise.all([closed(silent), closed(slow)])
    await app.close()
  })
})

describe('the options of servers', () => {
  it('limit the headers, the whole request and the handshake, and look often enough', () => {
    const { key, cert } = selfSigned()
    const tls = { TLS_ENABLED: true, TLS_PRIVATE_KEY: key, TLS_PUBLIC_KEY: cert, TLS_CA: cert }
    expect(nodeOptions(settings({ CLIENT_TIMEOUT_MS: 30_000 }))).toEqual({
      http: { headersTimeout: 30_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
    })
    expect(nodeOptions(settings({ ...tls, CLIENT_TIMEOUT_MS: 30_000 })).https).toMatchObject({
      requestTimeout: 30_000,
      handshakeTimeout: 10_000,
    })
    expect([100, 1_000, 600_000].map(lookEveryMs)).toEqual([50, 250, 5_000])
  })
})
