import { type Delay, type RetryRule } from '../../src/connections/retry'
import { isRecord, isWhole, type Problems } from './problems'

/** Whether and when a connector tries again (tremor 9). */
export type Reconnect =
  | { strategy: 'none' }
  | {
      strategy: 'retry'
      intervalMs: number
      growthRate: number
      /** Failed attempts before giving up; null: never give up. */
      maxRetries: number | null
      randomized: boolean
    }

export interface ReconnectState {
  /** Failed attempts since the last success. */
  readonly failures: number
  /** The last wait, in ms; undefined before the first. */
  readonly waitMs: number | undefined
}

export interface Decision {
  state: ReconnectState
  /** Before the next attempt, in ms; undefined: there is none. */
  waitMs: number | undefined
}

/** The state at start, and again after every success. */
export const RESTED: ReconnectState = { failures: 0, waitMs: undefined }

const WAIT_WITHOUT_STRATEGY_MS = 1_000
const DEFAULT_GROWTH_RATE = 1.5

/** What follows when an attempt to connect has failed. `random` is in [0, 1). */
export const attemptFailed = (
  reconnect: Reconnect,
  { failures, waitMs }: ReconnectState,
  random: () => number,
): Decision => decide(reconnect, { failures: failures + 1, waitMs }, random)

/** What follows when an established connection has ended. */
export const connectionLost = (reconnect: Reconnect, state: ReconnectState, random: () => number): Decision =>
  decide(reconnect, state, random)

/** The same for a connector, from rest. To be begun anew after every success. */
export const reconnectRule = (
  reconnect: Reconnect,
  random: () => number,
): RetryRule<{ kind: 'failed' | 'lost' }, Delay> => {
  const rule = (from: ReconnectState): RetryRule<{ kind: 'failed' | 'lost' }, Delay> => ({
    next({ kind }) {
      const decided = kind === 'failed' ? attemptFailed : connectionLost
      const { state, waitMs } = decided(reconnect, from, random)
      return { delayMs: waitMs, next: rule(state) }
    },
  })
  return rule(RESTED)
}

const decide = (reconnect: Reconnect, state: ReconnectState, random: () => number): Decision => {
  if (reconnect.strategy === 'none')
    return { state, waitMs: state.failures === 0 ? WAIT_WITHOUT_STRATEGY_MS : undefined }
  const { maxRetries } = reconnect
  if (maxRetries !== null && state.failures >= maxRetries) return { state, waitMs: undefined }
  const waitMs = nextWait(reconnect, state.waitMs, random)
  return { state: { ...state, waitMs }, waitMs }
}

/** Grows from the wait that was drawn last, not from the interval. */
const nextWait = (
  { intervalMs, growthRate, randomized }: Extract<Reconnect, { strategy: 'retry' }>,
  last: number | undefined,
  random: () => number,
): number => {
  if (last === undefined) return intervalMs
  const grown = Math.min(Math.trunc(last * growthRate), Number.MAX_SAFE_INTEGER)
  if (!randomized) return grown
  const [low, high] = grown < last ? [grown, last] : [last, grown]
  return low + Math.floor(random() * (high - low + 1))
}

/** Reads the `reconnect` of a definition (tremor 9.1). Whatever is wrong with it goes into `problems`. */
export const parseReconnect = (given: unknown, problems: Problems): Reconnect => {
  const none: Reconnect = { strategy: 'none' }
  if (given === undefined || given === 'none') return none
  const [name, ...others] = isRecord(given) ? Object.keys(given) : []
  if (!isRecord(given) || others.length > 0 || (name !== 'none' && name !== 'retry')) {
    problems.add('reconnect', 'must be "none" or a record with `none` or `retry`')
    return none
  }
  if (name === 'retry') return parseRetry(given.retry, problems)
  if (given.none !== null) problems.add('reconnect', '`none` must be null')
  return none
}

const parseRetry = (given: unknown, problems: Problems): Reconnect => {
  const where = 'reconnect.retry'
  const fields = isRecord(given) ? given : {}
  problems.unknownKeys(where, fields, ['interval_ms', 'growth_rate', 'max_retries', 'randomized'])
  const { interval_ms: interval, growth_rate: growth = DEFAULT_GROWTH_RATE, randomized = true } = fields
  const maxRetries = fields.max_retries ?? null
  const isCount = (value: unknown): value is number => isWhole(value) && value >= 0
  if (!isCount(interval)) problems.add(where, '`interval_ms` must be a whole number of at least 0')
  if (typeof growth !== 'number' || !(growth >= 0) || growth === Infinity)
    problems.add(where, '`growth_rate` must be a finite number of at least 0')
  if (maxRetries !== null && !isCount(maxRetries))
    problems.add(where, '`max_retries` must be a whole number of at least 0, or null')
  if (typeof randomized !== 'boolean') problems.add(where, '`randomized` must be a boolean')
  return {
    strategy: 'retry',
    intervalMs: interval as number,
    growthRate: growth as number,
    maxRetries: maxRetries as number | null,
    randomized: randomized as boolean,
  }
}
