/**
 * Versia's signatures once more, with another implementation of Ed25519 and of SHA-256, and without a line of the transport's: what both
 * agree on is not a mistake of one of them.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export const secondHash = (body: string): string => base64(sha256(new TextEncoder().encode(body)))

export const secondSign = (text: string, seedHex: string): string =>
  base64(ed25519.sign(new TextEncoder().encode(text), Buffer.from(seedHex, 'hex')))

export const secondVerify = (text: string, signature: string, rawKeyHex: string): boolean => {
  try {
    const bytes = Buffer.from(signature, 'base64')
    return ed25519.verify(bytes, new TextEncoder().encode(text), Buffer.from(rawKeyHex, 'hex'))
  } catch {
    return false
  }
}

export interface Draft {
  seedHex: string
  signedBy: string
  path?: string
  signedAt?: string
  entity: string
}

/** A frame, signed by this implementation. */
export const secondMessage = ({
  seedHex,
  signedBy,
  path = '/.versia/v0.6/inbox',
  signedAt = String(Math.floor(Date.now() / 1000)),
  entity,
}: Draft): string => {
  const signature = secondSign(`post ${path} ${signedAt} ${secondHash(entity)}`, seedHex)
  return JSON.stringify({ signature, signed_at: signedAt, signed_by: signedBy, entity })
}
