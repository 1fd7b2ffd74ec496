import { ageMs, clockNote, type Instant, ourTime } from '../util/clock'
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
import { type GuardOptions, type GuardReason, Guards, isFiniteValue, type Standard } from './guards'
import { HOLD_MS } from './jump'
import { type AdapterResponse } from './responses'

/** What becomes of a value that a guard is against: it is not served, it is served and counted, or nobody looks. */
export type GuardPolicy = 'enforce' | 'report' | 'off'

export interface InspectorOptions {
  guards: GuardOptions | undefined
  freshness: Freshness | undefined
  /** Where the numbers of the endpoint's values are, if it is known. */
  fields: readonly string[] | undefined
  settings: FreshnessSettings & { GUARD_POLICY?: GuardPolicy | undefined }
}

/** What is wrong with a value. */
export interface Finding {
  reason: GuardReason
  /** Whether it is served all the same, and only counted. */
  isServed: boolean
  /** For people: with ages and limits where the time is what is wrong. */
  text: string
}

/**
 * Looks at every good value of an endpoint before it is written, and says for how long it may live: its guards and its freshness, under
 * the operator's policy. An endpoint that declares neither keeps what the contract says, and is reported on.
 */
export class Inspector {
  private readonly guards: Guards | undefined
  private readonly isStrict: boolean
  private readonly isReported: boolean
  private limit: Freshness | 'none' | undefined

  constructor(private readonly of: InspectorOptions) {
    const { guards, freshness, fields, settings } = of
    const isDeclared = guards !== undefined || freshness !== undefined
    const policy = settings.GUARD_POLICY ?? (isDeclared ? 'enforce' : 'report')
    const isLookedAt = policy !== 'off' && (isDeclared || fields !== undefined)
    this.isStrict = policy === 'enforce'
    this.isReported = policy === 'report'
    this.guards = isLookedAt ? new Guards(guards ?? {}, fields) : undefined
  }

  /** Whether only feeds that somebody asked for are served. */
  get isForWantedOnly(): boolean {
    return this.guards !== undefined && this.isStrict && this.guards.options.onlyWanted !== false
  }

  /** What is enforced: where the operator names a limit, whatever the policy is. Looked up late, because limits may be settings. */
  get freshness(): Freshness | undefined {
    this.limit ??= this.limitNow() ?? 'none'
    return this.limit === 'none' ? undefined : this.limit
  }

  /** What is wrong with a value; undefined where it may be served. */
  inspect(feed: Feed, value: AdapterResponse, standard: () => Standard, at: Instant): Finding | undefined {
    if (!isFiniteValue(value)) return refused('not-finite')
    const indicated = value.timestamps?.providerIndicatedTimeUnixMs
    if (indicated !== undefined) ourTime.heard(feed.witness, indicated)
    const { guards } = this
    if (guards === undefined) return this.staleness(value, at) ?? this.emptiness(value)
    const clock = { now: ourTime.now(), monotonicMs: at.monotonicMs }
    const reason = guards.judge(value, standard(), feed.memory, clock)
    if (reason !== undefined && this.isStrict) return refused(reason)
    return this.staleness(value, at) ?? (reason && { ...refused(reason), isServed: true })
  }

  /** For how long a value may be served from the moment at which it came, in ms. */
  lifetimeMs(value: AdapterResponse, ttlMs: number, at: Instant): number {
    const { freshness } = this
    return freshness === undefined ? ttlMs : lifetimeMs(ageAt(value, at), ttlMs, freshness)
  }

  /** For how much longer a stored value may be served whose provider has just said that it still holds, in ms. */
  extensionMs(value: AdapterResponse, ttlMs: number, received: Instant): number {
    const { freshness } = this
    if (freshness === undefined) return ttlMs
    return lifetimeMs(ageOf(value, ourTime.now(), ageMs(received)), ttlMs, freshness)
  }

  /** For how long the value before a jump may still be served, in ms. */
  get holdMs(): number {
    const { maxJump } = this.guards?.options ?? {}
    return typeof maxJump === 'object' ? (maxJump.maxHoldMs ?? HOLD_MS) : HOLD_MS
  }

  /** A body that is no data, such as a page of HTML, ends as a value that is none (ER-1). */
  private emptiness({ result }: AdapterResponse): Finding | undefined {
    return this.isReported && result === undefined ? { ...refused('missing'), isServed: true } : undefined
  }

  private limitNow(): Freshness | undefined {
    const { guards, freshness, settings } = this.of
    const declared = freshness ?? (guards?.maxAgeMs === undefined ? undefined : tick(guards.maxAgeMs))
    return freshnessUnder(settings, this.isStrict ? declared : undefined)
  }

  private staleness(value: AdapterResponse, at: Instant): Finding | undefined {
    const { freshness } = this
    if (freshness === undefined) return undefined
    const age = ageAt(value, at)
    return lifetimeMs(age, Infinity, freshness) > 0 ? undefined : tooOld(age, freshness)
  }
}

const tick = (maxAgeMs: number): Freshness => ({ mode: 'tick', maxAgeMs })

const ageAt = (value: AdapterResponse, { unixMs }: Instant): Age => {
  const received = value.timestamps?.providerDataReceivedUnixMs ?? unixMs
  return ageOf(value, ourTime.now(), unixMs - received)
}

const refused = (reason: GuardReason): Finding => ({
  reason,
  isServed: false,
  text: `The last value was refused: ${reason}${clockNote()}`,
})

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

const tooOld = ({ ms, by }: Age, freshness: Freshness): Finding => {
  const whose = by === 'provider' ? "the provider's time" : 'its receipt'
  const text = `The last value was refused: too-old (${seconds(ms)} by ${whose}, ${seconds(hardLimitMs(freshness))} allowed)`
  return { reason: 'too-old', isServed: false, text: text + clockNote() }
}
