import { decimalText, nearestDouble } from '../../src/util/decimal'
import { zonedTimeReader } from '../../src/util/rfc3339'

const MAX_CHARACTERS = 100

const isDecimal = decimalText({
  sign: '+-',
  leadingZeros: true,
  point: 'anywhere',
  exponentDigits: 3,
  maxCharacters: MAX_CHARACTERS,
})

/**
 * A finite number from a JSON number or from decimal text; undefined for everything else. Nothing is coerced, and text becomes the
 * nearest double in one step, however many digits it has. What is too small for a double is refused rather than taken for zero.
 */
export const toNumber = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return isDecimal(value) ? nearestDouble(value, 'refused') : undefined
}

/** Unix ms from ISO 8601 text with a zone; undefined for everything else. */
export const toUnixMs = zonedTimeReader({ dateFirst: true, maxCharacters: MAX_CHARACTERS })
