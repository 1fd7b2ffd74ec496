/** A label, as it stands in the text. */
const written = (name: string, value: unknown): string => `${name}="${escaped(String(value))}"`

/** As the format has it: in a value, these three are escaped and nothing else. */
const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))

type Values = Readonly<Partial<Record<string, string | number>>>

/** The labels of a sample, which are written as text once: for metrics that have a sample for each of very many feeds. */
export class LabelSet {
  private asText: string | undefined

  constructor(readonly values: Values) {}

  /** Two sets with the same labels in the same order have the same text. */
  get text(): string {
    return (this.asText ??= Object.entries(this.values)
      .map(([name, value]) => written(name, value))
      .join())
  }

  /** These labels and further ones, without writing these again. */
  and(more: Values): LabelSet {
    const set = new LabelSet({ ...this.values, ...more })
    set.asText = `${this.text},${new LabelSet(more).text}`
    return set
  }
}

/** Labels that samples have unless they have their own of that name: each written once. */
export class DefaultLabels {
  private readonly labels: readonly (readonly [name: string, text: string])[]

  constructor(values: object) {
    this.labels = Object.entries(values).map(([name, value]) => [name, written(name, value)])
  }

  /** All labels of a sample as they stand in its line; empty where there are none. */
  with(set: LabelSet): string {
    let { text } = set
    for (const [name, one] of this.labels)
      if (!(name in set.values)) text = text === '' ? one : `${text},${one}`
    return text === '' ? '' : `{${text}}`
  }
}
