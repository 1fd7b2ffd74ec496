import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** What a proxy does with a request for a way: opens it, answers with a status, or keeps silent. */
type Answer = 'open' | 'silent' | number

const forwarded = (req: IncomingMessage, res: ServerResponse): void => {
  const { host, pathname, search, port } = new URL(req.url ?? '')
  const headers = { ...req.headers, host }
  const onward = request(
    { host: '127.0.0.1', port, path: `${pathname}${search}`, method: req.method, headers },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    },
  )
  onward.on('error', () => res.writeHead(502).end())
  req.pipe(onward)
}

/**
 * A proxy on loopback. It notes each way that it is asked for, and each request to an `http:` host that is sent to it. Every name leads to
 * loopback, so that nothing but the proxy could have reached a name that does not exist.
 *
 * @param credential - `user:password` that it wants
 */
export const connectProxy = async (credential?: string) => {
  const ways: string[] = []
  const requests: string[] = []
  const wires = new Set<Socket>()
  const state: { answer: Answer } = { answer: 'open' }
  const isWelcome = ({ headers }: IncomingMessage) =>
    credential === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(credential).toString('base64')}`

  const server = createServer((req, res) => {
    requests.push(req.url ?? '')
    if (isWelcome(req)) forwarded(req, res)
    else res.writeHead(407).end()
  })
  const keep = (wire: Socket): void => {
    wires.add(wire)
    // An HTTP server leaves its half of a connection open.
    wire.on('error', () => wire.destroy()).on('end', () => wire.end())
    wire.on('close', () => wires.delete(wire))
  }
  server.on('connection', keep)
  server.on('connect', (req, client: Socket, head: Buffer) => {
    ways.push(req.url ?? '')
    const { answer } = state
    if (answer === 'silent') return void client.resume()
    const status = isWelcome(req) ? answer : 407
    if (status !== 'open') return void client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
    const onward = connect({ host: '127.0.0.1', port: Number(/\d+$/.exec(req.url ?? '')?.[0]) }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.write(head)
      onward.pipe(client).pipe(onward)
    })
    keep(onward)
    onward.on('close', () => client.destroy())
    client.on('close', () => onward.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${credential === undefined ? '' : `${credential}@`}127.0.0.1:${port}`,
    /** `host:port` of each way that was asked for. */
    ways,
    /** The URL of each request that it forwards. */
    requests,
    state,
    /** Connections to it, and from it. */
    get open(): number {
      return wires.size
    },
    [Symbol.asyncDispose]: async () => {
      for (const wire of wires) wire.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
