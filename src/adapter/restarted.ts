/** How often an adapter was restarted because its author's code threw what nobody handled, and what comes next. */
export interface Restarted {
  adapter: string
  count: number
  lastUnixMs: number
  /** What was thrown. */
  because: string
  /** When it begins again; absent while it runs. */
  nextUnixMs?: number
}
