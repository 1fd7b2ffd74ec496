import { type ConnectorEvent } from '../..'

type Value = ConnectorEvent['value']

/** Finds what a path such as `tags.base` names in a value; undefined where there is nothing. */
export const fieldAt = (value: Value, path: string): Value | undefined => {
  let found: Value | undefined = value
  for (const step of path.split('.')) {
    const isRecord = typeof found === 'object' && found !== null && !Array.isArray(found)
    if (!isRecord || found instanceof Uint8Array || !Object.hasOwn(found as object, step)) return undefined
    found = (found as Record<string, Value>)[step]
  }
  return found
}
