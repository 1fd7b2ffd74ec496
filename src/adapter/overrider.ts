import { getCanonicalAdapterName } from '../util/adapter-name'

type Body = { data?: { overrides?: unknown } } | undefined

const ownValue = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null && Object.hasOwn(of, name)
    ? (of as Record<string, unknown>)[name]
    : undefined

/** The overrides that a request carries for an adapter, whatever the spelling of the adapter's name. */
export const overridesFor = (overrides: unknown, adapterName: string): unknown => {
  if (typeof overrides !== 'object' || overrides === null) return undefined
  const wanted = getCanonicalAdapterName(adapterName)
  for (const name of Object.keys(overrides))
    if (getCanonicalAdapterName(name) === wanted) return ownValue(overrides, name)
  return undefined
}

/**
 * Replaces `data.base` where the request or the endpoint says so (contract 4.4): at most once, case-sensitively, the request's own
 * overrides first.
 */
export const overrideSymbol = (
  data: Record<string, unknown>,
  body: unknown,
  adapterName: string,
  hardcoded: Record<string, string> | undefined,
): void => {
  const base = data['base']
  if (typeof base !== 'string') return
  const given = (body as Body)?.data?.overrides
  const as = data['adapterNameOverride']
  const own =
    (typeof as === 'string' ? overridesFor(given, as) : undefined) ?? overridesFor(given, adapterName)
  const replacement = ownValue(own, base) ?? ownValue(hardcoded, base)
  if (typeof replacement === 'string' && replacement !== '') data['base'] = replacement
}
