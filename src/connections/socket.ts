import { type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import type WebSocket from 'ws'

/** `readyState` values, by the WebSocket standard; test doubles carry no constants. */
export const OPEN = 1
export const CLOSING = 2
export const CLOSED = 3

/** What every socket has, the doubles of adapters' tests included (contract 16.9); all else is called behind a check. */
type Double = Partial<WebSocket>
const double = (socket: WebSocket): Double => socket

const ignore = () => {}

const WIRE: unique symbol = Symbol('tickwell.wire')
type Wired = WebSocket & { [WIRE]?: Socket }

/** Remembers the connection under a socket that is being opened, for {@link together}, and tells of it. */
export const noteWire = (socket: WebSocket, onWire?: (wire: Socket) => void): void => {
  const wired: Wired = socket
  double(socket).on?.('upgrade', (response: IncomingMessage) => {
    wired[WIRE] = response.socket
    onWire?.(response.socket)
  })
}

/** What is sent within leaves in one piece: the messages of a thousand feeds cost one call of the system and not a thousand. */
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

/** Takes off all listeners, and leaves one for errors: an error that nobody hears would end the process. */
export const silence = (socket: WebSocket): void => {
  takeListenersOff(socket)
  socket.addEventListener('error', ignore)
}

/** For a dead or unwanted peer: no handshake, no waiting. */
export const destroy = (socket: WebSocket): void => {
  const { terminate } = double(socket)
  if (terminate !== undefined) terminate.call(socket)
  else double(socket).close?.()
}

/** A polite end with code 1000. Never throws: a socket that cannot be closed is destroyed. */
export const closeNormally = (socket: WebSocket): void => {
  try {
    socket.close(1000)
  } catch {
    destroy(socket)
  }
}

/** How many listeners for messages a socket has, as far as it can tell. */
export const messageListeners = (socket: WebSocket): number | undefined =>
  double(socket).listenerCount?.('message')
