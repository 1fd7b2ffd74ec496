/** Anything with members; their types are still to be found out. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** A member of what may be no object at all. */
export const memberOf = (of: unknown, name: string): unknown => (isObject(of) ? of[name] : undefined)

/** An object without a prototype: a client's word for a key, such as `constructor`, finds nothing in it. */
export const bareRecord = <V>(): Record<string, V> => Object.create(null) as Record<string, V>

/** A copy without the members that are undefined. */
export const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T

/** What an error says. Known by its member: errors of another realm, as under jest, are no `Error` of this one. */
export const messageOf = (error: unknown): string => {
  const message = memberOf(error, 'message')
  return typeof message === 'string' ? message : String(error)
}

/** What is at the bottom of an error: what its cause says, if it has one, else what it says itself. */
export const rootMessageOf = (error: unknown): string => {
  const cause = memberOf(error, 'cause')
  return cause instanceof Error ? cause.message : messageOf(error)
}

/** What was thrown, as an error: JavaScript throws anything. */
export const errorOf = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))
