import { type HistogramConfiguration } from 'prom-client'
import Histogram from 'prom-client/lib/histogram'

/** How prom-client itself keeps the observations without labels. A bucket counts only its own observations here. */
interface Totals {
  sum: number
  count: number
  bucketValues: Record<number, number>
}

/**
 * A prom-client histogram whose `observe(value)` only adds to plain numbers: no label check, no hash, no object. The
 * counts go to prom-client when it is scraped. What it then exposes is exactly what its own histogram would expose.
 */
export class FastHistogram extends Histogram {
  declare private readonly hashMap: Record<string, Totals>
  declare private readonly bounds: readonly number[]
  /** Observations per bucket that prom-client has not been given yet. */
  declare private pending: number[] | undefined

  constructor(config: HistogramConfiguration<never> & { buckets: number[] }) {
    super({
      ...config,
      collect(this: Histogram) {
        if (this instanceof FastHistogram) this.flush()
      },
    })
    this.bounds = [...config.buckets]
    this.pending = config.buckets.map(() => 0)
    // The base class sets `observe` on the instance, where it would hide a method of this class.
    const observe = this.observe.bind(this) as (first: unknown, second?: unknown) => void
    this.observe = (first: unknown, second?: unknown): void => {
      if (typeof first === 'number' && second === undefined && Number.isFinite(first)) this.add(first)
      else observe(first, second)
    }
  }

  override reset(): void {
    super.reset()
    this.pending?.fill(0)
  }

  override zero(labels: object): void {
    super.zero(labels)
    this.pending?.fill(0)
  }

  override remove(...args: unknown[]): void {
    super.remove(...(args as string[]))
    this.pending?.fill(0)
  }

  private add(value: number): void {
    const totals = this.totals()
    totals.sum += value
    totals.count += 1
    const { bounds, pending } = this
    for (let at = 0; at < bounds.length; at++) {
      if (value <= bounds[at]!) {
        if (pending) pending[at] = pending[at]! + 1
        return
      }
    }
  }

  private totals(): Totals {
    if (!this.hashMap['']) this.zero({})
    return this.hashMap['']!
  }

  private flush(): void {
    const { pending } = this
    if (!pending?.some((count) => count > 0)) return
    const { bucketValues } = this.totals()
    this.bounds.forEach((bound, at) => {
      bucketValues[bound] = (bucketValues[bound] ?? 0) + (pending[at] ?? 0)
    })
    pending.fill(0)
  }
}
