import { type Freshness, type FreshnessSettings, freshnessUnder } from '../freshness'
import { type GuardOptions } from '../guards'
import { type JumpGuard } from '../jump'
import { type Limits } from './schema'

/** The operator's limits for one feed, combined with what its endpoint declares. */
export interface FeedRule {
  limits: Limits
  /** The error that clients get, where the feed is withdrawn. */
  withdrawal: string | undefined
  /** The guards that are enforced: the operator's, and the endpoint's where those are enforced. */
  enforced: GuardOptions
  /** The guards that are only counted. */
  reported: GuardOptions
  /** Undefined where the operator sets no age. */
  freshness: Freshness | 'none' | undefined
}

interface Declared {
  guards: GuardOptions
  freshness: Freshness | undefined
  /** Whether the guards of the endpoint are enforced. */
  isStrict: boolean
  settings: FreshnessSettings
}

export const feedRule = (limits: Limits, declared: Declared): FeedRule => {
  const { guards, isStrict } = declared
  const said = optionsOf(limits, guards)
  return {
    limits,
    withdrawal: limits.withdrawn == null ? undefined : `The feed is withdrawn: ${limits.withdrawn}`,
    enforced: isStrict
      ? { ...guards, ...said, ...strictly(limits, guards) }
      : { ...(saysSign(limits) ? {} : { sign: 'any' }), ...said },
    reported: { ...guards, ...takenFrom(limits) },
    freshness: freshnessOf(limits, declared),
  }
}

/** Where the endpoint only flags what the operator limits, the operator's word counts. */
const strictly = (limits: Limits, { policy }: GuardOptions): Pick<GuardOptions, 'policy'> => {
  if (policy === undefined) return {}
  const outcomes = Object.entries(policy).filter(
    ([guard, outcome]) =>
      outcome !== 'flag' || !GUARDED_BY.some(([limit, by]) => by === guard && limit in limits),
  )
  return { policy: Object.fromEntries(outcomes) }
}

/** Which guard each limit is for. */
const GUARDED_BY = [
  ['min', 'out-of-range'],
  ['max', 'out-of-range'],
  ['maxJump', 'jump'],
  ['frozenAfterMs', 'frozen'],
  ['sign', 'not-positive'],
  ['allowZero', 'not-positive'],
] as const

const saysSign = ({ sign, allowZero }: Limits): boolean => sign !== undefined || allowZero !== undefined

/** null removes a limit. `sign` has to be set to `any` for that, because it is `positive` by default. */
const optionsOf = (limits: Limits, { maxJump: declared }: GuardOptions): GuardOptions => {
  const options: GuardOptions = {}
  const { min, max, maxJump, frozenAfterMs, sign, allowZero } = limits
  if (min !== undefined) options.min = min ?? undefined
  if (max !== undefined) options.max = max ?? undefined
  if (maxJump !== undefined) options.maxJump = maxJump === null ? undefined : jump(maxJump, declared)
  if (frozenAfterMs !== undefined) options.frozenAfterMs = frozenAfterMs ?? undefined
  if (sign !== undefined) options.sign = sign ?? 'any'
  if (allowZero !== undefined) options.allowZero = allowZero ?? false
  return options
}

/** Only the largest change is replaced; what else the endpoint declares about jumps stays. */
const jump = (ratio: number, declared: GuardOptions['maxJump']): number | JumpGuard =>
  typeof declared === 'object' ? { ...declared, ratio } : ratio

/** Limits that the operator sets are enforced, so they are not counted as well. */
const takenFrom = (limits: Limits): GuardOptions => {
  const names = Object.keys(limits)
  const without = Object.fromEntries(names.map((name) => [name, undefined]))
  return saysSign(limits) ? { ...without, sign: 'any' } : without
}

const freshnessOf = (
  { maxAgeMs }: Limits,
  { freshness: declared, isStrict, settings }: Declared,
): FeedRule['freshness'] => {
  if (maxAgeMs === undefined) return undefined
  if (maxAgeMs === null) return 'none'
  if (!isStrict) return { mode: declared?.mode ?? 'tick', maxAgeMs, hardMaxAgeMs: Infinity }
  return freshnessUnder({ ...settings, FRESHNESS_MAX_AGE: maxAgeMs }, declared)
}
