/**
 * Whether an object still has these methods as a class of ours has them: neither a subclass nor a later assignment has replaced one of
 * them. It compares at every call, because tests replace methods of objects that are at work, and of our classes too (contract 16).
 *
 * Code that asks often keeps the answer together with a mark that covers these methods (`RequestMark`). What is asked for every message
 * (`isImmediate` of the response caches, `isPlainLocal` and `localLayerOf`) does not call this function: it compares each method by its
 * name, which takes a quarter of the time, and a replaced method counts from the next message on.
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
