import https from 'node:https'
import { proxyFor } from '../../src/config/outbound-proxy'
import { type DialOptions } from '../../src/connections/dial'
import { type Requester } from '../../src/public/util/requester'
import { messageOf } from '../../src/util/objects'
import { connectionMaker } from '../../src/util/tunnel'
import { AdapterConnectionError } from '../../src/public/validation/error'
import { RoomError } from './room-error'

const MAX_ABOUT_BYTES = 1_048_576

const failed = (error: unknown): never => {
  const { providerStatusCode: status } = error as { providerStatusCode?: number }
  // The contract gives such an error a status, although there was no answer.
  const hasAnswered = status !== undefined && !(error instanceof AdapterConnectionError)
  const what = hasAnswered ? `answered with HTTP status ${status}` : `did not answer: ${messageOf(error)}`
  throw new RoomError('realm', `The realm that names the room ${what}`, error)
}

/** The way to a realm whose certificate is of the same authority as the server's. Default: the requester's own. */
const wayOf = (realm: string, tls: DialOptions['tls']) => {
  if (tls === undefined || !/^https:/i.test(realm)) return {}
  const { ca, cert, key } = tls
  const createConnection = connectionMaker(() => true, proxyFor)
  return {
    proxy: false as const,
    httpsAgent: Object.assign(new https.Agent({ ca, cert, key }), { createConnection }),
  }
}

/**
 * Asks a realm which room it is: `comms.fixedAdapter` of its `/about` document.
 *
 * @param realm - its URL, with or without a slash at the end
 * @param tls - for the server, and so for the realm that names it
 * @returns a connection string, as the realm wrote it
 * @throws RoomError when there is no document, or it names no room
 */
export const connectionStringOf = async (
  requester: Requester,
  realm: string,
  tls?: DialOptions['tls'],
): Promise<string> => {
  const url = `${realm.replace(/\/+$/, '')}/about`
  const { response } = await requester
    .request<unknown>(`ws-room about ${url}`, {
      url,
      maxContentLength: MAX_ABOUT_BYTES,
      // Only the configured realm may say where the room is.
      maxRedirects: 0,
      ...wayOf(realm, tls),
    })
    .catch(failed)
  const { comms } = (response.data ?? {}) as { comms?: { fixedAdapter?: unknown } | null }
  const named = comms?.fixedAdapter
  if (typeof named === 'string') return named
  throw new RoomError('connection-string', "The realm's about document names no comms.fixedAdapter")
}
