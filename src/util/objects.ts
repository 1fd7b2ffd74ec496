/** Whether a value is an object; the types of its members are not known yet. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** A member of a value; undefined when the value is not an object. */
export const memberOf = (of: unknown, name: string): unknown => (isObject(of) ? of[name] : undefined)

/** An object without a prototype, so that a key which a client chose, such as `constructor`, finds nothing inherited. */
export const bareRecord = <V>(): Record<string, V> => Object.create(null) as Record<string, V>

/** A copy without the members that are undefined. */
export const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T

/** The message of an error. Only the member is looked at: errors of another realm, as under jest, are not instances of our `Error`. */
export const messageOf = (error: unknown): string => {
  const message = memberOf(error, 'message')
  return typeof message === 'string' ? message : String(error)
}

/** The message of an error's cause, if that is an error; else its own message. */
export const rootMessageOf = (error: unknown): string => {
  const cause = memberOf(error, 'cause')
  return cause instanceof Error ? cause.message : messageOf(error)
}

/** The thrown value as an error: JavaScript code may throw anything. */
export const errorOf = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))
