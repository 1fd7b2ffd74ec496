import { type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import type WebSocket from 'ws'

/** The `readyState` values of the WebSocket standard. Test doubles do not have these constants. */
export const OPEN = 1
export const CLOSING = 2
export const CLOSED = 3

/** Adapter tests may use doubles that lack most methods (contract 16.9): each such method is checked before it is called. */
type Double = Partial<WebSocket>
const double = (socket: WebSocket): Double => socket

const ignore = () => {}

const WIRE: unique symbol = Symbol('tickwell.wire')
type Wired = WebSocket & { [WIRE]?: Socket }

/** Remembers the TCP connection below a socket that is being opened, for {@link together}, and passes it to `onWire`. */
export const noteWire = (socket: WebSocket, onWire?: (wire: Socket) => void): void => {
  const wired: Wired = socket
  double(socket).on?.('upgrade', (response: IncomingMessage) => {
    wired[WIRE] = response.socket
    onWire?.(response.socket)
  })
}

/** Everything that `send` sends goes out in one write: the messages of a thousand feeds cost one system call instead of a thousand. */
export const together = (socket: WebSocket | undefined, send: () => void): void => {
  const wired: Wired | undefined = socket
  const wire = wired?.[WIRE]
  wire?.cork()
  try {
    send()
  } finally {
    wire?.uncork()
  }
}

export const takeListenersOff = (socket: WebSocket): void => {
  double(socket).removeAllListeners?.()
}

/** Removes all listeners and adds one for errors, because an error without a listener would end the process. */
export const silence = (socket: WebSocket): void => {
  takeListenersOff(socket)
  socket.addEventListener('error', ignore)
}

/**
 * Ends a socket at once, without a close handshake, for a dead or unwanted peer.
 *
 * @returns whether it can be destroyed, and so tells of its end
 */
export const destroy = (socket: WebSocket): boolean => {
  const { terminate } = double(socket)
  if (terminate !== undefined) terminate.call(socket)
  else double(socket).close?.()
  return terminate !== undefined
}

/** Closes politely with code 1000. Never throws: a socket that cannot be closed is destroyed. */
export const closeNormally = (socket: WebSocket): void => {
  try {
    socket.close(1000)
  } catch {
    destroy(socket)
  }
}

/** How many message listeners a socket has; undefined for a double that cannot tell. */
export const messageListeners = (socket: WebSocket): number | undefined =>
  double(socket).listenerCount?.('message')
