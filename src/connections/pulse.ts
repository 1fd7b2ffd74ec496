import type WebSocket from 'ws'
import { condemn, hasBacklog, bytesRead, OPEN } from './socket'
import { secondsOf } from '../util/clock'

export interface PulseOptions {
  /** How often a ping is sent, in ms. Default 15 s. */
  everyMs?: number
  /** How soon after a ping something must have come from the peer, in ms. Default 10 s. */
  pongWithinMs?: number
}

export const EVERY_MS = 15_000
const PONG_WITHIN_MS = 10_000

/**
 * Sends pings on an open socket, and destroys it when nothing at all comes from the peer in time after one (CN-2). Other bytes than those of
 * a pong are as good: a peer that is busy sending is not dead. It ends with the socket, and does nothing for a socket that cannot ping.
 *
 * @param of.graceMs - how long a ping may wait here until it is sent
 */
export const watchPulse = (socket: WebSocket, of: PulseOptions & { graceMs?: number }): void => {
  const double: Partial<WebSocket> = socket
  const { everyMs = EVERY_MS, pongWithinMs = PONG_WITHIN_MS, graceMs = 0 } = of
  if (double.ping === undefined || double.on === undefined) return
  let deadline: ReturnType<typeof setTimeout> | undefined
  let hasPong = false
  const stop = (): void => {
    clearInterval(timer)
    clearTimeout(deadline)
  }
  const judge = (before: number | undefined): void => {
    deadline = undefined
    if (socket.readyState !== OPEN || hasPong || bytesRead(socket) !== before) return
    stop()
    condemn(socket, `The provider answered no ping within ${secondsOf(pongWithinMs)}`)
  }
  const beat = (): void => {
    if (socket.readyState !== OPEN) return stop()
    if (hasBacklog(socket)) return stop()
    // A deadline that is longer than the interval: one ping after the other.
    if (deadline !== undefined) return
    hasPong = false
    const before = bytesRead(socket)
    deadline = setTimeout(() => judge(before), pongWithinMs + graceMs)
    socket.ping()
  }
  const timer = setInterval(beat, everyMs)
  socket.on('pong', () => (hasPong = true))
  socket.on('close', stop)
}
