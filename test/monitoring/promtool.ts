import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe } from 'vitest'
import { stringify } from 'yaml'
import { root } from '../helpers/repository'
import { SCRAPE_MS, type Watch } from './watch'

const isInstalled = spawnSync('promtool', ['--version']).status === 0

/** A suite that needs Prometheus' promtool. Without it, it is skipped, visibly; where everything has to run (`CI=true`) it fails. */
export const describeWithPromtool = (title: string, suite: () => void): void => {
  if (isInstalled || process.env['CI'] === 'true') describe(title, { timeout: 120_000 }, suite)
  else describe.skip(`${title} (skipped: there is no promtool on this machine; Debian: prometheus)`, suite)
}

const run = promisify(execFile)

/** @throws Error with what promtool says, where it is against something */
export const promtool = async (...args: string[]): Promise<string> => {
  try {
    const { stdout } = await run('promtool', args)
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`promtool ${args[0]} ${args[1]}: ${stdout}${stderr}`, { cause: error })
  }
}

/** What is expected of the alerts at one time of a run. */
export interface Expected {
  /** After so many scrapes. */
  at: number
  /** The names of all alerts that fire then, and no others do. */
  firing: readonly string[]
  /** The summaries of some of them, with all their labels but the name. */
  says?: Readonly<Record<string, { labels: Record<string, string>; summary: string }>>
}

/** The rules, as a file. */
export const rules = join(root, 'deploy', 'alerts.yml')

const secondsOf = (scrapes: number): string => `${((scrapes - 1) * SCRAPE_MS) / 1_000}s`

/**
 * Puts the scrapes of a run on promtool's own time, and has the rules judge them.
 *
 * @throws Error with what is different
 */
export const expectAlerts = async (watch: Watch, expected: readonly Expected[]): Promise<void> => {
  const firing = expected.map(({ at, firing: names }) => ({
    expr: 'max by (alertname) (ALERTS{alertstate="firing"})',
    eval_time: secondsOf(at),
    exp_samples: [...names].sort().map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
  }))
  const texts = expected.flatMap(({ at, says = {} }) =>
    Object.entries(says).map(([alertname, { labels, summary }]) => ({
      eval_time: secondsOf(at),
      alertname,
      exp_alerts: [
        {
          exp_labels: labels,
          exp_annotations: { summary, runbook_url: `docs/runbook.md#${alertname.toLowerCase()}` },
        },
      ],
    })),
  )
  const interval = `${SCRAPE_MS / 1_000}s`
  const file = {
    rule_files: [rules],
    evaluation_interval: interval,
    tests: [{ interval, input_series: watch.series(), promql_expr_test: firing, alert_rule_test: texts }],
  }
  const folder = mkdtempSync(join(tmpdir(), 'alerts-'))
  try {
    const path = join(folder, 'test.yml')
    writeFileSync(path, stringify(file, { lineWidth: 0 }))
    await promtool('test', 'rules', path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
