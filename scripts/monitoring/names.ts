import { type MetricDefinitions } from '../../src/metrics/definitions'
import { metrics } from '../../src/metrics/registry'

metrics.initialize()

const named = Object.entries(metrics.getMetricsDefinition() as object).map(([key, metric]) => [
  key,
  (metric as { name: string }).name,
])

/** The names of the metrics by their keys in the definitions: one that there is not does not compile. */
export const m = Object.fromEntries(named) as Record<keyof MetricDefinitions, string>

/** Metrics that have no definition of ours: of the supervisor of several processes, of the process itself, and Prometheus' own. */
export const others = {
  up: 'up',
  serviceProcessUp: 'service_process_up',
  serviceProcessRestarts: 'service_process_restarts_total',
  serviceProcessSilences: 'service_process_silences_total',
  processStart: 'process_start_time_seconds',
  processCpu: 'process_cpu_seconds_total',
  residentMemory: 'process_resident_memory_bytes',
  openFiles: 'process_open_fds',
  maxFiles: 'process_max_fds',
  heapUsed: 'nodejs_heap_size_used_bytes',
  heapLimit: 'nodejs_heap_size_limit_bytes',
  eventLoopLag: 'nodejs_eventloop_lag_p99_seconds',
}

/** The name of the job in Prometheus' configuration. */
export const JOB = 'tickwell'

/** Which adapter of which service a number is of. Processes of one service are taken together. */
export const ADAPTER = 'job, instance, app_name'

/** The same, and which endpoint. */
export const ENDPOINT = `${ADAPTER}, adapter_endpoint`

/**
 * The series of a counter that have grown within a time, by how much. A series that has only come since counts whole: to Prometheus, the
 * first sample of a series is no increase.
 *
 * @param series - a metric, with a selector if need be
 * @param range - as Prometheus writes times, such as `5m`
 */
export const grown = (series: string, range: string): string =>
  `(increase(${series}[${range}]) > 0 or ${series} > 0 unless ${series} offset ${range})`
