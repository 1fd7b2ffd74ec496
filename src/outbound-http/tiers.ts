import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'

const logger = makeLogger('RateLimiting')

/** How many requests a provider allows; all limits that are given apply (contract 11). Zero counts as not given. */
export interface AdapterRateLimitTier {
  rateLimit1s?: number
  rateLimit1m?: number
  rateLimit1h?: number
  /** In 24 hours, whenever they begin. */
  rateLimit1d?: number
  /** In 30 days, whenever they begin: for what providers call a month. */
  rateLimit30d?: number
  /**
   * The part of a window of an hour or longer that may be used after a start, until the window has passed: above 0, at most 1. What was used
   * before is not known then, unless it was kept in Redis. Default 1: all of it. An operator's `RATE_LIMIT_START_SHARE` counts before it.
   */
  startShare?: number
  note?: string
}

type Tiers = Record<string, AdapterRateLimitTier>

/** The settings that choose a budget. */
export interface RateLimitSettings {
  RATE_LIMIT_API_TIER?: string
  RATE_LIMIT_CAPACITY?: number
  RATE_LIMIT_CAPACITY_MINUTE?: number
  RATE_LIMIT_CAPACITY_SECOND?: number
}

const DAY_S = 86_400
const DAYS_30_S = 30 * DAY_S

/**
 * The limits of a tier per hour, minute and second, in this order, all converted to requests per second. Infinity where there is none. Those
 * per day and per 30 days follow, where there are any.
 */
export const consolidateTierLimits = (limits?: AdapterRateLimitTier): number[] => [
  (limits?.rateLimit1h || Infinity) / 3600,
  (limits?.rateLimit1m || Infinity) / 60,
  limits?.rateLimit1s || Infinity,
  ...(limits?.rateLimit1d ? [limits.rateLimit1d / DAY_S] : []),
  ...(limits?.rateLimit30d ? [limits.rateLimit30d / DAYS_30_S] : []),
]

/** A limit of a tier as a window. */
export interface DeclaredWindow {
  readonly lengthMs: number
  /** Infinity where the tier has none of this length. */
  readonly limit: number
}

/** The windows of a tier from a minute up, the shortest first. */
export const longWindowsOf = (limits?: AdapterRateLimitTier): DeclaredWindow[] => [
  { lengthMs: 60_000, limit: limits?.rateLimit1m || Infinity },
  { lengthMs: 3_600_000, limit: limits?.rateLimit1h || Infinity },
  { lengthMs: DAY_S * 1_000, limit: limits?.rateLimit1d || Infinity },
  { lengthMs: DAYS_30_S * 1_000, limit: limits?.rateLimit30d || Infinity },
]

/** The most permissive limit of a tier, in requests per second; 0 when it has none. */
export const highestTierLimit = (limits?: AdapterRateLimitTier): number =>
  Math.max(0, ...consolidateTierLimits(limits).filter((limit) => limit !== Infinity))

/** The most restrictive limit of a tier, in requests per second; Infinity when it has none. */
export const lowestTierLimit = (limits?: AdapterRateLimitTier): number =>
  Math.min(...consolidateTierLimits(limits))

const entriesOf = (tiers: Tiers): [string, AdapterRateLimitTier][] => {
  const entries = Object.entries(tiers)
  if (entries.length === 0) throw new Error('The tiers object is defined, but has no entries')
  return entries
}

/**
 * The most permissive limit of all tiers, in requests per second; 0 without tiers.
 *
 * @throws Error when there are tiers, but none in them
 */
export const highestRateLimitTiers = (tiers?: Tiers): number =>
  tiers === undefined ? 0 : Math.max(...entriesOf(tiers).map(([, tier]) => highestTierLimit(tier)))

/** The `RATE_LIMIT_CAPACITY*` settings as a tier. */
export const buildRateLimitTiersFromConfig = (settings: RateLimitSettings): AdapterRateLimitTier => ({
  rateLimit1s: settings.RATE_LIMIT_CAPACITY_SECOND,
  rateLimit1m: settings.RATE_LIMIT_CAPACITY_MINUTE || settings.RATE_LIMIT_CAPACITY,
})

/** Why no tier can be chosen, in the words of contract 11; undefined if one can. */
export const tierProblem = (
  settings: RateLimitSettings,
  tiers: Tiers | undefined,
  requireTierSelection?: boolean,
): string | undefined => {
  const { rateLimit1s, rateLimit1m } = buildRateLimitTiersFromConfig(settings)
  if (tiers === undefined || rateLimit1s || rateLimit1m) return undefined
  const { RATE_LIMIT_API_TIER: named } = settings
  const names = entriesOf(tiers).map(([name]) => name)
  if (named && !names.includes(named))
    return `The selected rate limit tier "${named}" is not valid (can be one of ${names.map((name) => `"${name}"`).join(', ')})`
  return !named && requireTierSelection
    ? 'This adapter requires you to specify a rate limit tier via the RATE_LIMIT_API_TIER environment variable'
    : undefined
}

/**
 * The tier that applies: the limits that the settings give as numbers, else the tier that they name, else the most restrictive one
 * (contract 11, 17.12). Undefined when there is no limit.
 *
 * @throws Error when the named tier is not in `tiers`, when `tiers` is empty, or when `requireTierSelection` is set and none is named
 */
export const getRateLimitingTier = (
  settings: RateLimitSettings,
  tiers?: Tiers,
  requireTierSelection?: boolean,
): AdapterRateLimitTier | undefined => {
  const override = buildRateLimitTiersFromConfig(settings)
  if (override.rateLimit1s || override.rateLimit1m) return override
  if (tiers === undefined) return undefined
  const problem = tierProblem(settings, tiers, requireTierSelection)
  if (problem !== undefined) throw new Error(problem)
  const entries = entriesOf(tiers)
  const { RATE_LIMIT_API_TIER: chosen } = settings
  if (chosen) {
    named(logger, settings).info(`Keeping to the rate limit tier "${chosen}"`)
    return entries.find(([name]) => name === chosen)?.[1]
  }
  const [name, tier] = entries.reduce((lowest, entry) =>
    lowestTierLimit(entry[1]) < lowestTierLimit(lowest[1]) ? entry : lowest,
  )
  named(logger, settings).info(`No rate limit tier is selected: keeping to the most restrictive, "${name}"`)
  return tier
}
