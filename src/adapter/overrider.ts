import { getCanonicalAdapterName } from '../util/adapter-name'
import { isObject, memberOf } from '../util/objects'

const ownValue = (of: unknown, name: string): unknown =>
  isObject(of) && Object.hasOwn(of, name) ? of[name] : undefined

/** The overrides in a request for an adapter. The adapter's name may be spelt in any of its forms. */
export const overridesFor = (overrides: unknown, adapterName: string): unknown => {
  if (typeof overrides !== 'object' || overrides === null) return undefined
  const wanted = getCanonicalAdapterName(adapterName)
  for (const name of Object.keys(overrides))
    if (getCanonicalAdapterName(name) === wanted) return ownValue(overrides, name)
  return undefined
}

/** The overrides of a request that count: those for the adapter that it names instead, or else for the adapter itself (contract 4.4). */
export const overridesChosen = (given: unknown, data: object, adapterName: string): unknown => {
  const as = memberOf(data, 'adapterNameOverride')
  return (typeof as === 'string' ? overridesFor(given, as) : undefined) ?? overridesFor(given, adapterName)
}

/**
 * Replaces `data.base` where the request or the endpoint says so (contract 4.4). The replacement is not replaced again, letter case
 * matters, and the request's own overrides come first.
 */
export const overrideSymbol = (
  data: unknown,
  body: unknown,
  adapterName: string,
  hardcoded: Record<string, string> | undefined,
): void => {
  if (!isObject(data)) return
  const base = data['base']
  if (typeof base !== 'string') return
  const given = memberOf(memberOf(body, 'data'), 'overrides')
  const own = overridesChosen(given, data, adapterName)
  const replacement = ownValue(own, base) ?? ownValue(hardcoded, base)
  if (typeof replacement === 'string' && replacement !== '') data['base'] = replacement
}
