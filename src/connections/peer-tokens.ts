import { createHash, timingSafeEqual } from 'node:crypto'
import { type IncomingHttpHeaders } from 'node:http'

/** What is known about a caller before the upgrade is answered. */
export interface Caller {
  headers: IncomingHttpHeaders
  /** The path and query of the request. */
  url: string
  /** Its IP address. */
  host: string
  /**
   * The common name of the certificate that it presented. Meaningful only where the listener asks for certificates, because then it has
   * been checked.
   */
  certificateName: string | undefined
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Finds peers by their bearer tokens. Every known token is compared, each in constant time, so that the time of an answer shows nothing
 * about the tokens.
 *
 * @returns the peer to which the `Authorization: Bearer` header of a caller belongs, undefined if there is none
 */
export const peerByToken = <Peer>(
  peers: readonly { token: string; peer: Peer }[],
): ((caller: Pick<Caller, 'headers'>) => Peer | undefined) => {
  const known = peers.map(({ token, peer }) => ({ hash: digest(token), peer }))
  return ({ headers }) => {
    const [, token] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    const hash = digest(token ?? '')
    let found: Peer | undefined
    for (const { hash: expected, peer } of known)
      if (timingSafeEqual(hash, expected) && token !== undefined) found ??= peer
    return found
  }
}

/** Whether an address can be reached from this machine only, when it is listened on. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
