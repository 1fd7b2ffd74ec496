import { type KeyObject, X509Certificate } from 'node:crypto'
import { ConfigError } from '../../src/config/config-error'
import { isPemFile, readPem } from '../../src/config/pem'
import { type ListenerOptions } from '../../src/connections/listener'
import { type KeyMaterial, keyMaterialProblems } from '../../src/config/tls-problems'
import { isLoopback } from '../../src/connections/peer-tokens'
import { messageOf } from '../../src/util/objects'
import { type HttpsGetOptions } from './https-get'
import { isCustomType } from './price'
import { type VersiaVersion, VERSIONS } from './reasons'
import { type ReplayMemory } from './replay-memory'
import { defaultPath, type SignerOptions, VersiaSigner } from './signer'
import { type VersiaSenderOptions } from './sender'
import { pinnedKeys, type Signers } from './signers'

/** A source that we dial. */
export interface VersiaConnect {
  /** `wss:`, or `ws:` to this machine where {@link VersiaOptions.allowLoopback} is set. */
  url: string
  /** Beside those that sign the upgrade, such as `authorization`. */
  headers?: Record<string, string>
  /** PEM, base64 of PEM, or the path of a file with that; `ca` in place of the system's authorities, `cert` and `key` to show a certificate of our own. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string }
  /** The variables that say so, for what is wrong at the start. Default: the names of these options. */
  variables?: { cert?: string; key?: string; ca?: string }
  /** Our own name and key: the upgrade request is signed then. Default: it is not. */
  instance?: { signedBy: string; privateKey: string }
  /** From dialling to open, in ms. Default 10 000. */
  openTimeoutMs?: number
}

/** Where peers connect to us. Their messages are trusted because of their signatures alone; the other options here only keep strangers away. */
export interface VersiaListen {
  host: string
  /** 0 lets the system choose. */
  port: number
  /** PEM, base64 of PEM, or the path of a file with that, which is read again on change. With `ca`, peers must show a certificate that it signed. */
  tls?: ListenerOptions<string>['tls']
  /** What peers must send as `Authorization: Bearer`. Default: nothing is asked for. */
  token?: string
  /** Peers at once. Callers in the handshake have places of their own. Default 20. */
  maxConnections?: number
  /** The variables that say so, for what is wrong at the start. Default: the names of these options. */
  variables?: { host?: string; port?: string; cert?: string; key?: string; ca?: string }
}

/** How a Versia source is set up. At least one of `connect` and `listen`. */
export interface VersiaOptions {
  connect?: VersiaConnect
  listen?: VersiaListen
  /** Version of the signature rules. Default `0.6`. Setting `0.4` is what turns 0.4 on: its messages have no time, and nothing limits their age. */
  version?: VersiaVersion
  /** The path that messages are signed for; not the path of the URL. Default `/.versia/v0.6/inbox`, before 0.6 `/inbox`. */
  signaturePath?: string
  /** Who is trusted. A message of anybody else is refused before any cryptography, and leads to no request. */
  signers: Signers
  /** Type of the entities that carry prices, such as `org.example:price_feeds/Price`; Notes carry them in the extension of that name. */
  priceType: string
  /**
   * Fetches the keys of the listed signers that have none, over HTTPS, at the start and then every six hours. Default: off, and a signer
   * without a key is an error at the start.
   */
  discovery?: HttpsGetOptions
  /** Lets `connect.url` be a `ws:` one of this machine. Default false. */
  allowLoopback?: boolean
  /** How far ahead of our clock a price may have been seen, in ms. What is further is refused. Default 5 000. */
  aheadToleranceMs?: number
  /** Ping after each such interval, in ms; two unanswered end the connection. Default 30 000. */
  pingEveryMs?: number
  /** Our clock, in Unix ms, for tests. Default: the system's. */
  clock?: () => number
  /** Where taken messages are remembered, for tests. Default: the one memory of the process. */
  replayMemory?: ReplayMemory
}

/** What is right with the options, and made ready. */
export interface Setup {
  version: VersiaVersion
  path: string
  keys: Map<string, readonly KeyObject[]>
  /** Signs upgrade requests; undefined where they are not to be signed. */
  signer: VersiaSigner | undefined
}

