import { canonicalJson } from '../../src/util/canonical-json'

/** What a row is of: texts that tell it from others, by the name of the parameter or attribute. */
type Names = Readonly<Record<string, unknown>>

interface Named<R> {
  names: Names
  result: R
}

/** Results for one question that letter case alone tells apart. */
export class Ambiguous {
  /** For who asked. */
  readonly message: string

  constructor(names: readonly Names[]) {
    const spelled = names.map((one) => Object.values(one).join('/'))
    this.message = `This may be any of ${spelled.join(', ')}: letter case tells them apart`
  }
}

/**
 * Results by what they are of. Strapi's rows are spelled by people, and so are the questions: an exact spelling wins, part by part, else
 * the only one that differs in letter case alone.
 */
export class BySpelling<R> {
  private readonly alike = new Map<string, Named<R>[]>()

  /** @param named - no two of them spelled alike in every part */
  constructor(named: Iterable<Named<R>>) {
    for (const one of named) {
      const id = canonicalJson(one.names)
      const others = this.alike.get(id)
      if (others === undefined) this.alike.set(id, [one])
      else others.push(one)
    }
  }

  find(asked: Names): R | Ambiguous | undefined {
    let found = this.alike.get(canonicalJson(asked)) ?? []
    for (const [name, text] of Object.entries(asked)) {
      const exact = found.filter(({ names }) => names[name] === text)
      if (exact.length > 0) found = exact
    }
    return found.length > 1 ? new Ambiguous(found.map(({ names }) => names)) : found[0]?.result
  }
}
