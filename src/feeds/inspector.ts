import {
  ageMs,
  clockNote,
  instant,
  type Instant,
  later,
  monotonicMs,
  ourTime,
  secondsOf,
} from '../util/clock'
import { memberOf } from '../util/objects'
import { type Feed } from './feed'
import {
  type Age,
  ageOf,
  type Freshness,
  type FreshnessSettings,
  freshnessUnder,
  hardLimitMs,
  lifetimeMs,
} from './freshness'
import { type GuardOptions, type GuardReason, Guards, isAboutNumbers, type Standard } from './guards'
import { isFiniteValue } from './guarded-numbers'
import { holdMsAfter, isFlagged } from './guard-policy'
import { type FeedRule, feedRule } from './limits/feed-rule'
import { type Limits } from './limits/schema'
import { type AdapterResponse } from './responses'

/** A source whose times are not judged tells of the clock this often. */
const HEAR_EVERY_MS = 100

/** What happens to a value that a guard is against: it is refused (`enforce`), served and counted (`report`), or not looked at (`off`). */
export type GuardPolicy = 'enforce' | 'report' | 'off'

export interface InspectorOptions {
  guards: GuardOptions | undefined
  freshness: Freshness | undefined
  /** Paths to the numbers of the endpoint's values, if they are known. */
  fields: readonly string[] | undefined
  settings: FreshnessSettings & { GUARD_POLICY?: GuardPolicy | undefined }
  /** The operator's limits for a feed, by its name. */
  limitsFor?: ((feed: string) => Limits | undefined) | undefined
}

/** Why a value is refused. */
export interface Refusal {
  isServed: false
  reason: GuardReason
  /** For people; where the value is too old it has its age and the limit. */
  text: string
}

/** What is wrong with a value that is served nevertheless, and only counted. */
export interface Report {
  isServed: true
  reasons: readonly GuardReason[]
  /** Those of them that the endpoint itself declares as `flag`. */
  flags?: readonly GuardReason[] | undefined
}

/** What is wrong with a value. */
export type Finding = Refusal | Report

/** What an {@link Inspector} looks at in the values of a feed, and what becomes of those that it is against. */
export interface Inspection {
  policy: GuardPolicy
  guards: GuardOptions
  /** The freshness that is enforced. */
  freshness: Freshness | undefined
  /** The operator's, by FEED_LIMITS. */
  limits: Limits | undefined
}

/**
 * Checks every value of an endpoint that is no error before it is written, and decides how long it may be served: by the guards and the
 * freshness that the endpoint declares, and the operator's policy. Where an endpoint declares neither, values are served as the contract
 * says, and what is wrong with them is only counted.
 */
export class Inspector {
  private readonly guards: Guards | undefined
  private readonly isStrict: boolean
  private readonly isReported: boolean
  /** For feeds with limits of the operator, which are enforced at any endpoint. */
  private readonly ruled: Guards
  private limit: Freshness | 'none' | undefined

  constructor(private readonly of: InspectorOptions) {
    const { guards, freshness, fields, settings } = of
    const isDeclared = guards !== undefined || freshness !== undefined
    const policy = settings.GUARD_POLICY ?? (isDeclared ? 'enforce' : 'report')
    const isLookedAt = policy !== 'off' && (isDeclared || fields !== undefined)
    this.isStrict = policy === 'enforce'
    this.isReported = policy === 'report'
    this.ruled = new Guards(guards ?? {}, fields)
    this.guards = isLookedAt ? this.ruled : undefined
  }

  /** What is looked at in the values of a feed. */
  describe(feed: Feed): Inspection {
    const { guards, of } = this
    const options = feed.rule?.enforced ?? guards?.options
    const policy = guards === undefined ? 'off' : this.isStrict ? 'enforce' : 'report'
    return {
      policy: of.settings.GUARD_POLICY ?? policy,
      guards: options ?? {},
      freshness: this.freshnessOf(feed),
      limits: feed.rule?.limits,
    }
  }

  /** The operator's limits for a feed now. Undefined where the policy is `off`. */
  ruleFor({ name }: Feed): FeedRule | undefined {
    const { guards, settings, limitsFor } = this.of
    const limits = settings.GUARD_POLICY === 'off' ? undefined : limitsFor?.(name)
    if (limits === undefined) return undefined
    const isStrict = this.isStrict && this.guards !== undefined
    return feedRule(limits, { guards: guards ?? {}, freshness: this.declared, isStrict, settings })
  }

  /** Whether values of feeds that nobody asked for are refused. */
  get isForWantedOnly(): boolean {
    return this.guards !== undefined && this.isStrict && this.guards.options.onlyWanted !== false
  }

