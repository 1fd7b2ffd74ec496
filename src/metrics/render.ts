import type * as PromClient from 'prom-client'
import { globalRegistry } from 'prom-client/lib/registry'
import { memberOf } from '../util/objects'
import { Shared } from '../util/shared'
import { DefaultLabels } from './label-set'
import { hasManySeries, linesOf, type ManySeries } from './many-series'
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
}

/** The real one, whatever clock a test installs later. */
const { setImmediate: afterOthers } = globalThis
const turn = () => new Promise<void>((resolve) => afterOthers(resolve))

/** Some of a text, as bytes, so that no string of many megabytes has to be made of it. */
class Pieces {
  readonly done: Buffer[] = []
  private text = ''
  private lines = 0

  /** @returns whether that was enough for now */
  add(line: string): boolean {
    this.text += line
    if (++this.lines % LINES_AT_ONCE > 0) return false
    this.end()
    return true
  }

  end(): void {
    this.done.push(Buffer.from(this.text))
    this.text = ''
  }
}

const renderSeries = async (metric: ManySeries, into: Pieces): Promise<void> => {
  const samples = await metric.collected()
  const defaults = new DefaultLabels(memberOf(globalRegistry, '_defaultLabels') ?? {})
  for (const line of linesOf(metric, samples, defaults)) if (into.add(line)) await turn()
}

const renderAll = async (): Promise<readonly Buffer[]> => {
  if (!globalRegistry.getSingleMetric(PROCESS_METRIC)) addProcessMetrics()
  metrics.scrape = {}
  const pieces = new Pieces()
  let between = ''
  for (const { name } of globalRegistry.getMetricsAsArray()) {
    const metric = globalRegistry.getSingleMetric(name)
    // A test may have emptied the registry meanwhile.
    if (metric === undefined) continue
    pieces.add(between)
    if (hasManySeries(metric)) await renderSeries(metric, pieces)
    else pieces.add(await globalRegistry.getSingleMetricAsString(name))
    between = '\n\n'
    await turn()
  }
  pieces.add('\n')
  pieces.end()
  return pieces.done
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
