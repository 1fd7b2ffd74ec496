import { isObject } from '../util/objects'
import { type GuardOptions, type GuardReason } from './guards'

/**
 * What becomes of a value that a guard is against. No guard ever changes a value.
 *
 * - `refuse`: it is not served. The last good value is served until its own end.
 * - `hold`: it is not served, and the last good value only for `maxHoldMs` more.
 * - `flag`: it is served, and counted in `data_reported_total` with the guard's reason.
 */
export type GuardOutcome = 'refuse' | 'hold' | 'flag'

/** Guards by the reasons that they give, each with what becomes of a value; `hold` for `jump` and `refuse` for all others by default. */
export type GuardOutcomes = Partial<Record<JudgedReason, GuardOutcome>>

/** The reasons of guards that look at a value. An endpoint has `onlyWanted`, and an operator `FEED_LIMITS`, for the other two. */
export type JudgedReason = Exclude<GuardReason, 'withdrawn' | 'unwanted'>

/** Of each guard, whether its values may be served: what is no number, or of no time that can be, never may (NU-1, TM-2, TM-5). */
const MAY_FLAG: Record<JudgedReason, boolean> = {
  'not-finite': false,
  missing: false,
  'not-a-number': false,
  'not-positive': true,
  'out-of-range': true,
  crossed: true,
  'impossible-time': false,
  future: false,
  backwards: true,
  'too-old': true,
  jump: true,
  frozen: true,
}

/** How long the last good value may still be served where a value is held back, in ms. */
const HOLD_MS = 10_000

const OUTCOMES: readonly unknown[] = ['refuse', 'hold', 'flag'] satisfies GuardOutcome[]

const isJudged = (name: string): name is JudgedReason => Object.hasOwn(MAY_FLAG, name)

export const isFlagged = (reason: GuardReason, { policy }: GuardOptions): boolean =>
  policy !== undefined && isJudged(reason) && policy[reason] === 'flag'

/**
 * @param flags - where a flagged reason is noted, so that further guards are asked
 * @returns the reason, unless the policy is only to flag it
 */
export const unlessFlagged = (
  reason: GuardReason | undefined,
  options: GuardOptions,
  flags: GuardReason[] | undefined,
): GuardReason | undefined => {
  if (reason === undefined || !isFlagged(reason, options)) return reason
  if (flags?.includes(reason) === false) flags.push(reason)
  return undefined
}

/** How much longer the last good value may be served after this reason refused one, in ms; undefined: until its own end. */
export const holdMsAfter = (
  reason: GuardReason,
  { policy, maxHoldMs = HOLD_MS, maxJump }: GuardOptions,
): number | undefined => {
  const outcome = (isJudged(reason) ? policy?.[reason] : undefined) ?? (reason === 'jump' ? 'hold' : 'refuse')
  if (outcome !== 'hold') return undefined
  return reason === 'jump' && typeof maxJump === 'object' ? (maxJump.maxHoldMs ?? maxHoldMs) : maxHoldMs
}

/** @throws Error naming everything in the policy of these guards that cannot be */
export const checkGuardPolicy = ({ policy, maxHoldMs }: GuardOptions, endpoint: string): void => {
  const problems = isPlain(policy)
    ? Object.entries(policy ?? {}).flatMap(([name, outcome]) => problemOf(name, outcome) ?? [])
    : ['guards.policy is not an object from guards to what becomes of their values']
  if (maxHoldMs !== undefined && !(Number.isFinite(maxHoldMs) && maxHoldMs >= 0))
    problems.push(`guards.maxHoldMs: ${maxHoldMs} is no number of ms`)
  if (problems.length === 0) return
  throw new Error(`Endpoint "${endpoint}": ${problems.join('; ')}`)
}

const isPlain = (policy: unknown): boolean =>
  policy === undefined || (isObject(policy) && !Array.isArray(policy))

const problemOf = (name: string, outcome: unknown): string | undefined => {
  const at = `guards.policy: "${name}"`
  if (!isJudged(name)) return `${at} is no guard; there are ${Object.keys(MAY_FLAG).join(', ')}`
  if (outcome === undefined) return undefined
  if (!OUTCOMES.includes(outcome))
    return `${at} may be ${OUTCOMES.join(', ')}, and not ${JSON.stringify(outcome)}`
  if (outcome === 'flag' && !MAY_FLAG[name])
    return `${at} may not be flagged, because such a value is never served`
  return undefined
}
