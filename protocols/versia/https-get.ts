import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { networkText } from '../../src/connections/connection-error'
import { proxyFor } from '../../src/config/outbound-proxy'
import { readPem } from '../../src/config/pem'
import { messageOf } from '../../src/util/objects'
import { connectionMaker } from '../../src/util/tunnel'
import { isPublicAddress } from './private-addresses'

const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 5_000

/** Why the key of a signer was not found. Closed. */
export type DiscoveryFailure =
  | 'not_https'
  | 'private_address'
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'http_status'
  | 'too_large'
  | 'malformed'
  | 'no_common_version'
  | 'domain_mismatch'
  | 'actor_mismatch'
  | 'bad_key'
  | 'bad_signature'

export class DiscoveryError extends Error {
  constructor(
    readonly reason: DiscoveryFailure,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}

export interface HttpsGetOptions {
  /** Authorities in place of the system's: PEM, base64 of PEM, or the path of a file with that. */
  ca?: string
  /** The variable that names `ca`, for what is wrong at the start. Default: the name of that option. */
  variable?: string
  /** Also from addresses that are not public. Default false. */
  allowPrivateAddresses?: boolean
}

export interface Fetched {
  body: string
  headers: IncomingHttpHeaders
}

/** Refuses a name as soon as one of its addresses is not public: which of them is used is not ours to say. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error !== null || first === undefined) return callback(error ?? new Error('no address'), '', 0)
    if (!addresses.every(({ address }: LookupAddress) => isPublicAddress(address)))
      return callback(new DiscoveryError('private_address', 'An address that is not public'), '', 0)
    if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

/** The proxy of the environment resolves names itself: which addresses it may reach is for whoever runs it to say. */
const wayTo = (url: string, options: HttpsGetOptions, signal: AbortSignal): RequestOptions => {
  if (proxyFor(url) !== undefined)
    return { createConnection: connectionMaker(() => true, proxyFor, signal) as never }
  return { agent: false, ...(options.allowPrivateAddresses === true ? {} : { lookup: publicLookup }) }
}

/**
 * One GET as it is safe for a name that stands in a setting: HTTPS alone, no redirects, nothing but public addresses, at most 64 KiB
 * within 5 s altogether.
 *
 * @throws DiscoveryError
 */
export const httpsGet = (
  url: string,
  accept: string,
  options: HttpsGetOptions,
  signal: AbortSignal,
): Promise<Fetched> =>
  new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    if (protocol !== 'https:') return reject(new DiscoveryError('not_https', 'Keys come over HTTPS alone'))
    // A name is looked at when it has been resolved.
    const isPrivate = isIP(host) !== 0 && !isPublicAddress(host)
    if (isPrivate && options.allowPrivateAddresses !== true)
      return reject(new DiscoveryError('private_address', 'An address that is not public'))
    let authority: Pick<RequestOptions, 'ca'>
    try {
      authority = options.ca ? { ca: readPem(options.ca) } : {}
    } catch (error) {
      return reject(new DiscoveryError('unreachable', messageOf(error), error))
    }
    const request = https.request(url, {
      headers: { accept },
      signal,
      ...authority,
      ...wayTo(url, options, signal),
    })
    const fail = (error: DiscoveryError): void => {
      clearTimeout(deadline)
      reject(error)
      request.destroy()
    }
    const deadline = setTimeout(
      () => fail(new DiscoveryError('timeout', `No whole answer within ${TIMEOUT_MS} ms`)),
      TIMEOUT_MS,
    )
    const broken = (error: Error) =>
      fail(
        error instanceof DiscoveryError
          ? error
          : new DiscoveryError('unreachable', networkText(error), error),
      )
    request.on('error', broken)
    request.on('response', (response) => {
      const { statusCode = 0, headers } = response
      if (statusCode >= 300 && statusCode < 400)
        return fail(new DiscoveryError('redirect', `Answered with a redirect (${statusCode})`))
      if (statusCode !== 200)
        return fail(new DiscoveryError('http_status', `Answered with status ${statusCode}`))
      readBody(response, fail, broken, (body) => {
        clearTimeout(deadline)
        resolve({ body, headers })
      })
    })
    request.end()
  })

const readBody = (
  response: IncomingMessage,
  fail: (error: DiscoveryError) => void,
  broken: (error: Error) => void,
  done: (body: string) => void,
): void => {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_BYTES) fail(new DiscoveryError('too_large', `More than ${MAX_BYTES} bytes`))
    else chunks.push(chunk)
  })
  response.on('error', broken)
  response.on('end', () => done(Buffer.concat(chunks).toString('utf8')))
}
