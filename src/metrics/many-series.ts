import { type MetricValue } from 'prom-client'
import Counter from 'prom-client/lib/counter'
import Gauge from 'prom-client/lib/gauge'
import { LabelSet } from './label-set'

interface Sample {
  labels: LabelSet
  value: number
}

/** As prom-client writes numbers. */
const numberText = (value: number): string => {
  if (Number.isNaN(value)) return 'Nan'
  if (Number.isFinite(value)) return String(value)
  return value < 0 ? '-Inf' : '+Inf'
}

/**
 * The samples that publishers write into a metric for one scrape. prom-client's own way costs several microseconds for each (labels are
 * checked, hashed, copied and written anew), which is most of a scrape with thousands of feeds.
 */
class Samples {
  private readonly byLine = new Map<string, Sample>()

  set(labels: LabelSet, value: number): void {
    this.byLine.set(labels.line, { labels, value })
  }

  add(labels: LabelSet, value: number): void {
    const known = this.byLine.get(labels.line)
    if (known === undefined) this.set(labels, value)
    else known.value += value
  }

  clear(): void {
    this.byLine.clear()
  }

  /** Hands them all over. */
  take(): Sample[] {
    const all = [...this.byLine.values()]
    this.clear()
    return all
  }
}

/** A metric that may have very many series: see {@link SeriesCounter} and {@link SeriesGauge}. */
export interface ManySeries {
  readonly name: string
  readonly help: string
  readonly type: string
  /** All of its samples now. */
  collected(): Promise<readonly Sample[]>
}

/** A metric as it begins in the text. */
export const headOf = ({ name, help, type }: ManySeries): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}`

/** Further lines of a metric, each with the end of the one before it. */
export const linesOf = (name: string, samples: readonly Sample[]): string => {
  const start = `\n${name}`
  const parts: string[] = []
  for (const { labels, value } of samples) parts.push(start, labels.line, ' ', numberText(value))
  return parts.join('')
}

export const hasManySeries = (metric: object): metric is ManySeries =>
  metric instanceof SeriesCounter || metric instanceof SeriesGauge

/**
 * Prometheus refuses a text in which two samples have the same labels. That comes of code that counts without the name of an adapter, of
 * which the default is the same.
 */
const withoutTwins = (samples: readonly Sample[], areAdded: boolean): Sample[] => {
  const all = new Samples()
  for (const { labels, value } of samples) {
    if (areAdded) all.add(labels, value)
    else all.set(labels, value)
  }
  return all.take()
}

const asSample = ({ labels, value }: MetricValue<string>): Sample => ({ labels: new LabelSet(labels), value })

const asValue = ({ labels, value }: Sample): MetricValue<string> => ({ labels: { ...labels.values }, value })

const takenOf = (written: Samples | undefined): Sample[] => written?.take() ?? []

/** What prom-client calls a metric, as far as it matters here. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a class that extends what it is given must have this constructor
type MetricClass = new (...of: any[]) => {
  get(): Promise<{ values: MetricValue<string>[] }>
  inc(labels: object, value: number): void
  remove(labels: object): void
  reset(): void
}

/** A metric of prom-client into which publishers may also write samples whose labels are text already. */
const withManySeries = <M extends MetricClass>(Metric: M) =>
  class extends Metric implements ManySeries {
    declare readonly name: string
    declare readonly help: string
    declare readonly type: string
    declare readonly labelNames: readonly string[]
    declare readonly hashMap: Record<string, { value: number } | undefined>
    /** What publishers wrote since the last scrape. Undefined while the base class is made, which resets itself. */
    readonly written: Samples | undefined = new Samples()

    /** The name of the adapter is its only label: as prom-client's metrics without labels, it shows 0 from the start. */
    get isPlain(): boolean {
      return this.labelNames.length === 1 && this.labelNames[0] === 'app_name'
    }

    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see MetricClass
    constructor(...of: any[]) {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-argument -- the same
      super(...of)
      if (this.isPlain) this.inc({}, 0)
    }

    /** Shows an adapter with 0 until something is counted. The sample without a name is only there until one has a name, or if it is used. */
    begin(appName: string): void {
      if (!this.isPlain) return
      this.inc({ app_name: appName }, 0)
      if (this.hashMap['']?.value === 0) this.remove({})
    }

    /** Adds to what was added for the same labels. */
    add(labels: LabelSet, value: number): void {
      this.written?.add(labels, value)
    }

    override reset(): void {
      super.reset()
      this.written?.clear()
    }

    override async get() {
      const plain = await super.get()
      return { ...plain, values: [...plain.values, ...takenOf(this.written).map(asValue)] }
    }

    async collected(): Promise<Sample[]> {
      const { values } = await super.get()
      const areAdded = this.type === 'counter' || this.isPlain
      return [...withoutTwins(values.map(asSample), areAdded), ...takenOf(this.written)]
    }
  }

/** A counter with very many series. */
export class SeriesCounter<T extends string = string> extends withManySeries(Counter)<T> {}

/** A gauge with very many series. */
export class SeriesGauge<T extends string = string> extends withManySeries(Gauge)<T> {
  /** Takes the place of what was put for the same labels. */
  put(labels: LabelSet, value: number): void {
    this.written?.set(labels, value)
  }
}
