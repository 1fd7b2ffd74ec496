/** The numbers of a plan; durations in ms. */
export interface Numbers {
  restartAtMs: number
  settleMs: number
  watchMs: number
  [name: string]: unknown
}

export interface Plan {
  numbers: Numbers
  symbols: string[]
  kinds: Record<'poison' | 'forgotten' | 'silent', string[]>
  bad: Set<string>
  good: string[]
}

export function planOf(isShort: boolean): Plan
export function declaredOf(
  numbers: Numbers,
): Record<'limits' | 'batches' | 'freshness' | 'caseSensitive', unknown>
export function settingsOf(numbers: Numbers): Record<string, string>
