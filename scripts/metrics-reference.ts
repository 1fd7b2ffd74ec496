/** Writes docs/metrics.md: the metrics of the service, from their definitions. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MetricDefinitions, metricDefinitions } from '../src/metrics/definitions'
import { metrics } from '../src/metrics/registry'

const ROOT = join(__dirname, '..')

/** What prom-client keeps of a metric. */
interface Described {
  name: string
  type: string
  help: string
  labelNames: readonly string[]
}

/** The contract's names, as its own table has them. */
const contractNames = (): Set<string> => {
  const contract = readFileSync(join(ROOT, 'docs/contributing/contract.md'), 'utf8')
  const part = contract.slice(contract.indexOf('\n# 14. Metrics'), contract.indexOf('\n# 15. '))
  return new Set([...part.matchAll(/^\| \w+ \| `(\w+)`/gm)].map(([, name = '']) => name))
}

const rowOf = ({ name, type, help, labelNames }: Described): string => {
  const labels = labelNames.filter((label) => label !== 'app_name').map((label) => `\`${label}\``)
  const of = labelNames.includes('app_name') ? 'adapter' : 'process'
  return `| \`${name}\` | ${type} | ${of} | ${labels.join(', ')} | ${help} |`
}

const tableOf = (rows: readonly Described[]): string =>
  ['| name | type | of the | labels | meaning, and unit |', '|---|---|---|---|---|', ...rows.map(rowOf)].join(
    '\n',
  )

const defined = (): MetricDefinitions => {
  const known = metrics.getMetricsDefinition()
  // They cannot be registered twice.
  if (known !== undefined) return known
  return metricDefinitions()
}

/** The page, as text. */
export function renderMetricsReference(): string {
  const all = Object.values(defined()) as unknown as Described[]
  const names = contractNames()
  const [contracts, ours] = [true, false].map((is) => all.filter(({ name }) => names.has(name) === is))
  return `${[
    '# Metrics',
    'Made from the definitions of the metrics: `npm run metrics-reference`. They are at `/metrics` on `METRICS_PORT`, in the format of Prometheus.',
    'Each series has the labels `app_name` and `app_version`. `app_name` is the name of the adapter, also where several run in one process; series of the process have the name of the service, or of its only adapter. `app_instance` is `INSTANCE`, where that is set. With `WORKERS` above 1, `process` is the process whose series it is, and there are `service_process_up`, `service_process_restarts_total` and `service_process_silences_total`. The process metrics of prom-client (`process_*`, `nodejs_*`) come beside these.',
    'How many feeds have series of their own is in [health.md](health.md).',
    '## Those of the reference framework',
    'Their names, types and labels are its own, and stay. Their gauges of a feed move with requests and writes.',
    tableOf(contracts!),
    '## Ours',
    tableOf(ours!),
  ].join('\n\n')}\n`
}

if (process.argv[1] === __filename) writeFileSync(join(ROOT, 'docs/metrics.md'), renderMetricsReference())
