import { randomBytes, type KeyObject } from 'node:crypto'
import { type VersiaVersion } from './reasons'
import {
  isSignature,
  isSignedByOne,
  isUnixSeconds,
  isWithinWindow,
  signText,
  stringToSign,
} from './signature'

/** Names of the three headers, in their order: signature, signer, time or nonce. */
const HEADERS = {
  '0.6': ['Versia-Signature', 'Versia-Signed-By', 'Versia-Signed-At'],
  '0.5': ['Versia-Signature', 'Versia-Signed-By', 'Versia-Signed-At'],
  '0.4': ['X-Signature', 'X-Signed-By', 'X-Nonce'],
} as const

/** Who signs, by which rules. */
export interface Identity {
  version: VersiaVersion
  signedBy: string
}

/** The third part of the signed text: the time in seconds, or in version 0.4 the nonce in its place. */
export const signedAtNow = (version: VersiaVersion, now: number): string =>
  version === '0.4' ? randomBytes(32).toString('hex') : String(Math.floor(now / 1_000))

/** The headers that sign an HTTP request, or the response to one (versia-websocket 3). */
export const signHttp = (
  { version, signedBy }: Identity,
  { method, path, body = '' }: { method: string; path: string; body?: string },
  now: number,
  key: KeyObject,
): Record<string, string> => {
  const [signature, signer, time] = HEADERS[version]
  const signedAt = signedAtNow(version, now)
  return {
    [signature]: signText(stringToSign({ method, path, signedAt, body }), key),
    [signer]: signedBy,
    [time]: signedAt,
  }
}

export type HttpDistrust = 'malformed' | 'unknown_signer' | 'stale' | 'bad_signature'

/**
 * Who signed an HTTP request, or the response to one.
 *
 * @param headers - with names in lower case
 * @param request - `method` and `path` of the request; `body` of what is signed
 * @param now - our clock, in Unix ms
 */
export const verifyHttp = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
  request: { method: string; path: string; body?: string },
  of: { version: VersiaVersion; keysOf: (signedBy: string) => readonly KeyObject[] | undefined; now: number },
): { signedBy: string } | HttpDistrust => {
  const [signature, signedBy, signedAt] = HEADERS[of.version].map((name) => headers[name.toLowerCase()])
  if (!isSignature(signature) || typeof signedBy !== 'string' || typeof signedAt !== 'string')
    return 'malformed'
  if (of.version !== '0.4' && !isUnixSeconds(signedAt)) return 'malformed'
  const keys = of.keysOf(signedBy)
  if (keys === undefined) return 'unknown_signer'
  if (of.version !== '0.4' && !isWithinWindow(signedAt, of.now)) return 'stale'
  const text = stringToSign({ body: '', ...request, signedAt })
  return isSignedByOne(text, signature, keys) ? { signedBy } : 'bad_signature'
}
