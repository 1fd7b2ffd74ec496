/**
 * The aliases of an endpoint with those that all of its kind have, but not its own name and none twice. Adds to the author's list, which
 * is what the reference framework does.
 */
export const withAliases = (
  name: string,
  given: string[] | undefined,
  wanted: readonly string[],
): string[] => {
  const aliases = given ?? []
  const taken = new Set([name, ...aliases].map((alias) => alias.toLowerCase()))
  for (const alias of wanted) if (!taken.has(alias)) aliases.push(alias)
  return aliases
}
