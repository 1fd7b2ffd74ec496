import { isObject } from './objects'

/** Depth from which visited objects are remembered: plain responses are flatter and need no bookkeeping. */
const TRACKED_DEPTH = 3

/** Members of an error that are not enumerable. */
const ERROR_FIELDS = ['name', 'message', 'stack', 'cause', 'errors']

const hasNoStrings = (value: object): boolean => ArrayBuffer.isView(value) || value instanceof Date

/** What JSON makes of an object that has a `toJSON`. Errors are copied field by field instead, so that they stay errors. */
const jsonOf = (value: Record<string, unknown>): unknown => {
  const { toJSON } = value
  return typeof toJSON === 'function' && !(value instanceof Error) ? Reflect.apply(toJSON, value, []) : value
}

/** Whether any string in the value, key or content, at any depth, passes the test. */
export const someString = (value: unknown, test: (text: string) => boolean): boolean => {
  let seen: Set<object> | undefined
  const search = (part: unknown, depth: number): boolean => {
    if (typeof part === 'string') return test(part)
    if (!isObject(part) || hasNoStrings(part)) return false
    if (depth >= TRACKED_DEPTH) {
      seen ??= new Set()
      if (seen.has(part)) return false
      seen.add(part)
    }
    const shown = jsonOf(part)
    if (shown !== part) return search(shown, depth + 1)
    if (Array.isArray(part)) {
      for (const item of part) if (search(item, depth + 1)) return true
      return false
    }
    if (part instanceof Error) {
      for (const field of ERROR_FIELDS) if (search(part[field], depth + 1)) return true
    }
    for (const key in part) {
      if ((test(key) || search(part[key], depth + 1)) && Object.hasOwn(part, key)) return true
    }
    return false
  }
  return search(value, 0)
}

/**
 * A deep copy with every string, key or content, rewritten. Copies keep their prototype, so that an error stays an
 * error of its class, and circular references stay circular.
 */
export const rewriteStrings = (value: unknown, rewrite: (text: string) => string): unknown => {
  const copies = new Map<object, unknown>()
  const copy = (part: unknown): unknown => {
    if (typeof part === 'string') return rewrite(part)
    if (!isObject(part) || hasNoStrings(part)) return part
    if (copies.has(part)) return copies.get(part)
    const shown = jsonOf(part)
    if (shown !== part) return copy(shown)
    const target = (Array.isArray(part) ? [] : Object.create(Reflect.getPrototypeOf(part))) as object
    copies.set(part, target)
    const put = (key: string, enumerable: boolean): void => {
      const written = Array.isArray(part) ? key : rewrite(key)
      const content = copy(part[key])
      Object.defineProperty(target, written, {
        value: content,
        enumerable,
        writable: true,
        configurable: true,
      })
    }
    if (part instanceof Error) {
      for (const field of ERROR_FIELDS) if (field in part && !Object.hasOwn(target, field)) put(field, false)
    }
    for (const key of Object.keys(part)) put(key, true)
    return target
  }
  return copy(value)
}
