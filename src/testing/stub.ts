/**
 * Properties that a stub lacks without complaint: test frameworks and promises ask every object for them. Tests add to the list what they
 * allow beside them.
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
]

/**
 * The object, made strict: to read a property that it lacks, at any depth, throws and prints the path, so that code under test cannot take
 * an undefined for a value.
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
      // Code under test may swallow the error.
      // eslint-disable-next-line no-console -- this is for whoever runs the test
      console.error(message)
      throw new Error(message)
    },
  })
}

/** A frozen property has to be given as it is: JavaScript forbids a proxy to show anything else. */
const isFixed = (target: object, key: string): boolean => {
  const property = Reflect.getOwnPropertyDescriptor(target, key)
  return property?.configurable === false && property.writable === false
}
