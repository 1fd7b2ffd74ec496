import { isUtf8 } from 'node:buffer'
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

const double = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

/** @returns undefined where the text is no number, or one too large for a double */
export function parseDouble(text: string): number | undefined {
  const value = double.test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : undefined
}

/** @returns undefined where the text is no integer, or one of absurdly many digits */
export const parseInteger = (text: string): bigint | undefined =>
  /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined
