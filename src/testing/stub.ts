/**
 * Properties that may be missing in a stub: test frameworks and promises read them of every object. Tests may add others to the list.
 */
export const allowedUndefinedStubProps: string[] = [
  '$$typeof',
  'nodeType',
  'tagName',
  'hasAttribute',
  '@@__IMMUTABLE_ITERABLE__@@',
  '@@__IMMUTABLE_RECORD__@@',
  'toJSON',
  'asymmetricMatch',
  'then',
  'FEED_ID_JSON',
  'GUARD_POLICY',
  'FEED_LIMITS',
  'feedLimits',
  'feedRooms',
  'FRESHNESS_MAX_AGE',
  'FRESHNESS_HARD_MAX_AGE',
]

/**
 * Makes an object strict: reading a property that it lacks, at any depth, throws and prints the path, so that code under test cannot use
 * undefined as if it were a value.
 *
 * @param name - how the object is called in messages
 */
export const makeStub = <T>(name: string, obj: T): T => {
  if (typeof obj !== 'object' || obj === null) return obj
  return new Proxy(obj, {
    get: (target, key, receiver) => {
      const value: unknown = Reflect.get(target, key, receiver)
      if (typeof key === 'symbol') return value
      const path = `${name}.${key}`
      if (value !== undefined || Reflect.has(target, key) || allowedUndefinedStubProps.includes(key))
        return isFixed(target, key) ? value : makeStub(path, value)
      const message = `Property '${path}' does not exist`
      // It is printed too, because code under test may catch the error.
      // eslint-disable-next-line no-console -- this is for whoever runs the test
      console.error(message)
      throw new Error(message)
    },
  })
}

/** Whether a property is frozen. A proxy must return the very value of such a property, or JavaScript throws. */
const isFixed = (target: object, key: string): boolean => {
  const property = Reflect.getOwnPropertyDescriptor(target, key)
  return property?.configurable === false && property.writable === false
}
