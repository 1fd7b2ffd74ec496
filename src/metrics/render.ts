import type * as PromClient from 'prom-client'
import { globalRegistry } from 'prom-client/lib/registry'

/** A metric of prom-client's own set, by which to tell whether that has been registered. */
const PROCESS_METRIC = 'process_cpu_user_seconds_total'

/** The metrics of the process begin with the first scrape: a service that nobody measures need not watch itself. */
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
