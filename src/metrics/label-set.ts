import { globalRegistry } from 'prom-client/lib/registry'
import { memberOf } from '../util/objects'

/** As the format has it: in a value, these three are escaped and nothing else. */
const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))

/** Labels as they stand in the text. */
const written = (labels: Values): string[] =>
  Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)

type Values = Readonly<Partial<Record<string, string | number>>>

/** The labels that each sample has unless it has its own of that name. prom-client makes a new object of them whenever they change. */
export const defaultLabels = (): Values => (memberOf(globalRegistry, '_defaultLabels') ?? {}) as Values

/** The labels of a sample, which are written as text once: for metrics that have a sample for each of very many feeds. */
export class LabelSet {
  private text: string | undefined
  private writtenWith: Values | undefined

  constructor(readonly values: Values) {}

  /** They and the default labels, as they stand in the line of a sample; empty where there are none. The same labels have the same text. */
  get line(): string {
    const current = defaultLabels()
    if (this.text === undefined || this.writtenWith !== current) {
      const all = written({ ...this.values, ...current, ...this.values })
      this.text = all.length === 0 ? '' : `{${all.join()}}`
      this.writtenWith = current
    }
    return this.text
  }
}
