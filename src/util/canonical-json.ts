import { bareRecord, isObject } from './objects'

/** @param isCaseSensitive - nothing is given up for the reference's sake: what differs stays different */
const canonical = (value: unknown, isCaseSensitive: boolean): unknown => {
  if (typeof value === 'string') return isCaseSensitive ? value : value.toLowerCase()
  // JSON has null for all of these, and would make one of two.
  if (isCaseSensitive && typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Array.isArray(value)) return value.map((element) => canonical(element, isCaseSensitive))
  if (!isObject(value)) return value
  const sorted = bareRecord<unknown>()
  for (const name of Object.keys(value).sort()) sorted[name] = canonical(value[name], isCaseSensitive)
  return sorted
}

/**
 * JSON in one spelling: members sorted at every level, undefined members dropped, and string values in lower case unless letter case
 * counts.
 */
export const canonicalJson = (value: object, isCaseSensitive = false): string =>
  JSON.stringify(canonical(value, isCaseSensitive))
