import { getHeapStatistics } from 'node:v8'
import type * as PromClient from 'prom-client'
import Gauge from 'prom-client/lib/gauge'
import { globalRegistry } from 'prom-client/lib/registry'
import { Shared } from '../util/shared'
import { hasManySeries, headOf, linesOf, type ManySeries } from './many-series'
import { metrics } from './registry'

/** A metric of prom-client's default set. It tells whether that set has been registered. */
const PROCESS_METRIC = 'process_cpu_user_seconds_total'

/** So many lines are written before others have their turn: well below a millisecond. */
const LINES_AT_ONCE = 500

/** Registers the metrics of the process. This waits for the first scrape, because they cost something and may never be read. */
const addProcessMetrics = (): void => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- late, and without `import()`, which fails under jest
  const { collectDefaultMetrics } = require('prom-client') as typeof PromClient
  collectDefaultMetrics()
  // How much is used says nothing without it.
  new Gauge({
    name: 'nodejs_heap_size_limit_bytes',
    help: 'Most that the heap may have, in bytes: there the process ends',
    collect() {
      this.set(getHeapStatistics().heap_size_limit)
    },
  })
}

/** The real one, whatever clock a test installs later. */
const { setImmediate: afterOthers } = globalThis
const turn = () => new Promise<void>((resolve) => afterOthers(resolve))

/** The pieces are bytes, so that no string of many megabytes has to be made of them. */
const renderSeries = async (metric: ManySeries, into: Buffer[]): Promise<void> => {
  const samples = await metric.collected()
  into.push(Buffer.from(headOf(metric)))
  for (let from = 0; from < samples.length; from += LINES_AT_ONCE) {
    await turn()
    into.push(Buffer.from(linesOf(metric.name, samples.slice(from, from + LINES_AT_ONCE))))
  }
}

const renderAll = async (): Promise<readonly Buffer[]> => {
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) addProcessMetrics()
  metrics.scrape = {}
  const pieces: Buffer[] = []
  for (const { name } of globalRegistry.getMetricsAsArray()) {
    const metric = globalRegistry.getSingleMetric(name)
    // A test may have emptied the registry meanwhile.
    if (metric === undefined) continue
    if (pieces.length > 0) pieces.push(Buffer.from('\n\n'))
    if (hasManySeries(metric)) await renderSeries(metric, pieces)
    else pieces.push(Buffer.from(await globalRegistry.getSingleMetricAsString(name)))
    await turn()
  }
  pieces.push(Buffer.from('\n'))
  return pieces
}

const shared = new Shared(() => renderAll().finally(() => (metrics.scrape = undefined)))

/**
 * All metrics of this process in Prometheus' text format (contract 14), in pieces that belong one after another. Requests and messages that
 * come meanwhile have their turn after each metric, and within one that has very many series; and whoever asks meanwhile gets the same ones
 * (OB-5).
 */
export const renderedMetrics = (): Promise<readonly Buffer[]> => shared.get()

/** The same as one text. */
export const renderMetrics = async (): Promise<string> => String(Buffer.concat(await renderedMetrics()))
