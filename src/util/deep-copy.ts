const copyOf = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  // `fromEntries` makes an ordinary member of the name `__proto__`; an assignment would set the prototype.
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)]))
}

/**
 * A deep copy of lists and plain objects. Everything else (dates, instances of an author's class) is shared and not copied: it may have a
 * `toJSON` of its own, which a copy would lose.
 */
export const deepCopy = <T>(value: T): T => copyOf(value) as T
