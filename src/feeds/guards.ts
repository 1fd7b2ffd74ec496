import { isObject } from '../util/objects'
import { type FrozenMemory, frozenReason } from './frozen'
import { besideReason, numberIn, OPTIONAL, rangeReason, type Reader, readerOf } from './guarded-numbers'
import { type JumpGuard, type JumpMemory, jumpReason } from './jump'
import { isBackwards } from './order'
import { type AdapterResponse } from './responses'
import { isUnixMs } from '../util/provider-time'
import { isAhead } from './time'

/** Checks on an endpoint's values. Declaring any of this makes all of it strict: a refused value is never served. */
export interface GuardOptions {
  /** How far ahead of our time a provider's own time may be, in ms. Default 5 000. */
  futureToleranceMs?: number
  /** How old a value may be by the provider's own time (by receipt where it gives none), in ms: {@link Freshness} of mode `tick`. */
  maxAgeMs?: number
  /** `positive` (default) refuses zero and below; `any` is for rates, spreads and temperatures. */
  sign?: 'positive' | 'any'
  /** Zero is a value here, although nothing below it is. */
  allowZero?: boolean
  /** Values outside are refused, never clamped. */
  min?: number
  max?: number
  /**
   * Where the numbers are that every value must have, as paths into the response. Default: `result`; on endpoints for bid and ask
   * `data.bid`, `data.mid` and `data.ask`. A guarded field holds a finite number, or decimal text that is one. What there is of
   * `data.result`, `data.bid`, `data.mid` and `data.ask` is judged as well.
   */
  fields?: readonly string[]
  /** The largest change from the last value, as a part of it (0.1 is ten percent), that needs no second tick to agree; see {@link JumpGuard}. */
  maxJump?: number | JumpGuard
  /** How long ticks may bring the same value before they are refused as frozen, in ms. Default: for ever. */
  frozenAfterMs?: number
  /** Serve only feeds that somebody asked for; a value for any other is counted and dropped. Default true. */
  onlyWanted?: boolean
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

/** What a feed's guards remember of it. */
export interface GuardMemory {
  jump?: JumpMemory
  frozen?: FrozenMemory
  /** Times before the accepted one that go forward by themselves: a provider that has begun anew. */
  restart?: { sinceMs: number; lastAsOf: number }
}

/** What a value is held against. */
export interface Standard {
  /** The live response of the feed, if there is one. */
  served: AdapterResponse | undefined
  /** The provider's time of the last value that was accepted, if it gave one. */
  acceptedAsOf: number | undefined
}

/** A provider that has begun anew is believed after this long. */
const RESTART_MS = 60_000

/**
 * TM-1. A provider that begins anew with an earlier time would be refused until it has caught up; when its times have gone forward by
 * themselves for a minute, it is believed (ER-4).
 */
const isOutOfOrder = (
  indicated: number,
  { served, acceptedAsOf }: Standard,
  memory: GuardMemory,
  clock: Clock,
  toleranceMs: number | undefined,
): boolean => {
  const servedAsOf = served?.timestamps.providerIndicatedTimeUnixMs
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
  const { providerIndicatedTimeUnixMs: indicated } = response.timestamps
  if (indicated === undefined) return undefined
  if (!isUnixMs(indicated)) return 'impossible-time'
  // The future is refused before times are compared, so that one bad stamp cannot freeze a feed (TM-2 before TM-1).
  if (isAhead(indicated, clock.now, futureToleranceMs)) return 'future'
  return isOutOfOrder(indicated, standard, memory, clock, futureToleranceMs) ? 'backwards' : undefined
}

interface Clock {
  /** Our time, in Unix ms. */
  now: number
  monotonicMs: number
}

/** The guards of an endpoint, made ready. */
export class Guards {
  private readonly readers: readonly Reader[]

  /** @param fields - that every value must have, unless the options name others */
  constructor(
    readonly options: GuardOptions,
    fields: readonly string[] = ['result'],
  ) {
    this.readers = (options.fields ?? fields).map(readerOf)
  }

  /**
   * Judges a good value by what it holds, by its time against what is served now and what was accepted last, and by what its feed has
   * brought before.
   *
   * @param options - the endpoint's, or those of the feed
   * @returns why the value is refused, or undefined
   */
  judge(
    response: AdapterResponse,
    standard: Standard,
    memory: GuardMemory,
    clock: Clock,
    options = this.options,
  ): GuardReason | undefined {
    let main: number | undefined
    for (const read of this.readers) {
      const number = numberIn(read(response))
      const reason = typeof number === 'string' ? number : rangeReason(number, options)
      if (reason !== undefined) return reason
      main ??= number as number
    }
    const reason =
      besideReason(response.data, options) ?? timeReason(response, standard, memory, clock, options)
    if (reason !== undefined || main === undefined) return reason
    return movementReason(main, options, memory, standard.served !== undefined, clock.monotonicMs)
  }

  /**
   * Judges a good value by these options alone: what the endpoint is otherwise strict about is no reason. A value without any number to
   * hold against them is refused.
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

  /** Whether its numbers are such that they are refused whenever they come. */
  rangeOf(response: AdapterResponse, options: GuardOptions): GuardReason | undefined {
    const numbers = this.numbersIn(response)
    if (numbers.length === 0) return 'missing'
    for (const number of numbers) {
      const reason = rangeReason(number, options)
      if (reason !== undefined) return reason
    }
    return undefined
  }

  /** Whether it is the same value for too long, as far as its feed remembers. */
  isFrozen(response: AdapterResponse, options: GuardOptions, memory: GuardMemory, nowMs: number): boolean {
    const [main] = this.numbersIn(response)
    const { value, sinceMs } = memory.frozen ?? {}
    if (main === undefined || main !== value || sinceMs === undefined) return false
    return nowMs - sinceMs >= (options.frozenAfterMs ?? Infinity)
  }

  /**
   * Other limits hold from now on. What they have no use for is forgotten, so that it is not held against a value much later; a first
   * jump is told from what is served now.
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

  /** The numbers that there are, the guarded ones first. */
  private numbersIn(response: AdapterResponse): number[] {
    const { data }: { data?: unknown } = response
    const beside = isObject(data) ? OPTIONAL.map((name) => data[name]) : []
    const found = [...this.readers.map((read) => read(response)), ...beside].map(numberIn)
    return found.filter((number) => typeof number === 'number')
  }
}

/** Whether any of these options is about the numbers of a value. */
export const isAboutNumbers = ({ min, max, sign, maxJump, frozenAfterMs }: GuardOptions): boolean =>
  sign !== 'any' || [min, max, maxJump, frozenAfterMs].some((limit) => limit !== undefined)

/** How it goes together with what its feed has brought before. */
const movementReason = (
  number: number,
  { maxJump, frozenAfterMs }: GuardOptions,
  memory: GuardMemory,
  hasServed: boolean,
  nowMs: number,
): GuardReason | undefined =>
  jumpReason(number, maxJump, memory, hasServed, nowMs) ?? frozenReason(number, frozenAfterMs, memory, nowMs)
