import { globalRegistry } from 'prom-client/lib/registry'

/** A metric of prom-client's own set, by which to tell whether that has been registered. */
const PROCESS_METRIC = 'process_cpu_user_seconds_total'

/** The metrics of the process begin with the first scrape: a service that nobody measures need not watch itself. */
const addProcessMetrics = async (): Promise<void> => {
  const { collectDefaultMetrics } = await import('prom-client')
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) collectDefaultMetrics()
}

/** All metrics of this process in Prometheus' text format (contract 14). */
export const renderMetrics = async (): Promise<string> => {
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) await addProcessMetrics()
  return globalRegistry.metrics()
}