/** @throws ConfigError with everything that is wrong, and nothing secret */
export const checkOptions = (options: VersiaOptions): Setup => {
  const problems: string[] = []
  const { connect, listen, version = '0.6', signers, priceType, discovery, allowLoopback = false } = options
  const path = options.signaturePath ?? defaultPath(version)
  if (!VERSIONS.includes(version)) problems.push(`there is no version "${String(version)}"`)
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[?#]/.test(path))
    problems.push('the signature path is not the path of a URL, without query')
  if (!isCustomType(priceType))
    problems.push(`"${priceType}" is not the type of a custom entity, such as org.example:price_feeds/Price`)
  if (connect === undefined && listen === undefined)
    problems.push('there is neither a URL to connect to nor a port to listen on')
  const keys = pinnedKeys(signers, version, discovery !== undefined, problems)
  checkConnect(connect, allowLoopback, problems)
  checkListen(listen, problems)
  // Where it is that of the connection, it is named there.
  if (discovery?.ca && discovery.ca !== connect?.tls?.ca)
    addAuthority(discovery.ca, discovery.variable ?? 'discovery.ca', problems)
  const signer =
    connect?.instance && makeSigner({ version, clock: options.clock, ...connect.instance }, problems)
  report(problems)
  return { version, path, keys, signer }
}

/**
 * The same for the ends of a sender.
 *
 * @returns the keys of the receivers that may connect; undefined for anybody
 * @throws ConfigError
 */
export const checkEnds = (
  { connect, listen, allowLoopback = false }: VersiaSenderOptions,
  version: VersiaVersion,
): Map<string, readonly KeyObject[]> | undefined => {
  const problems: string[] = []
  checkConnect(connect, allowLoopback, problems)
  checkListen(listen, problems)
  const receivers = listen?.receivers && pinnedKeys(listen.receivers, version, false, problems)
  report(problems)
  return receivers
}

const report = (problems: readonly string[]): void => {
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `Versia: ${problem}`))
}

const checkListen = (listen: VersiaListen | undefined, problems: string[]): void => {
  const { tls } = listen ?? {}
  if (tls === undefined) return
  if (!tls.cert || !tls.key)
    return void problems.push('to listen with TLS takes both a certificate and its key')
  const names = { cert: 'listen.tls.cert', key: 'listen.tls.key', ca: 'listen.tls.ca', ...listen?.variables }
  // Where they are kept anew from somewhere else, that is where they come from.
  if (tls.origin === undefined) addMaterial(tls, names, problems)
}

const addMaterial = (
  tls: KeyMaterial,
  names: { cert: string; key: string; ca: string },
  problems: string[],
): void => {
  const { cert, key, passphrase } = tls
  const found = keyMaterialProblems({ cert, key, passphrase, ca: tls.ca || undefined }, names)
  for (const { variable, problem } of found) problems.push(`${variable}: ${problem}`)
}

const CLIENT_MATERIAL = { cert: 'connect.tls.cert', key: 'connect.tls.key', ca: 'connect.tls.ca' }

/** A file that cannot be read would be found out with the first connection, and again and again. */
const addAuthority = (ca: string, name: string, problems: string[]): void => {
  try {
    new X509Certificate(readPem(ca))
  } catch (error) {
    problems.push(
      `${name}: ${isPemFile(ca) ? messageOf(error) : 'Value must be a certificate as PEM or base64 of PEM'}`,
    )
  }
}

const checkConnect = (
  connect: VersiaConnect | undefined,
  allowLoopback: boolean,
  problems: string[],
): void => {
  if (connect === undefined) return
  const { url, tls } = connect
  if (!tls?.cert !== !tls?.key) problems.push('a certificate to show takes both itself and its key')
  else if (tls?.cert && tls.key)
    addMaterial({ cert: tls.cert, key: tls.key }, { ...CLIENT_MATERIAL, ...connect.variables }, problems)
  if (tls?.ca) addAuthority(tls.ca, connect.variables?.ca ?? CLIENT_MATERIAL.ca, problems)
  // Not quoted: a URL may hold a secret.
  if (!URL.canParse(url)) return void problems.push('the URL to connect to is not one')
  const { protocol, hostname } = new URL(url)
  if (protocol === 'wss:') return
  if (protocol !== 'ws:') problems.push('the URL to connect to is neither wss: nor ws:')
  else if (!allowLoopback || !isLoopback(hostname.replace(/^\[|\]$/g, '')))
    problems.push(
      'the URL to connect to is ws:, which is for this machine alone, and only where that is allowed',
    )
}

const makeSigner = (instance: SignerOptions, problems: string[]): VersiaSigner | undefined => {
  try {
    return new VersiaSigner(instance)
  } catch (error) {
    problems.push(`the key of our own instance: ${(error as Error).message}`)
    return undefined
  }
}
