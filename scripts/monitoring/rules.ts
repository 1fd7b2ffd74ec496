import { stringify } from 'yaml'
import { type Alert, type AlertGroup } from './alert'
import { anchorOf } from './runbook'

const ruleOf = ({ name, severity, expr, for: lasting, summary }: Alert) => ({
  alert: name,
  expr,
  ...(lasting !== undefined && { for: lasting }),
  labels: { severity },
  annotations: { summary, runbook_url: `docs/runbook.md#${anchorOf(name)}` },
})

const HEAD = `# Alerts for Prometheus, one entry each in docs/runbook.md. How to use them: docs/monitoring.md.
# Generated from scripts/monitoring: npm run monitoring
`

/** The rules, as YAML that Prometheus reads. */
export const renderRules = (groups: readonly AlertGroup[]): string => {
  const rules = { groups: groups.map(({ name, alerts }) => ({ name, rules: alerts.map(ruleOf) })) }
  return HEAD + stringify(rules, { lineWidth: 0, singleQuote: true })
}
