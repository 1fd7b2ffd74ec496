/**
 * Whether an object still has these methods as a class of ours has them: neither a subclass nor anybody since has put others in their
 * place. Compared each time it is asked, for tests replace methods of objects that are at work, and of our classes too (contract 16); who
 * asks often remembers the answer by a mark that these methods are part of.
 */
export const isOurs = <K extends PropertyKey>(
  object: { readonly [Name in K]?: unknown },
  ourClass: { readonly prototype: { readonly [Name in K]?: unknown } },
  ...names: readonly K[]
): boolean => {
  const { prototype } = ourClass
  for (const name of names) if (object[name] !== prototype[name]) return false
  return true
}
