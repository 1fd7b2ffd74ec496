import type { Codec } from '../codec'
import type { CodecLimits } from '../limits'
import { decodeUtf8, encodeUtf8 } from '../text'
import type { Writable } from '../value'
import { writeJson } from './json-text'

const asJson = (value: Writable, limits: CodecLimits): Buffer =>
  Buffer.from(writeJson(value, { isSorted: false, bytesAs: 'list' }, limits))

/** `string`: UTF-8 text as it is; what is no text is written as JSON. */
export const string = (_config: unknown, limits: CodecLimits): Codec => ({
  decode: (chunk) => ({ value: decodeUtf8(chunk) }),
  encode: (value) => (typeof value === 'string' ? encodeUtf8(value) : asJson(value, limits)),
})

/** `binary`: bytes as they are; what is neither text nor bytes is written as JSON. */
export const binary = (_config: unknown, limits: CodecLimits): Codec => ({
  decode: (chunk) => ({ value: chunk }),
  encode(value) {
    if (value instanceof Uint8Array) return Buffer.from(value)
    return typeof value === 'string' ? encodeUtf8(value) : asJson(value, limits)
  },
})

/** `null`: everything decodes to null and is written as nothing. */
export const nothing = (): Codec => ({
  decode: () => ({ value: null }),
  encode: () => Buffer.alloc(0),
})
