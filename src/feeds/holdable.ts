/** Deeper than any data there is; what goes on longer may be a cycle. */
const MAX_LOOK_DEPTH = 8

/**
 * Whether a value is made of what JSON takes as it is, found by looking: lists, plain objects, texts and numbers. What is something else
 * (an object of an author's class, something with a `toJSON`) may be fine, too; JSON alone knows.
 */
const isPlainJson = (value: unknown, depth: number): boolean => {
  const type = typeof value
  if (type === 'number' || type === 'string' || type === 'boolean' || type === 'undefined') return true
  if (typeof value !== 'object') return false
  return value === null || (depth < MAX_LOOK_DEPTH && isPlainObject(value, depth))
}

const isPlainObject = (value: object, depth: number): boolean => {
  if ('toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    for (const name in value) if (!isPlainJson(Reflect.get(value, name), depth + 1)) return false
    return true
  }
  if (!Array.isArray(value) || prototype !== Array.prototype) return false
  for (const item of value) if (!isPlainJson(item, depth + 1)) return false
  return true
}

/** Whether it can be seen at a glance that JSON can hold a value; costs next to nothing for flat data. May throw what a getter throws. */
export const isPlainlyHoldable = (value: unknown): boolean => isPlainJson(value, 0)
