import { join } from 'node:path'
import { globalRegistry } from 'prom-client/lib/registry'
import { beforeAll, describe, expect, it } from 'vitest'
import { alertGroups, alerts } from '../../scripts/monitoring/alerts'
import { board } from '../../scripts/monitoring/board'
import { anchorOf } from '../../scripts/monitoring/runbook'
import { monitoringFiles } from '../../scripts/monitoring/write'
import { settingSections } from '../../scripts/env-example'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { renderMetrics } from '../../src/metrics/render'
import { scrape } from '../../src/service/workers/scrape'
import { errorCodes } from '../../src/validation/error-codes'
import { filesBelow, read, root } from '../helpers/repository'
import { describeWithPromtool, promtool, rules } from './promtool'
import { namesIn } from './promql'

/** What every series has, or may have: of Prometheus, of the service, of one of its processes. */
const COMMON = ['job', 'instance', 'app_name', 'app_version', 'process']

/** The labels of each metric there is. */
const known = new Map<string, readonly string[]>([
  ['up', []],
  ['ALERTS', ['alertname', 'alertstate', 'severity']],
])

beforeAll(async () => {
  await renderMetrics()
  for (const { name } of globalRegistry.getMetricsAsArray()) {
    const { labelNames, type } = globalRegistry.getSingleMetric(name) as unknown as {
      labelNames: string[]
      type: string
    }
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes) known.set(name + suffix, [...labelNames, 'le'])
  }
  for (const [, name] of (await scrape([])).matchAll(/^# TYPE (\w+)/gm)) known.set(name!, ['process'])
})

/** Metrics and labels that an expression names and that there are not. */
const unknownIn = (expr: string): string[] => {
  const { metrics, grouping } = namesIn(expr)
  const all = new Set([...COMMON, ...metrics.flatMap(({ name }) => known.get(name) ?? [])])
  return [
    ...metrics.filter(({ name }) => !known.has(name)).map(({ name }) => name),
    ...metrics.flatMap(({ name, labels }) =>
      labels
        .filter((label) => !COMMON.includes(label) && !known.get(name)?.includes(label))
        .map((label) => `${name}{${label}}`),
    ),
    ...grouping.filter((label) => !all.has(label)),
  ]
}

describe('what is read out of an expression', () => {
  it('is each metric with its labels, and the labels of groups', () => {
    expect(
      namesIn('sum by (a, b) (rate(x_total{c="} d", e=~"f"}[5m])) / on (g) y unless z offset 5m > 1.5'),
    ).toEqual({
      metrics: [
        { name: 'x_total', labels: ['c', 'e'] },
        { name: 'y', labels: [] },
        { name: 'z', labels: [] },
      ],
      grouping: ['a', 'b', 'g'],
    })
  })

  it('shows what there is not', () => {
    expect(unknownIn('sum by (nobody) (feed_upp{app_name="A"} + feed_up{feed="B"})')).toEqual([
      'feed_upp',
      'feed_up{feed}',
      'nobody',
    ])
  })
})

describe('what is generated for monitoring', () => {
  it('is what the definitions say (else: npm run monitoring)', async () => {
    for (const [path, text] of Object.entries(await monitoringFiles())) expect(read(path), path).toBe(text)
  })
})

describe('the alerts', () => {
  it('have names of their own', () => {
    const names = alerts.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^Tickwell([A-Z][a-z]+)+$/.test(name))).toEqual([])
  })

  it.each(alerts)('$name: names only metrics and labels that there are', ({ expr, summary }) => {
    expect(unknownIn(expr)).toEqual([])
    const { metrics, grouping } = namesIn(expr)
    // Where series are taken together, these labels are left; else all of them.
    const left = grouping.length > 0 ? grouping : metrics.flatMap(({ name }) => known.get(name) ?? [])
    const shown = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!)
    const others = grouping.length > 0 ? [] : COMMON
    expect(shown.filter((label) => !left.includes(label) && !others.includes(label))).toEqual([])
  })

  it.each(alerts)('$name: has an entry in the runbook, which its annotation leads to', (alert) => {
    expect(read('docs/runbook.md')).toContain(`\n### ${alert.name}\n`)
    expect(read('deploy/alerts.yml')).toContain(`runbook_url: docs/runbook.md#${anchorOf(alert.name)}\n`)
    expect(alert.meaning).toMatch(/\.$/)
    for (const items of [alert.look, alert.act]) expect(items.length).toBeGreaterThan(0)
  })

  it('fire each in a run in which that really happens', () => {
    const files = [
      ...filesBelow('test/monitoring', /-faults\.test\.ts$/),
      ...filesBelow('protocols', /\/test\/alerts\.test\.ts$/),
    ]
    const texts = files.map(read).join('\n')
    expect(alerts.map(({ name }) => name).filter((name) => !texts.includes(`'${name}'`))).toEqual([])
  })
})

