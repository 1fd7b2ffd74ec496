import { createRequire } from 'node:module'
import { type FetchLike } from 'eventsource'
import { type Agent, type buildConnector, type fetch } from 'undici'
import { proxyFor } from '../../config/outbound-proxy'
import { connectionMaker } from '../../util/tunnel'

interface Undici {
  Agent: typeof Agent
  buildConnector: typeof buildConnector
  fetch: typeof fetch
}

/** Opens connections for `fetch`: through the proxy of the host where there is one, and else as `fetch` itself does. */
const connector =
  (direct: buildConnector.connector): buildConnector.connector =>
  (options, done) => {
    const { protocol, hostname, port, servername } = options
    const isTls = protocol === 'https:'
    const host = hostname.replace(/^\[|\]$/g, '')
    const url = `${protocol}//${hostname}:${port || (isTls ? 443 : 80)}`
    if (proxyFor(url) === undefined) return direct(options, done)
    const connect = connectionMaker(() => isTls, proxyFor)
    connect({ host, port: port || undefined, ...(servername ? { servername } : {}) }, (error, socket) => {
      if (socket === undefined) return done(error ?? new Error('no connection'), null)
      if (!isTls) return done(null, socket)
      const failed = (cause: Error) => done(cause, null)
      socket.once('error', failed)
      socket.once('secureConnect', () => {
        socket.off('error', failed)
        done(null, socket)
      })
    })
  }

/**
 * The `fetch` of streams: that of Node, and where the environment names a proxy for the host, that of undici, which can be told how to connect.
 * Node's own is another version of it, so that it might not understand the connections of this one.
 */
export const proxiedFetch: FetchLike = (url, init) => {
  if (proxyFor(String(url)) === undefined) return globalThis.fetch(url, init)
  const undici = createRequire(__filename)('undici') as Undici
  // No connection is kept for a next stream.
  const dispatcher = new undici.Agent({ connect: connector(undici.buildConnector({})), pipelining: 0 })
  const answer = undici.fetch(url, { ...init, dispatcher })
  // After the end of a stream it would connect again, for nothing.
  ;(init as RequestInit).signal?.addEventListener('abort', () => void dispatcher.destroy(), { once: true })
  return answer
}
