import type WebSocket from 'ws'
import { hasBacklog, OPEN } from '../../connections/socket'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'

const logger = makeLogger('WebSocketTransport')

/**
 * Calls the heartbeat handler at intervals for the connection that is in its place now. It ends when another connection is there, or when
 * this one is not open any more.
 *
 * @param place - read at each beat
 */
export const startBeating = (
  place: { readonly wsConnection?: WebSocket },
  everyMs: number,
  heartbeat: (connection: WebSocket) => Promise<void> | void,
): NodeJS.Timeout => {
  const connection = place.wsConnection
  const beat = async () => {
    if (connection !== place.wsConnection || connection?.readyState !== OPEN) return clearInterval(timer)
    if (hasBacklog(connection)) return
    try {
      await heartbeat(connection)
    } catch (err) {
      named(logger, place).warn({ err }, 'Heartbeat handler failed, will be tried later.')
    }
  }
  const timer = setInterval(() => void beat(), everyMs)
  return timer
}