  /** The freshness that is enforced. A limit of the operator is so under any policy. Read late, because it may come from a setting. */
  get freshness(): Freshness | undefined {
    this.limit ??= this.limitNow() ?? 'none'
    return this.limit === 'none' ? undefined : this.limit
  }

  /** Whether a value is compared with the one before it, so that this has to be looked up. */
  compares(feed: Feed, { timestamps }: AdapterResponse): boolean {
    if (feed.rule !== undefined) return true
    const { guards } = this
    if (guards === undefined) return false
    // Transports of authors may write values without any times.
    return timestamps?.providerIndicatedTimeUnixMs !== undefined || guards.options.maxJump !== undefined
  }

  /** What is wrong with a new value; undefined where nothing is. */
  inspect(feed: Feed, value: AdapterResponse, standard: Standard, at: Instant): Finding | undefined {
    const { rule } = feed
    if (rule?.withdrawal !== undefined) return withdrawn(rule.withdrawal)
    if (!isFiniteValue(value)) return refused('not-finite')
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    const now =
      indicated === undefined || this.isHeard(feed, at)
        ? 0
        : ourTime.heard(feed.witness, indicated, at.monotonicMs)
    const { guards } = this
    if (rule !== undefined) return this.inspectBy(rule, feed, value, standard, at, now)
    if (guards === undefined) return this.staleness(feed, value, at) ?? this.emptiness(value)
    const { options } = guards
    const flags = options.policy && []
    const clock = { now, monotonicMs: at.monotonicMs }
    const reason = guards.judge(value, standard, feed.memory, clock, options, flags)
    if (reason !== undefined && this.isStrict) return refused(reason)
    return this.staleness(feed, value, at, flags) ?? reported(reason, flags)
  }

  /** What is wrong with a value that has been accepted before, by the limits that hold now. */
  reconsider(feed: Feed, value: AdapterResponse, received: Instant): Refusal | undefined {
    const { rule, memory } = feed
    if (rule?.withdrawal !== undefined) return withdrawn(rule.withdrawal)
    const declared = this.isStrict ? this.guards?.options : undefined
    const options = rule?.enforced ?? declared
    if (options !== undefined && isAboutNumbers(options)) {
      const reason = this.ruled.rangeOf(value, options)
      if (reason !== undefined) return refused(reason)
      if (this.ruled.isFrozen(value, options, memory, monotonicMs())) return refused('frozen')
    }
    const freshness = this.freshnessOf(feed)
    if (freshness === undefined) return undefined
    const age = ageOf(value, ourTime.now(), ageMs(received))
    return lifetimeMs(age, Infinity, freshness) > 0 ? undefined : tooOld(age, freshness)
  }

  /** The limits of a feed have changed. */
  adjust({ rule, memory }: Feed, served: AdapterResponse | undefined): void {
    const { maxJump, frozenAfterMs } = rule?.enforced ?? this.guards?.options ?? {}
    const options = {
      maxJump: maxJump ?? rule?.reported.maxJump,
      frozenAfterMs: frozenAfterMs ?? rule?.reported.frozenAfterMs,
    }
    this.ruled.adjust(options, served, memory, monotonicMs())
  }

  /** How long a value may be served from its receipt on, in ms. */
  lifetimeMs(feed: Feed, value: AdapterResponse, ttlMs: number, at: Instant): number {
    const freshness = this.freshnessOf(feed)
    return freshness === undefined ? ttlMs : lifetimeMs(ageAt(value, at), ttlMs, freshness)
  }

  /** How much longer a stored value may be served that its provider has just confirmed, in ms. */
  extensionMs(feed: Feed, value: AdapterResponse, ttlMs: number, received: Instant): number {
    const freshness = this.freshnessOf(feed)
    if (freshness === undefined) return ttlMs
    return lifetimeMs(ageOf(value, ourTime.now(), ageMs(received)), ttlMs, freshness)
  }

  /** The freshness that is enforced for a feed. */
  freshnessOf({ rule }: Feed): Freshness | undefined {
    if (rule?.freshness === undefined) return this.freshness
    return rule.freshness === 'none' ? undefined : rule.freshness
  }

  /** How much longer the last good value may be served after this reason refused one, in ms; undefined: until its own end. */
  holdMs({ rule }: Feed, reason: GuardReason): number | undefined {
    return holdMsAfter(reason, rule?.enforced ?? this.guards?.options ?? {})
  }

