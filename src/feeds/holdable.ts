import { isObject } from '../util/objects'

/** Deeper than any data there is; what goes on longer may be a cycle. */
const MAX_LOOK_DEPTH = 8

/** What JSON takes as it is, or leaves out, without looking into it. A `toJSON` is a function, which may say anything. */
const isSimple = (value: unknown): boolean => typeof value === 'number' || typeof value === 'string'

/**
 * Whether a value is made of what JSON takes as it is, found by looking: lists, plain objects, texts and numbers. What is something else
 * (an object of an author's class, something with a `toJSON`) may be fine, too; JSON alone knows. Costs next to nothing for flat data.
 *
 * @throws what a getter throws
 */
export const isPlainlyHoldable = (value: unknown, depth = 0): boolean => {
  if (!isObject(value)) return typeof value !== 'bigint' && typeof value !== 'function'
  if (depth >= MAX_LOOK_DEPTH) return false
  if (Array.isArray(value)) return isPlainList(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value) {
    const member = value[name]
    if (!isSimple(member) && !isPlainlyHoldable(member, depth + 1)) return false
  }
  return true
}

const isPlainList = (list: readonly unknown[], depth: number): boolean => {
  if (Object.getPrototypeOf(list) !== Array.prototype || 'toJSON' in list) return false
  for (const item of list) if (!isSimple(item) && !isPlainlyHoldable(item, depth + 1)) return false
  return true
}
