import { type Assertions } from './assertions'
import { parseSamples } from './samples'

type Labels = Record<string, string>

const QUOTE = /\\?"/g

const isOfInterest = ({ name }: { name: string }): boolean => !/^(nodejs|process)_/.test(name)

/**
 * The key of a metric does not depend on the order of its labels, nor on the adapter. Feed ids are JSON, and tests write them with single
 * quotes, double ones, or double ones behind a backslash as Prometheus does: all give the same key (contract 18.5).
 */
const keyOf = (name: string, labels: Labels = {}): string => {
  const pairs = Object.keys(labels)
    .filter((label) => !label.startsWith('app_'))
    .sort()
    .map((label) => `${label}="${labels[label]?.replaceAll(QUOTE, "'")}"`)
  return `${name}|${pairs.join(',')}`
}

/** The metrics of an adapter at one moment, from the text that Prometheus would scrape. */
export class TestMetrics {
  /** Values by `name|label="value",...`, without those of the process and of Node.js. */
  map: Map<string, number>

  constructor(data: string) {
    const samples = parseSamples(data).filter(isOfInterest)
    this.map = new Map(samples.map(({ name, labels, value }) => [keyOf(name, labels), value]))
  }

  /** The value with exactly these labels (beside the `app_` ones); fails the test when there is none. */
  get(t: Assertions, { name, labels }: { name: string; labels?: Labels }): number | undefined {
    const key = keyOf(name, labels)
    const value = this.map.get(key)
    if (value === undefined) {
      const others = [...this.map.keys()].filter((other) => other.startsWith(`${name}|`))
      const hint = others.length > 0 ? `there are: ${others.join('; ')}` : 'nothing has this name'
      t.fail(`There is no metric ${key} (${hint})`)
    }
    return value
  }

  assert(t: Assertions, params: { name: string; labels?: Labels; expectedValue: number }): void {
    t.is(this.get(t, params), params.expectedValue)
  }

  assertPositiveNumber(t: Assertions, params: { name: string; labels?: Labels }): void {
    const value = this.get(t, params)
    if (value !== undefined) t.is(value > 0, true)
  }
}
