import { formatDouble, parseDouble, parseInteger } from '../text'
import { fitsInt64, integer, type Numeric } from '../value'

/**
 * A number as `statsd` and `graphite-plaintext` have it: with a point it is a double, and only then may it have an
 * exponent; without one it is a 64-bit integer.
 *
 * @returns undefined where the text is no such number
 */
export function parseDecimal(text: string): number | bigint | undefined {
  if (text.includes('.')) return parseDouble(text)
  const value = parseInteger(text)
  return value !== undefined && fitsInt64(value) ? integer(value) : undefined
}

export const formatDecimal = (number: Numeric): string =>
  number.kind === 'integer' ? String(number.value) : formatDouble(number.value)
