import { globalRegistry } from 'prom-client/lib/registry'
import { memberOf } from '../util/objects'
import { metricDefinitions } from './definitions'

/** The part of a prom-client metric that is used to publish into it. */
interface Collectable {
  collect?: () => void | Promise<void>
  reset(): void
}

const isCollectable = (metric: unknown): metric is Collectable =>
  typeof memberOf(metric, 'reset') === 'function'

interface Beginning {
  begin(appName: string): void
}

const begins = (metric: unknown): metric is Beginning => typeof memberOf(metric, 'begin') === 'function'

type PublishMetric = (metric: never) => void

/**
 * Metrics by key (contract 14). Publishers may be registered before the metrics are created.
 */
export class Metrics<T extends Record<string, unknown>> {
  private metrics?: T
  private isCleared = false
  /** The scrape that goes on, for what its publishers need to find out only once; undefined where somebody asks for single metrics. */
  scrape: object | undefined
  private readonly publishers = new Map<keyof T, Set<PublishMetric>>()

  /** @param metricsDefinition - creates the metrics, and so registers them with prom-client */
  constructor(private readonly metricsDefinition: () => T) {}

  /** Creates the metrics. A second call does nothing, unless they were cleared meanwhile. */
  initialize(): void {
    if (this.metrics && !this.isCleared) return
    const created = this.metricsDefinition()
    for (const key of Object.keys(created)) this.attach(key, created[key])
    this.metrics = created
    this.isCleared = false
  }

  /** Shows 0 for an adapter, in each metric that has no label but its name: before anything is counted, and for what never happens. */
  begin(appName: string): void {
    for (const metric of Object.values(this.metrics ?? {})) if (begins(metric)) metric.begin(appName)
  }

  getMetricsDefinition(): T | undefined {
    return this.metrics
  }

  /**
   * A metric by its key. After `clear` it still returns the old metrics, so that work which is ending does not fail;
   * they are no longer exposed.
   *
   * @throws Error `Metric "<name>" was not initialized before use`
   */
  get<K extends keyof T>(name: K): T[K] {
    if (!this.metrics) throw new Error(`Metric "${String(name)}" was not initialized before use`)
    return this.metrics[name]
  }

  /** Empties the registry, with its default labels. Publishers stay, for the metrics that `initialize` creates next. */
  clear(): void {
    globalRegistry.clear()
    this.isCleared = true
  }

  /**
   * Registers a function that writes the current samples of a metric when it is scraped. The metric is reset before
   * its publishers run: a series that none of them writes any more disappears, and what was counted directly on a
   * metric that has publishers is lost. May be called before `initialize`.
   *
   * @returns removes the publisher. After the last one the metric is reset at once
   */
  publish<K extends keyof T>(key: K, publisher: (metric: T[K]) => void): () => void {
    const publishers = this.publishers.get(key) ?? new Set<PublishMetric>()
    this.publishers.set(key, publishers)
    // Each registration gets a function of its own, because the same publisher may be registered twice.
    const registered: PublishMetric = (metric) => publisher(metric)
    publishers.add(registered)
    return () => {
      if (!publishers.delete(registered) || publishers.size > 0) return
      const metric = this.metrics?.[key]
      if (isCollectable(metric)) metric.reset()
    }
  }

  private attach(key: keyof T, target: unknown): void {
    if (!isCollectable(target)) return
    const { collect } = target
    target.collect = () => {
      const publishers = this.publishers.get(key)
      if (publishers?.size) {
        target.reset()
        for (const publisher of publishers) publisher(target as never)
      }
      return collect?.call(target)
    }
  }
}

/** The metrics of this process. */
export const metrics = new Metrics(metricDefinitions)

/** What is found out once in a scrape, however many metrics need it. */
export class PerScrape<T> {
  private readonly found = new WeakMap<object, T>()

  constructor(private readonly findOut: () => T) {}

  /** Found out anew each time where single metrics are asked for. */
  get(): T {
    const { scrape } = metrics
    if (scrape === undefined) return this.findOut()
    let found = this.found.get(scrape)
    if (found === undefined) this.found.set(scrape, (found = this.findOut()))
    return found
  }
}

/**
 * The label of a service's own name among several of its kind; none where it has no name. It is not `instance`, which is Prometheus's own
 * name for where it scrapes. As a label that begins with `app_` it is none to adapters' tests (contract 15).
 */
export const instanceLabel = (instance: string | undefined): Record<string, string> =>
  instance ? { app_instance: instance } : {}

/** Gives every sample the labels `app_name` and `app_version` (contract 14), and more where one process is not the whole service. */
export const setupMetrics = (name: string, labels: Record<string, string> = {}): void => {
  globalRegistry.setDefaultLabels({
    app_name: name || 'N/A',
    app_version: String(process.env.npm_package_version),
    ...labels,
  })
}
