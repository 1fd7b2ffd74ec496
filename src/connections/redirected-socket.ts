import { type ClientRequest } from 'node:http'
import type WebSocket from 'ws'

/**
 * SC-6: lets a socket whose author has it follow redirects do so on its own origin alone. The library would send all headers but two to any
 * other one; here that request is ended before anything of it was sent.
 */
export const atHome = (socket: WebSocket): WebSocket => {
  const { origin } = new URL(socket.url)
  socket.on('redirect', (url: string, request: ClientRequest) => {
    if (new URL(url).origin !== origin)
      request.destroy(
        new Error('The handshake was answered with a redirect to another origin, which is not followed'),
      )
  })
  return socket
}
