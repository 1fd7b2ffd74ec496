import { type HistogramConfiguration } from 'prom-client'
import Histogram from 'prom-client/lib/histogram'
import { defaultLabels } from './label-set'

/** How prom-client itself keeps the observations of one set of labels. A bucket counts only its own observations here. */
interface Totals {
  sum: number
  count: number
  bucketValues: Record<number, number>
}

type App = { app_name?: string | undefined }

/** What prom-client calls the series with these labels. */
const keyOf = ({ app_name }: App): string => (app_name === undefined ? '' : `app_name:${app_name},`)

const addTo = (totals: Totals, { sum, count, bucketValues }: Totals): void => {
  totals.sum += sum
  totals.count += count
  for (const bound in bucketValues)
    totals.bucketValues[bound] = totals.bucketValues[bound]! + bucketValues[bound]!
}

/** The observations of one adapter. */
export class Observations {
  /** By bucket, what prom-client has not been given yet. */
  private readonly pending: number[]

  /** @param totals - where prom-client keeps them */
  constructor(
    private readonly bounds: readonly number[],
    private readonly totals: () => Totals,
  ) {
    this.pending = bounds.map(() => 0)
  }

  /** Only adds to plain numbers: no label check, no hash, no object. */
  observe(value: number): void {
    const { bounds, pending } = this
    const totals = this.totals()
    totals.sum += value
    totals.count += 1
    for (let at = 0; at < bounds.length; at++) {
      if (value <= bounds[at]!) {
        pending[at] = pending[at]! + 1
        return
      }
    }
  }

  flush(): void {
    const { pending } = this
    if (!pending.some((count) => count > 0)) return
    const { bucketValues } = this.totals()
    this.bounds.forEach((bound, at) => {
      bucketValues[bound] = (bucketValues[bound] ?? 0) + pending[at]!
    })
    this.clear()
  }

  clear(): void {
    this.pending.fill(0)
  }
}

/**
 * A prom-client histogram with a series for each adapter, into which {@link FastHistogram.of} observes without the cost of labels. The
 * counts go to prom-client when it is scraped. What it then exposes is exactly what its own histogram would expose. As one without labels,
 * it shows 0 from the start.
 */
export class FastHistogram extends Histogram<'app_name'> {
  declare private readonly hashMap: Record<string, Totals>
  declare private readonly bounds: readonly number[]
  /** By prom-client's name of the series. */
  declare private observed: Map<string, Observations> | undefined

  constructor(config: Omit<HistogramConfiguration<never>, 'labelNames'> & { buckets: number[] }) {
    super({
      ...config,
      labelNames: ['app_name'],
      collect(this: Histogram) {
        if (this instanceof FastHistogram) this.flush()
      },
    })
    this.bounds = [...config.buckets]
    this.observed = new Map()
    // The base class sets `observe` on the instance, where it would hide a method of this class.
    const observe = this.observe.bind(this) as (first: unknown, second?: unknown) => void
    const unnamed = this.seriesOf({})
    this.observe = (first: unknown, second?: unknown): void => {
      if (typeof first === 'number' && second === undefined && Number.isFinite(first)) unnamed.observe(first)
      else observe(first, second)
    }
    this.zero({})
  }

  /** Where an adapter observes. Its series begins with 0. Without a name the series is the process's. */
  of(appName: string | undefined): Observations {
    if (appName !== undefined) this.begin(appName)
    return this.seriesOf({ app_name: appName })
  }

  /** Shows an adapter with 0 until something is observed. The series without a name is only there until one has a name, or if it is used. */
  begin(appName: string): void {
    const app = { app_name: appName }
    if (this.hashMap[keyOf(app)] === undefined) this.zero(app)
    if (this.hashMap['']?.count === 0) this.remove({})
  }

  override reset(): void {
    super.reset()
    for (const series of this.observed?.values() ?? []) series.clear()
  }

  override zero(labels: App): void {
    super.zero(labels)
    this.observed?.get(keyOf(labels))?.clear()
  }

  override remove(...args: unknown[]): void {
    super.remove(...(args as string[]))
    const [first] = args
    const labels = typeof first === 'object' ? (first as App) : { app_name: first as string | undefined }
    this.observed?.get(keyOf(labels))?.clear()
  }

  private seriesOf(app: App): Observations {
    const key = keyOf(app)
    const known = this.observed?.get(key)
    if (known !== undefined) return known
    const series = new Observations(this.bounds, () => {
      if (this.hashMap[key] === undefined) this.zero(app)
      return this.hashMap[key]!
    })
    this.observed?.set(key, series)
    return series
  }

  private flush(): void {
    for (const series of this.observed?.values() ?? []) series.flush()
    this.nameUnnamed()
  }

  /** What was observed without a name gets the default one in the text. Two series there must not have the same. */
  private nameUnnamed(): void {
    const [unnamed, named] = [this.hashMap[''], this.hashMap[keyOf(defaultLabels())]]
    if (unnamed === undefined || named === undefined || unnamed === named) return
    addTo(named, unnamed)
    this.remove({})
  }
}
