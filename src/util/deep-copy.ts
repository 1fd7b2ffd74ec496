const copyOf = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  // Unlike assignment, `fromEntries` makes a member of `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)]))
}

/**
 * A copy of lists and plain objects, however deep. Everything else (dates, numbers of an author's own class) is what it was: it may know how
 * to become JSON, and would forget.
 */
export const deepCopy = <T>(value: T): T => copyOf(value) as T
