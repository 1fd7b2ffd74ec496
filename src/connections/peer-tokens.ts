import { createHash, timingSafeEqual } from 'node:crypto'
import { type IncomingHttpHeaders } from 'node:http'

/** What is known of a caller before the upgrade is answered. */
export interface Caller {
  headers: IncomingHttpHeaders
  /** Path and query as asked for. */
  url: string
  /** Its numeric address. */
  host: string
  /** Common name of the certificate that it showed, where the listener asks for one and has checked it. */
  certificateName: string | undefined
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Tells peers by their bearer tokens. Every known token is compared, each in constant time, so that an answer's time tells nothing.
 *
 * @returns the peer that the `Authorization: Bearer` header of a caller belongs to, undefined for none
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

/** Whether nobody outside this machine can reach an address that is listened on. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
