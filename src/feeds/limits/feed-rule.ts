import { type Freshness, type FreshnessSettings, freshnessUnder } from '../freshness'
import { type GuardOptions } from '../guards'
import { type JumpGuard } from '../jump'
import { type Limits } from './schema'

/** What an operator says of one feed, made ready for the endpoint that it is of. */
export interface FeedRule {
  limits: Limits
  /** What its clients are told, where it is withdrawn. */
  withdrawal: string | undefined
  /** What is refused: with all that the endpoint declares, where that is enforced; else what the operator says alone. */
  enforced: GuardOptions
  /** What is served and counted. */
  reported: GuardOptions
  /** Undefined where the operator says nothing of it. */
  freshness: Freshness | 'none' | undefined
}

interface Declared {
  guards: GuardOptions
  freshness: Freshness | undefined
  /** Whether what the endpoint declares is enforced. */
  isStrict: boolean
  settings: FreshnessSettings
}

export const feedRule = (limits: Limits, declared: Declared): FeedRule => {
  const { guards, isStrict } = declared
  const said = optionsOf(limits, guards)
  return {
    limits,
    withdrawal: limits.withdrawn == null ? undefined : `The feed is withdrawn: ${limits.withdrawn}`,
    enforced: isStrict ? { ...guards, ...said } : { ...(saysSign(limits) ? {} : { sign: 'any' }), ...said },
    reported: { ...guards, ...takenFrom(limits) },
    freshness: freshnessOf(limits, declared),
  }
}

const saysSign = ({ sign, allowZero }: Limits): boolean => sign !== undefined || allowZero !== undefined

/** null takes a limit away; that of the sign is there by default. */
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

/** The largest change is another one; what else the endpoint declares about changes stays. */
const jump = (ratio: number, declared: GuardOptions['maxJump']): number | JumpGuard =>
  typeof declared === 'object' ? { ...declared, ratio } : ratio

/** What the operator has a say in is no longer reported on. */
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
