import { type Requester } from '../../src/public/util/requester'
import { RoomError } from './room-error'

const MAX_ABOUT_BYTES = 1_048_576

const failed = (error: unknown): never => {
  const { providerStatusCode: status } = error as { providerStatusCode?: number }
  const what = status === undefined ? 'did not answer' : `answered with HTTP status ${status}`
  throw new RoomError('realm', `The realm that names the room ${what}`, error)
}

/**
 * Asks a realm which room it is: `comms.fixedAdapter` of its `/about` document.
 *
 * @param realm - its URL, with or without a slash at the end
 * @returns a connection string, as the realm wrote it
 * @throws RoomError when there is no document, or it names no room
 */
export const connectionStringOf = async (requester: Requester, realm: string): Promise<string> => {
  const url = `${realm.replace(/\/+$/, '')}/about`
  const { response } = await requester
    .request<unknown>(`ws-room about ${url}`, {
      url,
      maxContentLength: MAX_ABOUT_BYTES,
      // Only the configured realm may say where the room is.
      maxRedirects: 0,
    })
    .catch(failed)
  const { comms } = (response.data ?? {}) as { comms?: { fixedAdapter?: unknown } | null }
  const named = comms?.fixedAdapter
  if (typeof named === 'string') return named
  throw new RoomError('connection-string', "The realm's about document names no comms.fixedAdapter")
}
