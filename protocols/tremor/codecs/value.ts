import { CodecError } from './errors'

/**
 * What a codec decodes to.
 *
 * - integers are `number` while they are safe (within ±(2^53 - 1)) and `bigint` beyond (-2^63 .. 2^64 - 1): no
 *   integer is ever rounded
 * - doubles are `number` and finite: what is not finite fails the decode or the encode
 * - bytes are a `Buffer`
 * - records have no prototype, so that `__proto__` is a key like any other; keys that look like array indices come
 *   first, as in every JavaScript object, all others keep their order
 *
 * A decoded whole double (`42.0`) and an integer (`42`) are the same number. Formats that tell them apart write a
 * whole number as an integer, unless it is wrapped in {@link Double}.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | ValueRecord

export interface ValueRecord {
  [key: string]: Value
}

/** What a codec can encode: every decoded value, and {@link Double} for whole numbers that are doubles. */
export type Writable =
  null | boolean | number | bigint | string | Uint8Array | Double | readonly Writable[] | WritableRecord

export interface WritableRecord {
  readonly [key: string]: Writable
}

/** A number to be written as a double even if it is whole: `new Double(82)` is `82.0` in `influx`, 82 is `82i`. */
export class Double {
  constructor(readonly value: number) {}
}

/** A record without entries and without prototype. */
export const emptyRecord = (): ValueRecord => Object.create(null) as ValueRecord

export const isRecord = (value: unknown): value is WritableRecord =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof Double)

/** An entry of a record; what the prototype of a foreign object has does not count. */
export const field = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

export const minInt64 = -(2n ** 63n)
export const maxInt64 = 2n ** 63n - 1n
export const maxUint64 = 2n ** 64n - 1n

/** A 64-bit integer in the model above. */
export const integer = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

/** Whether an integer fits 64 bits, signed or unsigned. */
export const fitsInt64 = (value: bigint): boolean => value >= minInt64 && value <= maxUint64

/** A number as formats that tell integers and doubles apart have to write it. */
export type Numeric = { kind: 'integer'; value: number | bigint } | { kind: 'double'; value: number }

/**
 * @returns undefined for what is no number
 * @throws CodecError for a number that is not finite, or an integer beyond 64 bits
 */
export function numeric(value: Writable | undefined): Numeric | undefined {
  if (value instanceof Double) return { kind: 'double', value: finite(value.value) }
  if (typeof value === 'number') {
    // The integer zero has no sign.
    const isInteger = Number.isSafeInteger(value) && !Object.is(value, -0)
    return { kind: isInteger ? 'integer' : 'double', value: finite(value) }
  }
  if (typeof value !== 'bigint') return undefined
  if (!fitsInt64(value)) throw new CodecError('an integer is beyond 64 bits')
  return { kind: 'integer', value }
}

/** A whole number from 0 to 2^64 - 1, or undefined for everything else. */
export function unsigned(value: Writable | undefined): bigint | undefined {
  const number = numeric(value)
  return number?.kind === 'integer' && number.value >= 0 ? BigInt(number.value) : undefined
}

/** A double in the model above; NaN and infinities fail. */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new CodecError('a number is not finite')
  return value
}
