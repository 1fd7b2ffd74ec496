import { readPem } from '../../src/config/pem'
import { tlsOriginOf } from '../../src/connections/certificate-renewal'
import { exponentialBackoff, fullAbove, steadyBackoff } from '../../src/util/backoff'
import { dial } from '../../src/connections/dial'
import { type Link } from '../../src/connections/link'
import { type KeeperOptions, LinkKeeper, type SessionEnd } from '../../src/connections/link-keeper'
import { Listener, type RefusedCaller } from '../../src/connections/listener'
import { type Caller, peerByToken } from '../../src/connections/peer-tokens'
import { type Delay, Retry } from '../../src/connections/retry'
import { MAX_FRAME_BYTES } from './envelope'
import { type VersiaConnect, type VersiaListen } from './options'
import { type VersiaSigner } from './signer'

const OPEN_TIMEOUT_MS = 10_000
const PING_EVERY_MS = 30_000
const MAX_CONNECTIONS = 20
const MIN_DELAY_MS = 1_000
const MAX_DELAY_MS = 60_000

export interface LinkOptions {
  /** Whose connections the metrics count them as. */
  app?: KeeperOptions<Link>['app']
  pingEveryMs?: number
  onLink: (link: Link, peer: string) => void
}

/** When to dial again. */
export type Redial = Retry<SessionEnd, Delay>

/** After a second, then twice as long each time up to a minute; anew once something useful came. */
export const redial = (): Redial =>
  new Retry<SessionEnd, Delay>(
    exponentialBackoff({
      minMs: MIN_DELAY_MS,
      maxMs: MAX_DELAY_MS,
      factor: 2,
      jitter: fullAbove(MIN_DELAY_MS / 2),
    }),
  )

/** For a peer that we had enough of: as long as there is. */
export const LONGEST = steadyBackoff(MAX_DELAY_MS)

/**
 * Keeps a connection to a peer. The upgrade is an ordinary GET; with a signer it is signed as any GET, anew for each attempt.
 */
export const keepDialling = (
  { url, headers, tls, openTimeoutMs = OPEN_TIMEOUT_MS }: VersiaConnect,
  signer: VersiaSigner | undefined,
  retry: Redial,
  { pingEveryMs = PING_EVERY_MS, onLink, app }: LinkOptions,
): LinkKeeper<Link> => {
  return new LinkKeeper<Link>({
    url,
    open: async (signal) => {
      const signed = signer?.signRequest('GET', url)
      const maxPayloadBytes = MAX_FRAME_BYTES
      const client = tls && { ...tls, ...pemTexts(tls) }
      return dial(
        { url, headers: { ...headers, ...signed }, tls: client, openTimeoutMs, pingEveryMs, maxPayloadBytes },
        signal,
      )
    },
    retry,
    app,
    onOpen: (link) => onLink(link, link.peer.host),
  })
}

/** Those that are there, as PEM. */
const pemTexts = <T extends { ca?: string; cert?: string; key?: string }>(tls: T): Partial<T> =>
  Object.fromEntries(
    (['ca', 'cert', 'key'] as const).flatMap((name) => (tls[name] ? [[name, readPem(tls[name])]] : [])),
  ) as Partial<T>

/**
 * Takes peers that connect to us.
 *
 * @param of.isWelcome - a further condition, beside the token
 */
export const listenerFor = (
  { host, port, tls, token, maxConnections = MAX_CONNECTIONS }: VersiaListen,
  of: LinkOptions & { isWelcome?: (caller: Caller) => boolean; onRefused?: (why: RefusedCaller) => void },
): Listener<string> => {
  const origin = tls && tlsOriginOf(tls)
  const hasToken = token === undefined ? () => true : peerByToken([{ token, peer: true }])
  return new Listener<string>({
    host,
    port,
    tls: origin && { ...origin.read(), origin },
    maxConnections,
    maxPayloadBytes: MAX_FRAME_BYTES,
    pingEveryMs: of.pingEveryMs ?? PING_EVERY_MS,
    authenticate: (caller) =>
      hasToken(caller) === true && of.isWelcome?.(caller) !== false ? caller.host : undefined,
    admitsStrangers: token === undefined && tls?.ca === undefined && of.isWelcome === undefined,
    onLink: of.onLink,
    onRefused: of.onRefused,
  })
}
