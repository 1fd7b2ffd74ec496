import type * as PromClient from 'prom-client'
import { globalRegistry } from 'prom-client/lib/registry'

/** A metric of prom-client's default set. It tells whether that set has been registered. */
const PROCESS_METRIC = 'process_cpu_user_seconds_total'

/** Registers the metrics of the process. This waits for the first scrape, because they cost something and may never be read. */
const addProcessMetrics = (): void => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- late, and without `import()`, which fails under jest
  const { collectDefaultMetrics } = require('prom-client') as typeof PromClient
  collectDefaultMetrics()
}

/** All metrics of this process in Prometheus' text format (contract 14). */
export const renderMetrics = async (): Promise<string> => {
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) addProcessMetrics()
  return globalRegistry.metrics()
}
