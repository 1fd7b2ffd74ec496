import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { decimalText } from '../../src/util/decimal'

/** 64 bytes in standard base64. `Buffer.from` alone would also accept base64url, blanks and other characters. */
const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/

/** A time of signing that differs from ours by more than this is refused; exactly this is good. */
export const WINDOW_MS = 300_000

/** Unix seconds in decimal. Milliseconds have this form too, and are then far in the future. */
export const isUnixSeconds = decimalText({ point: 'nowhere', maxDigits: 15 })

/** @param now - our clock, in Unix ms */
export const isWithinWindow = (signedAt: string, now: number): boolean =>
  Math.abs(now - Number(signedAt) * 1_000) <= WINDOW_MS

export const isSignature = (text: unknown): text is string => typeof text === 'string' && SIGNATURE.test(text)

/** What a signature stands for (versia-websocket 2). */
export interface SignedParts {
  /** Of the HTTP request; written in lower case. A message counts as a `post`. */
  method: string
  /** As it stands on the wire, without host and query. */
  path: string
  /** Unix seconds in decimal; the nonce in version 0.4. */
  signedAt: string
  /** Hashed as it is, never written anew. Empty for a GET. */
  body: string
}

/** The hash is over the UTF-8 bytes. */
export const stringToSign = ({ method, path, signedAt, body }: SignedParts): string =>
  `${method.toLowerCase()} ${path} ${signedAt} ${createHash('sha256').update(body, 'utf8').digest('base64')}`

export const signText = (text: string, key: KeyObject): string =>
  sign(null, Buffer.from(text, 'utf8'), key).toString('base64')

/** Whether one of the keys made the signature; two are there while a signer changes from one to the other. */
export const isSignedByOne = (text: string, signature: string, keys: readonly KeyObject[]): boolean => {
  const data = Buffer.from(text, 'utf8')
  const bytes = Buffer.from(signature, 'base64')
  return keys.some((key) => verify(null, data, key, bytes))
}
