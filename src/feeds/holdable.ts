import { isObject } from '../util/objects'

/** Real data is never this deep; deeper data may be a cycle. */
const MAX_LOOK_DEPTH = 8

/** Numbers and texts need no further look: nearly all members are one of them. */
const isSimple = (value: unknown): boolean => typeof value === 'number' || typeof value === 'string'

/**
 * Whether a value has only lists, plain objects, texts, numbers and the like, so that it can surely be written as JSON. False for anything
 * else, such as an object of an author's class or one with `toJSON`: it may be fine, too, but only writing it tells. Very cheap for flat
 * data.
 *
 * @throws whatever a getter of the value throws
 */
export const isPlainlyHoldable = (value: unknown): boolean => isFlat(value) || isDeeplyHoldable(value, 0)

/** Nearly all data is so. Apart from the rest because it is small enough to become a part of what calls it. */
const isFlat = (value: unknown): boolean => {
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const name in value) if (!isSimple(value[name])) return false
  return true
}

const isDeeplyHoldable = (value: unknown, depth: number): boolean => {
  if (!isObject(value)) return typeof value !== 'bigint' && typeof value !== 'function'
  if (depth >= MAX_LOOK_DEPTH) return false
  if (Array.isArray(value)) return isPlainList(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value) {
    const member = value[name]
    if (!isSimple(member) && !isDeeplyHoldable(member, depth + 1)) return false
  }
  return true
}

const isPlainList = (list: readonly unknown[], depth: number): boolean => {
  if (Object.getPrototypeOf(list) !== Array.prototype || 'toJSON' in list) return false
  for (const item of list) if (!isSimple(item) && !isDeeplyHoldable(item, depth + 1)) return false
  return true
}
