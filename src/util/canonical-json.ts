type Members = Record<string, unknown>

const canonical = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toLowerCase()
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const members = value as Members
  const sorted = Object.create(null) as Members
  for (const name of Object.keys(members).sort()) sorted[name] = canonical(members[name])
  return sorted
}

/** JSON in one spelling: members sorted at every level, string values in lower case, undefined members dropped. */
export const canonicalJson = (value: object): string => JSON.stringify(canonical(value))
