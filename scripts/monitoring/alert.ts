/** One rule of Prometheus, and its entry in the runbook. */
export interface Alert {
  /** In the form `TickwellFeedsDown`. */
  name: string
  /** `critical`: prices are missing, or will be in a moment. `warning`: look today. `info`: good to know. */
  severity: 'critical' | 'warning' | 'info'
  expr: string
  /** How long it has to be so, as Prometheus writes times; at once where there is none. */
  for?: string
  /** One line that says what is wrong where, as a template of Prometheus. */
  summary: string
  /** What it means. Markdown, like the rest. */
  meaning: string
  /** What to look at. */
  look: readonly string[]
  /** What to do. */
  act: readonly string[]
}

export interface AlertGroup {
  name: string
  title: string
  alerts: readonly Alert[]
}
