import type { secp256k1 } from '@noble/curves/secp256k1'
import type { keccak_256 } from '@noble/hashes/sha3'

/* eslint-disable @typescript-eslint/no-require-imports -- loaded with the first key or signature, by rooms alone */
const curve = () => (require('@noble/curves/secp256k1') as { secp256k1: typeof secp256k1 }).secp256k1
const keccak256 = (bytes: Uint8Array): Uint8Array =>
  (require('@noble/hashes/sha3') as { keccak_256: typeof keccak_256 }).keccak_256(bytes)
/* eslint-enable @typescript-eslint/no-require-imports */

/** An account's address in either case, unchecked beyond its form. */
export const ADDRESS = /^0x[0-9a-f]{40}$/i

const PRIVATE_KEY = /^0x[0-9a-f]{64}$/i
// v is 27 or 28; 0 and 1 are read as well.
const SIGNATURE = /^0x([0-9a-fA-F]{128})(00|01|1b|1c|1B|1C)$/

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.replace(/^0x/, ''), 'hex')
const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

const addressOfPublicKey = (uncompressed: Uint8Array): string =>
  hexOf(keccak256(uncompressed.subarray(1)).subarray(-20))

/** EIP-191: what `personal_sign` signs. The length in the prefix counts bytes. */
export const personalMessage = (message: string): Uint8Array => {
  const bytes = Buffer.from(message, 'utf8')
  return Buffer.concat([Buffer.from(`\u0019Ethereum Signed Message:\n${bytes.length}`, 'utf8'), bytes])
}

export const personalHash = (message: string): Uint8Array => keccak256(personalMessage(message))

/** Whether a text is a private key: `0x` and 64 hex digits whose number is on the curve. */
export const isPrivateKey = (text: string): boolean =>
  PRIVATE_KEY.test(text) && curve().utils.isValidSecretKey(bytesOf(text))

export const newPrivateKey = (): string => hexOf(curve().utils.randomSecretKey())

/** In lower case. */
export const addressOf = (privateKey: string): string =>
  addressOfPublicKey(curve().getPublicKey(bytesOf(privateKey), false))

/** `0x`, r, s, v in hex: deterministic (RFC 6979), low s, v 27 or 28. */
export const sign = (message: string, privateKey: string): string => {
  const signature = curve().sign(personalHash(message), bytesOf(privateKey))
  return `0x${signature.toCompactHex()}${(27 + signature.recovery).toString(16)}`
}

/** Whether a text has the form of a signature. Whether any key made it is not checked. */
export const isSignature = (text: unknown): text is string => typeof text === 'string' && SIGNATURE.test(text)

/** The address that signed, in lower case; undefined when the numbers are not a signature. Takes about 2 ms. */
export const signerOf = (message: string, signature: string): string | undefined => {
  const [, compact = '', v = ''] = SIGNATURE.exec(signature) ?? []
  try {
    const { Signature } = curve()
    const point = Signature.fromCompact(compact)
      .addRecoveryBit(Number.parseInt(v, 16) % 27)
      .recoverPublicKey(personalHash(message))
    return addressOfPublicKey(point.toBytes(false))
  } catch {
    return undefined
  }
}
