import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { WsPacket } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc5/ws_comms.gen'
import { Inbox } from '../../../src/testing/inbox'
import { GUARD_MS } from '../../../test/helpers/eventually'

type Message = NonNullable<WsPacket['message']>

/** Bytes of a packet, by the protocol's own library. */
export const packet = (message: Message): Buffer => Buffer.from(WsPacket.encode({ message }).finish())
export const challenge = (challengeToSign = 'dcl-0.817w5rejjft', alreadyConnected = false): Buffer =>
  packet({ $case: 'challengeMessage', challengeMessage: { challengeToSign, alreadyConnected } })
export const welcome = (alias = 7, peerIdentities: Record<number, string> = {}): Buffer =>
  packet({ $case: 'welcomeMessage', welcomeMessage: { alias, peerIdentities } })
export const update = (fromAlias: number, body: Uint8Array): Buffer =>
  packet({ $case: 'peerUpdateMessage', peerUpdateMessage: { fromAlias, body, unreliable: false } })
export const kicked = (reason = ''): Buffer => packet({ $case: 'peerKicked', peerKicked: { reason } })

/** One client of the fake server, with what it sent. */
export class Client {
  readonly frames = new Inbox<Buffer>('a frame', GUARD_MS)
  readonly pongs = new Inbox<string>('a pong', GUARD_MS)
  readonly closed: Promise<number>

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) throw new Error('a client never sends text')
      this.frames.put(data)
    })
    socket.on('pong', (data: Buffer) => this.pongs.put(data.toString('hex')))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => socket.on('close', resolve))
  }

  /** The next message of the client, decoded. */
  async next(): Promise<Message> {
    const { message } = WsPacket.decode(await this.frames.next())
    if (message === undefined) throw new Error('an empty packet')
    return message
  }

  send(...frames: Uint8Array[]): void {
    for (const frame of frames) this.socket.send(frame, { binary: true })
  }

  /** Leads the login as a real server does. */
  async admit(alias = 7, peers: Record<number, string> = {}): Promise<this> {
    await this.next()
    this.send(challenge())
    await this.next()
    this.send(welcome(alias, peers))
    return this
  }
}

interface Script {
  /** Subprotocol to answer with; undefined for none. */
  protocol?: string | undefined
  /** Status to refuse the upgrade with. */
  refuse?: number | undefined
  /** Speak TLS with these PEM texts. */
  tls?: { key: string; cert: string }
}

/** A server on loopback that does what a test says. */
export const roomServer = async (script: Script = { protocol: 'rfc5' }) => {
  const clients = new Inbox<Client>('a client', GUARD_MS)
  const offered: string[] = []
  const http = script.tls === undefined ? createServer() : createSecureServer(script.tls)
  http.on('tlsClientError', () => {})
  const server = new WebSocketServer({
    server: http,
    verifyClient: (_info, decide) => decide(script.refuse === undefined, script.refuse),
    handleProtocols: () => script.protocol ?? false,
  })
  server.on('connection', (socket, request) => {
    offered.push(
      `${request.headers['sec-websocket-protocol']} ${request.headers['sec-websocket-extensions'] ?? ''}`.trim(),
    )
    clients.put(new Client(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const stop = () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
    return new Promise<void>((resolve) => http.close(() => resolve()))
  }
  const url = `${script.tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}/rooms/prices`
  return { url, connectionString: `ws-room:${url}`, clients, offered, stop, [Symbol.asyncDispose]: stop }
}
