import { connectionRecord } from './outgoing-metadata'
import { isRecord } from './problems'

export interface PeerAddress {
  host: string
  port: number
}

/** Where an outgoing event of a server goes. */
export interface Route {
  /** None: the event fails. */
  streams: number[]
  /** Nobody at all is connected: the circuit closes. */
  isDeserted: boolean
}

/**
 * Chooses the open connections that an event is sent to (tremor 8.4): the one that its metadata names, else all that contributed to
 * it. There is no broadcast.
 *
 * @param open - addresses of the open connections by stream number
 * @param origins - numbers of the streams that contributed to the event
 */
export const route = (
  open: ReadonlyMap<number, PeerAddress>,
  meta: Readonly<Record<string, unknown>>,
  origins: readonly number[],
): Route => {
  if (open.size === 0) return { streams: [], isDeserted: true }
  const named = peerOf(meta)
  if (named !== undefined) {
    for (const [stream, { host, port }] of open)
      if (host === named.host && port === named.port) return { streams: [stream], isDeserted: false }
  }
  return { streams: [...new Set(origins)].filter((stream) => open.has(stream)), isDeserted: false }
}

const peerOf = (meta: Readonly<Record<string, unknown>>): PeerAddress | undefined => {
  const peer = connectionRecord(meta)?.peer
  if (!isRecord(peer)) return undefined
  const { host, port } = peer
  const isPort = Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65_535
  return typeof host === 'string' && isPort ? { host, port: port as number } : undefined
}
