/**
 * A room server of the protocol's own authors, as a process of its own: malformed bytes after a login kill it. Prints its port.
 */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { WebSocketServer } = require('ws')
const { handleSocketLinearProtocol } = require('@dcl/mini-comms/dist/logic/handle-linear-protocol')
const { createRoomsComponent } = require('@dcl/mini-comms/dist/adapters/rooms')

const silent = () => {}
const logger = { debug: silent, info: silent, log: silent, warn: silent, error: silent }
const components = {
  logs: { getLogger: () => logger },
  config: { getNumber: async () => undefined, getString: async () => undefined },
  metrics: { observe: silent, increment: silent },
  ethereumProvider: undefined,
}
components.rooms = await createRoomsComponent(components)

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has('rfc5') ? 'rfc5' : false),
})
const server = createServer((_request, response) => response.writeHead(404).end())
server.on('upgrade', (request, wire, head) => {
  const [, room] = /^\/rooms\/([\w.-]+)$/.exec(request.url) ?? []
  if (room === undefined) return wire.end('HTTP/1.1 404 Not Found\r\n\r\n')
  sockets.handleUpgrade(request, wire, head, (socket) => {
    socket.on('error', silent)
    handleSocketLinearProtocol(components, socket, room).catch(() => socket.terminate())
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
// Ends with whoever started it.
process.stdin.resume().on('end', () => process.exit(0))
