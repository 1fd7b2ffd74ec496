import { posix } from 'node:path'
import { type AdapterSettings } from '../../config/settings'
import { LabelSet } from '../../metrics/label-set'
import { instanceLabel } from '../../metrics/registry'
import { Shared } from '../../util/shared'
import { mergeExpositions } from './exposition'
import { type KeptProcess } from './kept-process'
import { PlainServer } from './plain-server'

/** A process that does not answer within this time is left out of a scrape; its absence shows in `service_process_up`. */
const PATIENCE_MS = 2_000

/** Metrics of the supervisor itself. They are there even when no process answers. */
const ownMetrics = (
  processes: readonly KeptProcess[],
  answered: ReadonlySet<KeptProcess>,
  instance: string | undefined,
): string => {
  const lines = (name: string, type: string, help: string, value: (one: KeptProcess) => number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...processes.map((one) => {
      const labels = new LabelSet({ process: one.name, ...instanceLabel(instance) })
      return `${name}${labels.line} ${value(one)}`
    }),
  ]
  return [
    ...lines('service_process_up', 'gauge', 'Whether a process of the service is at work', (one) =>
      answered.has(one) ? 1 : 0,
    ),
    ...lines(
      'service_process_restarts_total',
      'counter',
      'How often a process of the service died',
      (one) => one.restartCount,
    ),
    ...lines(
      'service_process_silences_total',
      'counter',
      'How often a process of the service was ended because it did not answer',
      (one) => one.silenceCount,
    ),
  ].join('\n')
}

/** The metrics of all processes, and of the supervisor. Never rejects. */
export const scrape = async (processes: readonly KeptProcess[], instance?: string): Promise<string> => {
  const answered = new Set<KeptProcess>()
  const texts = await Promise.all(
    processes.map(async (one) => {
      const text = await one.metrics(PATIENCE_MS)
      if (text !== undefined) answered.add(one)
      return text ?? ''
    }),
  )
  return mergeExpositions([ownMetrics(processes, answered, instance), ...texts])
}

/** The server that Prometheus scrapes. It has the same address, path and TLS as that of a single process. */
export class ScrapeServer extends PlainServer {
  constructor(settings: AdapterSettings, collect: () => Promise<string>) {
    const { METRICS_USE_BASE_URL, BASE_URL, METRICS_PORT: port } = settings
    const path = METRICS_USE_BASE_URL ? posix.join(BASE_URL, 'metrics') : '/metrics'
    const shared = new Shared(collect)
    super(settings, { port, portVariable: 'METRICS_PORT' }, (req, res) => {
      if ((req.method !== 'GET' && req.method !== 'HEAD') || req.url?.split('?')[0] !== path)
        return void res.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not Found')
      void shared.get().then((page) => {
        res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(page)
      })
    })
  }
}
