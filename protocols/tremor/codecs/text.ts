import { isUtf8 } from 'node:buffer'
import { decimalText, nearestDouble } from '../../../src/util/decimal'
import { CodecError } from './errors'

/** @throws CodecError where the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new CodecError('text is not UTF-8')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** @throws CodecError where the text has half a character (a lone surrogate), which UTF-8 cannot write */
export function encodeUtf8(text: string): Buffer {
  if (/\p{Surrogate}/u.test(text)) throw new CodecError('text has half a character')
  return Buffer.from(text)
}

/** Order by UTF-8 bytes; that of JavaScript differs for characters above U+FFFF. */
export const byUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** A double that every format reads as one: a whole one gets `.0`, also before its exponent. */
export function formatDouble(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value)
  return text.includes('.') ? text : text.replace(/(?=e|$)/, '.0')
}

/** More digits than any integer here can have. */
const mostDigits = 40

const isDouble = decimalText({ sign: '+-', leadingZeros: true, point: 'anywhere', exponentDigits: Infinity })
const isInteger = decimalText({ sign: '+-', leadingZeros: true, point: 'nowhere', maxDigits: mostDigits })
const isUnsigned = decimalText({ leadingZeros: true, point: 'nowhere', maxDigits: mostDigits })

/** @returns undefined where the text is not a number, or is too large for a double. A number that is too small is 0 */
export const parseDouble = (text: string): number | undefined =>
  isDouble(text) ? nearestDouble(text, 'zero') : undefined

/** @returns undefined where the text is not an integer, or has absurdly many digits */
export const parseInteger = (text: string): bigint | undefined =>
  isInteger(text) ? BigInt(text.replace(/^\+/, '')) : undefined

/** The same for an integer without a sign. */
export const parseUnsigned = (text: string): bigint | undefined =>
  isUnsigned(text) ? BigInt(text) : undefined
