const DECIMAL = /^[+-]?(\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/
const MAX_CHARACTERS = 100

/**
 * A finite number from a JSON number or from decimal text; undefined for everything else. Nothing is coerced, and text becomes the
 * nearest double in one step, however many digits it has. What is too small for a double is refused rather than taken for zero.
 */
export const toNumber = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.length > MAX_CHARACTERS) return undefined
  const mantissa = DECIMAL.exec(value)?.[1]
  if (mantissa === undefined) return undefined
  const number = Number(value)
  const hasVanished = number === 0 && /[1-9]/.test(mantissa)
  return Number.isFinite(number) && !hasVanished ? number : undefined
}

/** Without a zone, `Date.parse` would take a text for local time. */
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}T.+(?:Z|[+-]\d{2}:?\d{2})$/

/** Unix ms from ISO 8601 text with a zone; undefined for everything else. */
export const toUnixMs = (value: unknown): number | undefined => {
  if (typeof value !== 'string' || value.length > MAX_CHARACTERS || !WITH_ZONE.test(value)) return undefined
  const unixMs = Date.parse(value)
  return Number.isFinite(unixMs) ? unixMs : undefined
}
