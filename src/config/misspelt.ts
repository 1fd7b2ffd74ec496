/** Fewer letters than this are too often the beginning or the end of another name. */
const MIN_LETTERS = 7

/** Names of settings with at least so many words belong to a family, which is known by its first two. */
const FAMILY_WORDS = 3

/** Settings of the process itself begin so, and nobody else's do. */
const OWN_FAMILY = 'EA_'

/** Docker and Kubernetes name each service of a network in variables of these forms. */
const OF_A_NETWORK = /_SERVICE_(HOST|PORT)(_|$)|_(TCP|UDP)(_|$)/

const lettersOf = (name: string): string => name.replaceAll('_', '').toUpperCase()

/** Whether one letter too many, too few or another one makes the difference, or two that have changed places. */
const differALittle = (one: string, other: string): boolean => {
  if (Math.abs(one.length - other.length) > 1) return false
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start += 1
  let end = 0
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)]
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && left[0] === right[1] && left[1] === right[0]
}

/** Of a list of names, the one that another is nearly the same as; letter case and underscores make no difference. */
export const nearlyTheSame = (name: string, names: Iterable<string>): string | undefined => {
  const letters = lettersOf(name)
  for (const one of names) {
    const own = lettersOf(one)
    if (own === letters) return one
    if (Math.min(own.length, letters.length) >= MIN_LETTERS && differALittle(own, letters)) return one
  }
  return undefined
}

const familyOf = (name: string): string => name.split('_').slice(0, 2).join('_')

/** Whether a name begins as some of these do. */
export const isOfTheirFamily = (name: string, names: Iterable<string>): boolean => {
  if (name.startsWith(OWN_FAMILY)) return true
  if (OF_A_NETWORK.test(name)) return false
  const family = familyOf(name)
  for (const one of names)
    if (one.startsWith(family) && one.split('_').length >= FAMILY_WORDS && familyOf(one) === family)
      return true
  return false
}
