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

/** The real one, whatever clock a test installs later. */
const { setImmediate: afterOthers } = globalThis
const turn = () => new Promise<void>((resolve) => afterOthers(resolve))

/**
 * All metrics of this process in Prometheus' text format (contract 14). With very many feeds that takes long, so requests and messages that
 * come meanwhile have their turn after each metric (OB-5).
 */
export const renderMetrics = async (): Promise<string> => {
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) addProcessMetrics()
  const texts: string[] = []
  for (const { name } of globalRegistry.getMetricsAsArray()) {
    // A test may have emptied the registry meanwhile.
    if (globalRegistry.getSingleMetric(name) === undefined) continue
    texts.push(await globalRegistry.getSingleMetricAsString(name))
    await turn()
  }
  return `${texts.join('\n\n')}\n`
}
