import { isDeepStrictEqual } from 'node:util'
import { type Instant, instant } from '../../util/clock'
import { named } from '../../util/line-owner'
import { makeLogger } from '../../util/logging'
import { LogLimiter } from '../../util/log-limiter'
import { goingOn } from '../../validation/reason'
import { type Cache } from '../cache'
import { type ReasonSwitch, withIt } from '../error-reason'
import { type Feed } from '../feed'
import { type Inspector, receiptOf } from '../inspector'
import { type LocalCacheEntry, localLayerOf } from '../local-cache'
import { type AdapterResponse } from '../responses'
import { storedResponse } from '../stored-response'
import { type FeedLimits, type Governed, LOOK_MS } from './feed-limits'

const logger = makeLogger('FeedLimits')

/** How long the error of a withdrawn feed stays in the cache without being renewed, for example after the writer has ended, in ms. */
export const NOTICE_MS = 15 * LOOK_MS

type Response = AdapterResponse

const isError = (response: Response): boolean => response.errorMessage !== undefined

/** The feeds of one endpoint under the operator's limits, which may change at any time. */
export class LimitedFeeds implements Governed {
  private readonly problems = new LogLimiter()

  /** @param of.onMoved - called with the key of each feed whose limits have changed, to forget what is remembered of its values */
  constructor(
    private readonly of: {
      limits: FeedLimits
      inspector: Inspector
      cache: Cache<Response>
      feeds: () => Iterable<Feed>
      onMoved: (key: string) => void
      reasons: ReasonSwitch
    },
  ) {}

  /** Called for each new feed, so that a withdrawn one has its error from the first request on. */
  created(feed: Feed): void {
    feed.rule = this.of.inspector.ruleFor(feed)
    if (feed.rule?.withdrawal !== undefined) this.withdraw(feed, feed.rule.withdrawal)
  }

  apply(): string[] {
    const { inspector, feeds } = this.of
    const moved: string[] = []
    for (const feed of feeds()) {
      const before = feed.rule
      const rule = inspector.ruleFor(feed)
      if (isDeepStrictEqual(rule?.limits, before?.limits)) continue
      feed.rule = rule
      moved.push(`${feed.endpointName}:${feed.name}`)
      this.move(feed, before?.withdrawal)
    }
    return moved
  }

  renew(): void {
    const { limits, feeds } = this.of
    if (!limits.isGoverning || !limits.withdraws) return
    const now = instant()
    for (const feed of feeds()) {
      const withdrawal = feed.rule?.withdrawal
      if (withdrawal !== undefined && !this.saysSo(feed, now)) this.announce(feed, withdrawal)
    }
  }

  private move(feed: Feed, before: string | undefined): void {
    const withdrawal = feed.rule?.withdrawal
    this.of.onMoved(feed.key)
    if (withdrawal !== undefined) return this.withdraw(feed, withdrawal)
    if (before !== undefined) this.giveBack(feed)
    else this.look(feed)
  }

  private withdraw(feed: Feed, message: string): void {
    feed.refusal = goingOn(undefined, { code: 'REFUSED_VALUE', message })
    // The first value after this is not compared with earlier ones.
    feed.memory.jump = feed.memory.frozen = undefined
    if (this.of.limits.isGoverning) this.announce(feed, message)
    else this.drop(feed)
  }

  /** The feed is no longer withdrawn: its error is removed, and the next value is served. */
  private giveBack(feed: Feed): void {
    feed.refusal = undefined
    this.of.inspector.adjust(feed, undefined)
    if (this.of.limits.isGoverning) this.attempt(() => this.of.cache.delete(feed.key))
  }

  /** The served value may not be allowed by the new limits. */
  private look(feed: Feed): void {
    const { cache, limits } = this.of
    const layer = localLayerOf(cache)
    const entry = layer?.read(feed.key)
    if (entry !== undefined || layer === cache) return this.judge(feed, entry?.value, entry)
    const { mark } = limits
    this.attempt(async () => {
      const value = await cache.get(feed.key)
      if (limits.mark === mark) this.judge(feed, value, undefined)
    })
  }

  private judge(feed: Feed, value: Response | undefined, entry: LocalCacheEntry<Response> | undefined): void {
    const { inspector, cache, limits } = this.of
    inspector.adjust(feed, value === undefined || isError(value) ? undefined : value)
    if (value === undefined || isError(value)) return
    const received = receiptOf(feed, value)
    const finding = inspector.reconsider(feed, value, received)
    if (finding === undefined) {
      const leftMs = entry === undefined ? Infinity : leftOf(entry)
      const allowedMs = inspector.extensionMs(feed, value, leftMs, received)
      if (allowedMs < leftMs && limits.isGoverning)
        this.attempt(() => cache.setTTL(feed.key, Math.ceil(allowedMs)))
      return
    }
    const code = finding.reason === 'too-old' ? 'STALE_VALUE' : 'REFUSED_VALUE'
    feed.refusal = goingOn(feed.refusal, { code, message: finding.text })
    if (limits.isGoverning) this.attempt(() => cache.delete(feed.key))
    else this.drop(feed)
  }

  /** Where another process writes: removes its value here; it comes back only if that process still has it. */
  private drop({ key }: Feed): void {
    const layer = localLayerOf(this.of.cache)
    const value = layer?.read(key)?.value
    if (value !== undefined && !isError(value)) void layer?.delete(key)
  }

  /** Whether its error is cached for long enough. Any error is taken for it, because nobody else writes errors of a withdrawn feed. */
  private saysSo({ key }: Feed, now: Instant): boolean {
    const entry = localLayerOf(this.of.cache)?.read(key)
    return entry !== undefined && isError(entry.value) && leftOf(entry, now) > NOTICE_MS / 2
  }

  /** Writes the error of a withdrawn feed. An error does not replace a live value, so that is deleted first. */
  private announce(feed: Feed, errorMessage: string): void {
    const { cache } = this.of
    const { refusal } = feed
    const timestamps = {
      providerDataStreamEstablishedUnixMs: 0,
      providerDataReceivedUnixMs: 0,
      providerIndicatedTimeUnixMs: undefined,
    }
    const plain = storedResponse({ errorMessage, statusCode: 502, timestamps }, feed.meta)
    const notice = refusal && this.of.reasons.areGiven ? withIt(plain, refusal) : plain
    // Both are sent before any is waited for, so that they reach the cache before any later write.
    this.attempt(() => Promise.all([cache.delete(feed.key), cache.set(feed.key, notice, NOTICE_MS)]))
  }

  /** A failure is only logged: the next renewal tries again. */
  private attempt(act: () => Promise<unknown>): void {
    const fail = (err: unknown): void => {
      this.problems.run('cache', (repeated) => {
        named(logger, this.of.cache).error({ err, repeated }, 'A cache did not take what feed limits ask for')
      })
    }
    try {
      act().catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

const leftOf = (entry: LocalCacheEntry<unknown>, now = instant()): number =>
  Math.min(entry.expirationTimestamp - now.unixMs, entry.endsAtMs - now.monotonicMs)