describe('the runbook', () => {
  it('names only alerts, settings and codes that there are', async () => {
    const settings = (await settingSections()).flatMap(({ rows }) => rows.map(({ name }) => name))
    const all = new Set([...settings, ...Object.keys(BaseSettingsDefinition), ...Object.keys(errorCodes)])
    const page = read('docs/runbook.md')
    const ofNode = ['NODE_OPTIONS']
    const named = [...page.matchAll(/(?<=[`(\s])[A-Z]{2,}_[A-Z_]+\b(?!\*)/g)].map(([name]) => name)
    expect(named).toContain('FEED_LIMITS')
    expect(named.filter((name) => !all.has(name) && !ofNode.includes(name) && !name.endsWith('_'))).toEqual(
      [],
    )
    const names = alerts.map(({ name }) => name)
    const mentioned = [...page.matchAll(/`(Tickwell\w+)`/g)].map(([, name]) => name!)
    expect(mentioned.filter((name) => !names.includes(name))).toEqual([])
  })

  it('has its alerts in groups of some size, each with a title', () => {
    for (const { title, alerts } of alertGroups) {
      expect(title).not.toBe('')
      expect(alerts.length).toBeGreaterThan(1)
    }
  })
})

describeWithPromtool('the rules', () => {
  it('are what Prometheus reads, as it is set up', async () => {
    expect(await promtool('check', 'config', join(root, 'deploy', 'prometheus.yml'))).toContain(
      '1 rule files found',
    )

    expect(await promtool('check', 'rules', rules)).toContain(`SUCCESS: ${alerts.length} rules found`)
  })
})

describe('the board', () => {
  interface Panel {
    id: number
    title: string
    type: string
    gridPos: { x: number; y: number; w: number; h: number }
    datasource?: { type: string; uid: string }
    targets?: { refId: string; expr: string; datasource: { uid: string } }[]
  }
  const { panels, templating } = JSON.parse(JSON.stringify(board())) as {
    panels: Panel[]
    templating: { list: { name: string; type: string; query: string | { query: string } }[] }
  }
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))

  it.each(queries)('$title: names only metrics and labels that there are', ({ expr }) => {
    expect(unknownIn(expr.replaceAll('$__rate_interval', '5m'))).toEqual([])
  })

  it('asks whichever Prometheus is chosen, for the jobs, instances and adapters that are', () => {
    const variables = templating.list.map(({ name, type }) => [name, type])
    expect(variables).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['instance', 'query'],
      ['adapter', 'query'],
    ])
    for (const { query } of templating.list.slice(1)) {
      const [, expr = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(
        (query as { query: string }).query,
      )!
      expect(unknownIn(`sum by (${label}) (${expr})`)).toEqual([])
    }
    const used = new Set([...JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!))
    expect([...used].sort()).toEqual(['__rate_interval', ...variables.map(([name]) => name)].sort())
    for (const { datasource, targets = [] } of panels.filter(({ type }) => type !== 'row'))
      for (const { uid } of [datasource!, ...targets.map((target) => target.datasource)])
        expect(uid).toBe('${datasource}')
  })

  it('has panels with ids and queries of their own, none over another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const places = new Set<string>()
    for (const { gridPos: place, targets = [], type } of panels) {
      expect(place.x + place.w).toBeLessThanOrEqual(24)
      for (let x = place.x; x < place.x + place.w; x++)
        for (let y = place.y; y < place.y + place.h; y++) {
          expect(places.has(`${x} ${y}`)).toBe(false)
          places.add(`${x} ${y}`)
        }
      expect(targets.length > 0).toBe(type !== 'row')
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    }
  })
})
