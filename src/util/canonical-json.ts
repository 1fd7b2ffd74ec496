import { bareRecord, isObject } from './objects'

const canonical = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toLowerCase()
  if (Array.isArray(value)) return value.map(canonical)
  if (!isObject(value)) return value
  const sorted = bareRecord<unknown>()
  for (const name of Object.keys(value).sort()) sorted[name] = canonical(value[name])
  return sorted
}

/** JSON in one spelling: members sorted at every level, string values in lower case, undefined members dropped. */
export const canonicalJson = (value: object): string => JSON.stringify(canonical(value))
