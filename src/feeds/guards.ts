import { isObject } from '../util/objects'
import { type FrozenMemory, frozenReason } from './frozen'
import { type GuardOutcomes, isFlagged, unlessFlagged } from './guard-policy'
import { besideReason, numberIn, OPTIONAL, rangeReason, type Reader, readerOf } from './guarded-numbers'
import { type JumpGuard, type JumpMemory, jumpReason } from './jump'
import { isBackwards } from './order'
import { type AdapterResponse } from './responses'
import { isUnixMs } from '../util/provider-time'
import { isAhead } from './time'

/**
 * Checks on an endpoint's values. Once an endpoint declares any of them, all are enforced: a refused value is never served. `policy` says
 * otherwise for single guards.
 */
export interface GuardOptions {
  /** How far ahead of our time a provider's own time may be, in ms. Default 5 000. */
  futureToleranceMs?: number
  /** How old a value may be, in ms, by the provider's own time or else by receipt: {@link Freshness} with mode `tick`. */
  maxAgeMs?: number
  /** `positive` (default) refuses zero and negative numbers; `any` allows them, for example for rates, spreads and temperatures. */
  sign?: 'positive' | 'any'
  /** Allows zero where `sign` is `positive`. */
  allowZero?: boolean
  /** Values outside of `min` and `max` are refused, and never changed to fit. */
  min?: number
  max?: number
  /**
   * Paths into the response to the numbers that every value must have. Default: `result`; on endpoints for bid and ask `data.bid`,
   * `data.mid` and `data.ask`. Each of these fields must be a finite number, or such a number as text. `data.result`, `data.bid`,
   * `data.mid` and `data.ask` are also checked where they are there.
   */
  fields?: readonly string[]
  /** The largest change from the last value, as a part of it (0.1 is ten percent). A larger one needs a second value: {@link JumpGuard}. */
  maxJump?: number | JumpGuard
  /** How long the provider may send the same value before it is refused as frozen, in ms. Default: no limit. */
  frozenAfterMs?: number
  /** Whether values are refused of feeds that nobody asked for. Default true. */
  onlyWanted?: boolean
  /**
   * What becomes of a value that a guard is against, by the guard's reason (the label of `data_refused_total`); see {@link GuardOutcome}.
   * Default: `hold` for `jump`, and `refuse` for all others. `not-finite`, `missing`, `not-a-number`, `impossible-time` and `future` may
   * not be `flag`: an endpoint that declares it cannot be made.
   */
  policy?: GuardOutcomes
  /** How long the last good value may still be served after a guard whose policy is `hold` refused one, in ms. Default 10 000. */
  maxHoldMs?: number
}

export type GuardReason =
  | 'not-finite'
  | 'missing'
  | 'not-a-number'
  | 'not-positive'
  | 'out-of-range'
  | 'crossed'
  | 'impossible-time'
  | 'future'
  | 'backwards'
  | 'too-old'
  | 'jump'
  | 'frozen'
  | 'withdrawn'
  | 'unwanted'

/** What guards remember of a feed's values. */
export interface GuardMemory {
  jump?: JumpMemory
  frozen?: FrozenMemory
  /** Times that are before the accepted one but go forward: the provider may have started again. */
  restart?: { sinceMs: number; lastAsOf: number }
}

/** What a value is compared with. */
export interface Standard {
  /** The live response of the feed, if there is one. */
  served: AdapterResponse | undefined
  /** The provider's time of the last value that was accepted, if it gave one. */
  acceptedAsOf: number | undefined
}

/** A provider whose times went back is believed after its new times went forward for this long. */
const RESTART_MS = 60_000

/**
 * TM-1: whether a value is older than what was accepted before. When a provider starts again with earlier times, all its values would be
 * refused until the times have caught up; so after its times went forward for a minute they are accepted (ER-4).
 */
const isOutOfOrder = (
  indicated: number,
  { served, acceptedAsOf }: Standard,
  memory: GuardMemory,
  clock: Clock,
  toleranceMs: number | undefined,
): boolean => {
  const servedAsOf = served?.timestamps?.providerIndicatedTimeUnixMs
  const { now, monotonicMs } = clock
  if (
    !isBackwards(indicated, servedAsOf, now, toleranceMs) &&
    !isBackwards(indicated, acceptedAsOf, now, toleranceMs)
  ) {
    memory.restart = undefined
    return false
  }
  const { restart } = memory
  if (restart === undefined || indicated < restart.lastAsOf) {
    memory.restart = { sinceMs: monotonicMs, lastAsOf: indicated }
    return true
  }
  const isForward = indicated > restart.lastAsOf
  restart.lastAsOf = indicated
  if (!isForward || monotonicMs - restart.sinceMs < RESTART_MS) return true
  memory.restart = undefined
  return false
}

const timeReason = (
  response: AdapterResponse,
  standard: Standard,
  memory: GuardMemory,
  clock: Clock,
  { futureToleranceMs }: GuardOptions,
): GuardReason | undefined => {
  const indicated = response.timestamps?.providerIndicatedTimeUnixMs
  if (indicated === undefined) return undefined
  if (!isUnixMs(indicated)) return 'impossible-time'
  // Times in the future are refused first: if one were accepted, all later values would be refused as older (TM-2 before TM-1).
  if (isAhead(indicated, clock.now, futureToleranceMs)) return 'future'
  return isOutOfOrder(indicated, standard, memory, clock, futureToleranceMs) ? 'backwards' : undefined
}