  /** Where no time is judged, a source need not be heard with every message. */
  private isHeard({ rule, witness }: Feed, { monotonicMs: now }: Instant): boolean {
    return this.guards === undefined && rule === undefined && now - witness.heardMs < HEAR_EVERY_MS
  }

  /** Where the provider's answer was no data, such as an HTML page, the value has no result (ER-1): that is only counted. */
  private emptiness({ result }: AdapterResponse): Report | undefined {
    return this.isReported && result === undefined ? reported('missing') : undefined
  }

  /** The operator's limits for a feed are enforced at any endpoint. */
  private inspectBy(
    { enforced, reported: reportedOptions }: FeedRule,
    feed: Feed,
    value: AdapterResponse,
    standard: Standard,
    at: Instant,
    now: number,
  ): Finding | undefined {
    const { guards, ruled, isStrict } = this
    const { memory } = feed
    const clock = { now, monotonicMs: at.monotonicMs }
    const flags = reportedOptions.policy && []
    const reason =
      isStrict && guards !== undefined
        ? guards.judge(value, standard, memory, clock, enforced, flags)
        : ruled.judgeBy(enforced, value, standard.served !== undefined, memory, at.monotonicMs)
    if (reason !== undefined) return refused(reason)
    const stale = this.staleness(feed, value, at, flags)
    if (stale !== undefined) return stale
    if (isStrict) return reported(undefined, flags)
    return reported(guards?.judge(value, standard, memory, clock, reportedOptions, flags), flags)
  }

  private get declared(): Freshness | undefined {
    const { guards, freshness } = this.of
    return freshness ?? (guards?.maxAgeMs === undefined ? undefined : tick(guards.maxAgeMs))
  }

  private limitNow(): Freshness | undefined {
    const isEnforced = this.isStrict && !isFlagged('too-old', this.of.guards ?? {})
    return freshnessUnder(this.of.settings, isEnforced ? this.declared : undefined)
  }

  /** Whether a value is too old, by its own times. What the policy only flags is noted in `flags`. */
  staleness(feed: Feed, value: AdapterResponse, at: Instant, flags?: GuardReason[]): Refusal | undefined {
    const freshness = this.freshnessOf(feed)
    if (freshness === undefined) return this.noteOld(feed, value, at, flags)
    const age = ageAt(value, at)
    return lifetimeMs(age, Infinity, freshness) > 0 ? undefined : tooOld(age, freshness)
  }

  /** Where the policy is only to flag what is too old. */
  private noteOld(
    { rule }: Feed,
    value: AdapterResponse,
    at: Instant,
    flags: GuardReason[] | undefined,
  ): undefined {
    const { declared } = this
    if (flags === undefined || declared === undefined || rule?.freshness === 'none') return
    if (!isFlagged('too-old', this.of.guards ?? {})) return
    if (lifetimeMs(ageAt(value, at), Infinity, declared) <= 0) flags.push('too-old')
  }
}

const tick = (maxAgeMs: number): Freshness => ({ mode: 'tick', maxAgeMs })

/** When a value was received: what another process wrote has only its own time of it (FR-2). */
export const receiptOf = ({ lastSet }: Feed, value: AdapterResponse): Instant => {
  const now = instant()
  const received = memberOf(memberOf(value, 'timestamps'), 'providerDataReceivedUnixMs')
  return lastSet ?? later(now, typeof received === 'number' ? received - now.unixMs : 0)
}

const ageAt = (value: AdapterResponse, { unixMs, monotonicMs: monotonic }: Instant): Age => {
  const received = value.timestamps?.providerDataReceivedUnixMs ?? unixMs
  return ageOf(value, ourTime.now(monotonic), unixMs - received)
}

const refused = (reason: GuardReason): Refusal => ({
  reason,
  isServed: false,
  text: `The last value was refused: ${reason}${clockNote()}`,
})

/** @param reason - what a guard is against that is only reported */
const reported = (reason: GuardReason | undefined, flags?: readonly GuardReason[]): Report | undefined => {
  if (flags === undefined || flags.length === 0) return reason && { isServed: true, reasons: [reason] }
  return { isServed: true, reasons: reason === undefined ? flags : [...flags, reason], flags }
}

const withdrawn = (text: string): Refusal => ({ reason: 'withdrawn', isServed: false, text })

const tooOld = ({ ms, by }: Age, freshness: Freshness): Refusal => {
  const whose = by === 'provider' ? "the provider's time" : 'its receipt'
  const text = `The last value was refused: too-old (${secondsOf(ms)} by ${whose}, ${secondsOf(hardLimitMs(freshness))} allowed)`
  return { reason: 'too-old', isServed: false, text: text + clockNote() }
}
