/**
 * The aliases of an endpoint together with those of all endpoints of its kind, without its own name and without repeats. It adds to the
 * author's list itself, as the reference framework does.
 */
export const withAliases = (
  name: string,
  given: string[] | undefined,
  wanted: readonly string[],
): string[] => {
  const aliases = given ?? []
  // In JavaScript it may be anything. Then it is refused when the adapter starts.
  if (!Array.isArray(aliases)) return aliases
  const taken = new Set([name, ...aliases].map((alias) => alias.toLowerCase()))
  for (const alias of wanted) if (!taken.has(alias)) aliases.push(alias)
  return aliases
}
