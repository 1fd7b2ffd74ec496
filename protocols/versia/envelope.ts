import { ExcessiveJson, parseStrictJson } from './json-rules'
import { type VersiaVersion } from './reasons'
import { isSignature, isUnixSeconds } from './signature'
import { isSignedBy } from './signed-by'

/** The largest frame that is read, in bytes. */
export const MAX_FRAME_BYTES = 256 * 1024

const NONCE = /^[\x21-\x7e]{1,256}$/
const LONE_SURROGATE = /\p{Surrogate}/u

/** One message: the four fields, checked for their form and for nothing else. */
export interface Envelope {
  signature: string
  signedBy: string
  /** Unix seconds in decimal; in version 0.4 the nonce, which is not a time. */
  signedAt: string
  /** JSON text, as it was received. */
  entity: string
}

/** Step 1 of the checks (versia-websocket 8). Never throws. */
export const readEnvelope = (
  data: Buffer,
  isBinary: boolean,
  version: VersiaVersion,
): Envelope | 'excessive' | 'malformed' | 'legacy_version' => {
  if (isBinary || data.length > MAX_FRAME_BYTES) return 'malformed'
  const fields = parseObject(data.toString('utf8'))
  if (typeof fields === 'string') return fields
  const { signature, signed_by: signedBy, signed_at: time, nonce, entity } = fields
  if (version !== '0.4' && time === undefined && nonce !== undefined) return 'legacy_version'
  const signedAt = version === '0.4' ? nonce : time
  if (!isSignature(signature) || typeof signedAt !== 'string') return 'malformed'
  if (version === '0.4' ? !NONCE.test(signedAt) : !isUnixSeconds(signedAt)) return 'malformed'
  if (typeof signedBy !== 'string' || !isSignedBy(signedBy, version)) return 'malformed'
  // Half a surrogate pair cannot be written in UTF-8. The bytes would be those of another text, with the same hash.
  if (typeof entity !== 'string' || LONE_SURROGATE.test(entity)) return 'malformed'
  return { signature, signedBy, signedAt, entity }
}

/** An envelope as it goes over the wire. */
export const writeEnvelope = (
  { signature, signedBy, signedAt, entity }: Envelope,
  version: VersiaVersion,
): string => {
  const time = version === '0.4' ? { nonce: signedAt } : { signed_at: signedAt }
  return JSON.stringify({ signature, ...time, signed_by: signedBy, entity })
}

const parseObject = (text: string): Record<string, unknown> | 'excessive' | 'malformed' => {
  try {
    const value = parseStrictJson(text, 'duplicates')
    return isPlainObject(value) ? value : 'malformed'
  } catch (error) {
    return error instanceof ExcessiveJson ? 'excessive' : 'malformed'
  }
}

export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