interface Clock {
  /** Our time, in Unix ms. */
  now: number
  monotonicMs: number
}

/** The guards of an endpoint, prepared once so that judging a message is cheap. */
export class Guards {
  private readonly readers: readonly Reader[]

  /** @param fields - paths to the numbers that every value must have, where the options do not name any */
  constructor(
    readonly options: GuardOptions,
    fields: readonly string[] = ['result'],
  ) {
    this.readers = (options.fields ?? fields).map(readerOf)
  }

  /**
   * Judges a value that is no error: by its numbers, by its time compared with the served and the last accepted value, and by earlier
   * values of its feed.
   *
   * @param options - the endpoint's, or those of the feed
   * @param flags - where reasons are noted that the policy only flags
   * @returns why the value is refused, or undefined
   */
  judge(
    response: AdapterResponse,
    standard: Standard,
    memory: GuardMemory,
    clock: Clock,
    options = this.options,
    flags?: GuardReason[],
  ): GuardReason | undefined {
    let main: number | undefined
    for (const read of this.readers) {
      const number = numberIn(read(response))
      const reason = typeof number === 'string' ? number : rangeReason(number, options, flags)
      if (reason !== undefined) return reason
      main ??= number as number
    }
    const reason =
      besideReason(response.data, options, flags) ??
      unlessFlagged(timeReason(response, standard, memory, clock, options), options, flags)
    if (reason !== undefined || main === undefined) return reason
    return movementReason(main, options, memory, standard.served !== undefined, clock.monotonicMs, flags)
  }

  /**
   * Judges a value that is no error by these options alone; what the endpoint declares is not enforced. A value without any number is
   * refused.
   */
  judgeBy(
    options: GuardOptions,
    response: AdapterResponse,
    hasServed: boolean,
    memory: GuardMemory,
    monotonicMs: number,
  ): GuardReason | undefined {
    if (!isAboutNumbers(options)) return undefined
    const reason = this.rangeOf(response, options)
    const [main] = this.numbersIn(response)
    if (reason !== undefined || main === undefined) return reason
    return movementReason(main, options, memory, hasServed, monotonicMs)
  }

  /** Why its numbers are refused by size or sign, which does not depend on other values. */
  rangeOf(response: AdapterResponse, options: GuardOptions): GuardReason | undefined {
    const numbers = this.numbersIn(response)
    if (numbers.length === 0) return 'missing'
    for (const number of numbers) {
      const reason = rangeReason(number, options)
      if (reason !== undefined) return reason
    }
    return undefined
  }

  /** Whether the value has been the same for too long, as far as its feed remembers. */
  isFrozen(response: AdapterResponse, options: GuardOptions, memory: GuardMemory, nowMs: number): boolean {
    const [main] = this.numbersIn(response)
    const { value, sinceMs } = memory.frozen ?? {}
    if (main === undefined || main !== value || sinceMs === undefined || isFlagged('frozen', options))
      return false
    return nowMs - sinceMs >= (options.frozenAfterMs ?? Infinity)
  }

  /**
   * The limits have changed. What the new ones do not need is forgotten, so that much later no value is compared with it. Where jumps are
   * limited only now, the next value is compared with the one that is served.
   */
  adjust(
    options: GuardOptions,
    served: AdapterResponse | undefined,
    memory: GuardMemory,
    atMs: number,
  ): void {
    if (options.frozenAfterMs === undefined) memory.frozen = undefined
    if (options.maxJump === undefined) memory.jump = undefined
    else if (memory.jump === undefined && served !== undefined) {
      const [value] = this.numbersIn(served)
      if (value !== undefined) memory.jump = { value, atMs }
    }
  }

  /** All numbers of a response, the guarded ones first. */
  private numbersIn(response: AdapterResponse): number[] {
    const { data }: { data?: unknown } = response
    const beside = isObject(data) ? OPTIONAL.map((name) => data[name]) : []
    const found = [...this.readers.map((read) => read(response)), ...beside].map(numberIn)
    return found.filter((number) => typeof number === 'number')
  }
}

/** Whether any of these options limits the numbers of a value. */
export const isAboutNumbers = ({ min, max, sign, maxJump, frozenAfterMs }: GuardOptions): boolean =>
  sign !== 'any' || [min, max, maxJump, frozenAfterMs].some((limit) => limit !== undefined)

/** Why a number is refused when it is compared with earlier values of its feed. */
const movementReason = (
  number: number,
  options: GuardOptions,
  memory: GuardMemory,
  hasServed: boolean,
  nowMs: number,
  flags?: GuardReason[],
): GuardReason | undefined =>
  unlessFlagged(jumpReason(number, options.maxJump, memory, hasServed, nowMs), options, flags) ??
  unlessFlagged(frozenReason(number, options.frozenAfterMs, memory, nowMs), options, flags)
