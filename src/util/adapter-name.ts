/** The one spelling under which an adapter is known: lower case, `_` for `-`. Undefined stays undefined. */
export function getCanonicalAdapterName(name: string): string
export function getCanonicalAdapterName(name: undefined): undefined
export function getCanonicalAdapterName(name: string | undefined): string | undefined
export function getCanonicalAdapterName(name: string | undefined): string | undefined {
  return name?.toLowerCase().replaceAll('-', '_')
}

/** The same record with canonical adapter names for keys. Undefined stays undefined. */
export const canonicalizeAdapterNameKeys = <T>(
  obj: Record<string, T> | undefined,
): Record<string, T> | undefined =>
  obj &&
  Object.fromEntries(Object.entries(obj).map(([name, value]) => [getCanonicalAdapterName(name), value]))
