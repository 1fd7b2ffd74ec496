/** Fewer letters than this are too often the beginning or the end of another name. */
const MIN_LETTERS = 7

/** Names of settings with at least so many words belong to a family, which is known by its first two. */
const FAMILY_WORDS = 3

/** Settings of the process itself begin so, and nobody else's do. */
const OWN_FAMILY = 'EA_'

/** Docker and Kubernetes name each service of a network in variables of these forms. */
const OF_A_NETWORK = /_SERVICE_(HOST|PORT)(_|$)|_(TCP|UDP)(_|$)/

const lettersOf = (name: string): string => name.replaceAll('_', '').toUpperCase()

/** Of texts whose lengths differ by one at most: whether one letter too many, too few or another one makes the difference, or two that have changed places. */
const differALittle = (one: string, other: string): boolean => {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start += 1
  let end = 0
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)]
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && left[0] === right[1] && left[1] === right[0]
}

const familyOf = (name: string): string => name.split('_', 2).join('_')

/** Names that others are compared with. What is compared is made once, because all variables of a process are compared at its start. */
export class SettingNames {
  private readonly letters: readonly (readonly [letters: string, name: string])[]
  private readonly families: ReadonlySet<string>

  constructor(names: Iterable<string>) {
    const all = [...names]
    this.letters = all.map((name) => [lettersOf(name), name])
    this.families = new Set(all.filter((name) => name.split('_').length >= FAMILY_WORDS).map(familyOf))
  }

  /** The one that another is nearly the same as; letter case and underscores make no difference. */
  nearest(name: string): string | undefined {
    const letters = lettersOf(name)
    const found = this.letters.find(
      ([own]) =>
        Math.abs(own.length - letters.length) <= 1 &&
        (own === letters ||
          (Math.min(own.length, letters.length) >= MIN_LETTERS && differALittle(own, letters))),
    )
    return found?.[1]
  }

  /** Whether another begins as some of these do. */
  areAlike(name: string): boolean {
    if (name.startsWith(OWN_FAMILY)) return true
    return this.families.has(familyOf(name)) && !OF_A_NETWORK.test(name)
  }
}
