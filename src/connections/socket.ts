import { type IncomingMessage } from 'node:http'
import { type Socket } from 'node:net'
import type WebSocket from 'ws'
import { type Reason } from '../validation/reason'

/** The `readyState` values of the WebSocket standard. Test doubles do not have these constants. */
export const OPEN = 1
export const CLOSING = 2
export const CLOSED = 3

/** Adapter tests may use doubles that lack most methods (contract 16.9): each such method is checked before it is called. */
type Double = Partial<WebSocket>
const double = (socket: WebSocket): Double => socket

const ignore = () => {}

/** Why a connection ends that its peer has not closed. */
export type Verdict = Pick<Reason, 'code' | 'message'>

const WIRE: unique symbol = Symbol('tickwell.wire')
const VERDICT: unique symbol = Symbol('tickwell.verdict')
type Wired = WebSocket & { [WIRE]?: Socket; [VERDICT]?: Verdict }

/** Remembers the TCP connection below a socket that is being opened, for {@link together}, and passes it to `onWire`. */
export const noteWire = (socket: WebSocket, onWire?: (wire: Socket) => void): void => {
  const wired: Wired = socket
  double(socket).on?.('upgrade', (response: IncomingMessage) => {
    wired[WIRE] = response.socket
    onWire?.(response.socket)
  })
}

/** The TCP connection below a socket, where it was noted. */
export const wireOf = (socket: WebSocket): Socket | undefined => {
  const { [WIRE]: wire }: Wired = socket
  return wire
}

/** Everything that `send` sends goes out in one write: the messages of a thousand feeds cost one system call instead of a thousand. */
export const together = (socket: WebSocket | undefined, send: () => void): void => {
  const wire = socket && wireOf(socket)
  wire?.cork()
  try {
    send()
  } finally {
    wire?.uncork()
  }
}

/** How many bytes have come on the TCP connection below a socket; undefined where that is not known. */
export const bytesRead = (socket: WebSocket): number | undefined => wireOf(socket)?.bytesRead

/** The most that may wait to be sent on a socket. A peer that reads so little for so long is not listening (CN-12). */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024

/** Whether too much waits to be sent. The socket is then destroyed, so that another can take its place. */
export const hasBacklog = (socket: WebSocket): boolean => {
  const { bufferedAmount = 0, readyState } = double(socket)
  if (bufferedAmount <= MAX_BACKLOG_BYTES) return false
  if (readyState === OPEN)
    condemn(socket, `The provider does not read: ${bufferedAmount} bytes wait to be sent`)
  return true
}

/** Destroys a socket whose peer is dead, and keeps why for whoever hears of its close. */
export const condemn = (socket: WebSocket, why: string): void => {
  judge(socket, { code: 'UNRESPONSIVE', message: why })
  destroy(socket)
}

/** Keeps why a socket ends, for whoever hears of its close. */
export const judge = (socket: WebSocket, verdict: Verdict): void => {
  const wired: Wired = socket
  wired[VERDICT] = verdict
}

/** Why a socket ends; undefined where the peer has closed it. */
export const verdictOf = (socket: WebSocket | undefined): Verdict | undefined => {
  const wired: Wired | undefined = socket
  return wired?.[VERDICT]
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
