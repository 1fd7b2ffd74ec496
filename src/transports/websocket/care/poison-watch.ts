import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { monotonicMs } from '../../../util/clock'
import { sleep } from '../../../util/sleep'
import { type Reason } from '../../../validation/reason'
import { type EndpointContext } from '../../transport'
import { type WebsocketTransportGenerics } from '../config'
import { type Care, type Params } from './care'
import { PoisonSearch, type PoisonTerms, POISON_TERMS, type Probe } from './poison-search'
import { SideTrials, type TrialEnd } from './side-trials'
import { type Ended, Trials } from './trials'

const logger = makeLogger('WebSocketTransport')

export interface PoisonTimes {
  /** For so long after it was subscribed, a feed without a value may be the cause when its connection closes. */
  suspicionMs: number
  /** A connection that lives so long after a subscription was not harmed by it. It is longer where a provider took longer to close one. */
  probeMs: number
  /** For so long another connection has to be open before a trial begins, and after a connection has died of it. */
  witnessMs: number
}

export const POISON_TIMES: PoisonTimes = { suspicionMs: 10_000, probeMs: 2_000, witnessMs: 500 }

type Outcome = TrialEnd['outcome']

const NOTHING: TrialEnd = { outcome: 'nothing' }

/** How often it is looked whether what was subscribed is beyond suspicion. */
const SETTLE_EVERY_MS = 1_000
/** How often it is looked whether another connection may be opened. */
const HELD_LOOK_MS = 1_000

/**
 * Watches what happens to connections on which feeds were subscribed, and makes the trials of {@link PoisonSearch}: each on a side
 * connection, while the main one lives on with the feeds without suspicion as the witness. Where a provider allows one connection only,
 * the feeds of a trial join the main one for its time.
 */
export class PoisonWatch<T extends WebsocketTransportGenerics> {
  readonly search: PoisonSearch
  private readonly trials: Trials<T>
  private readonly aside: SideTrials<T>
  /** The trial that is made on the main connection, if one is. */
  private onMain:
    { feeds: Set<string>; isSent: boolean; begun: () => void; ended: (outcome: Outcome) => void } | undefined
  private rouse = (): void => {}
  private openedMs: number | undefined
  private closes = 0
  private settledMs = -Infinity
  private version = 0
  private isRunning = false
  private sinceUnixMs = 0
  /** How long the provider took to close a connection for what is searched now. */
  private closeMs = 0

  constructor(
    private readonly care: Care<T>,
    private readonly times: PoisonTimes = POISON_TIMES,
    terms: PoisonTerms = POISON_TERMS,
  ) {
    this.search = new PoisonSearch(terms, care.known)
    this.trials = this.trialsOfConnection()
    this.aside = new SideTrials(care, {
      probeMs: () => this.probeMs,
      isStepwise: () => this.isStepwise && this.search.trustsAnswers,
      onDeath: (afterMs) => (this.closeMs = Math.max(this.closeMs, afterMs)),
    })
  }

  /** For a further connection. */
  trialsOfConnection(): Trials<T> {
    return new Trials(this.care, this.search, this.times.suspicionMs)
  }

  isAway(id: string): boolean {
    return this.search.isAway(id) && this.onMain?.feeds.has(id) !== true
  }

  /** Whether the main connection is needed even if nothing is to be subscribed on it: a trial needs a witness. */
  get needsWitness(): boolean {
    return this.search.next(monotonicMs(), this.isWanted) !== undefined
  }

  /** The main connection was replaced: nothing is subscribed on the next one yet. */
  replaced(): void {
    this.trials.clear()
    this.openedMs = undefined
  }

  opened(): void {
    this.openedMs = monotonicMs()
    this.rouse()
  }

  /** The provider has accepted the subscription of these feeds on the main connection. */
  accepted(feeds: readonly Params<T>[]): void {
    this.trials.accepted(feeds)
  }

  /** Feeds were subscribed on the main connection. */
  sent(feeds: readonly Params<T>[]): void {
    this.trials.sent(feeds)
    this.arrived(feeds)
    const { onMain } = this
    if (onMain === undefined || onMain.isSent) return
    onMain.isSent = feeds.some((params) => onMain.feeds.has(this.care.idOf(params)))
    if (onMain.isSent) onMain.begun()
  }

  /** Feeds are subscribed where they belong: the side connection of their trial is not needed for them any more. */
  arrived(feeds: readonly Params<T>[]): void {
    if (!this.aside.hasFeeds) return
    const ids = new Set(feeds.map((params) => this.care.idOf(params)))
    this.aside.endLingering((id) => ids.has(id))
  }

  /**
   * Called in each pass, with what is wanted in all.
   *
   * @param version - changes with what is wanted
   */
  pass(context: EndpointContext<T>, isWanted: (id: string) => boolean, version: number): void {
    const now = monotonicMs()
    if (now - this.settledMs >= SETTLE_EVERY_MS) {
      this.settledMs = now
      this.trials.settle(now)
      if (version !== this.version) this.search.keepOnly(isWanted)
      this.version = version
      this.aside.endLingering((id) => !isWanted(id))
    }
    if (this.search.next(now, this.isWanted) !== undefined) this.start(context)
  }

  /**
   * The provider has closed the main connection.
   *
   * @param subscribed - how many feeds it had
   * @returns whether that is laid to feeds which are kept off it from now on, so that it may be opened again at once for the others
   */
  closed(context: EndpointContext<T>, subscribed: number): boolean {
    const ended = this.trials.end(monotonicMs(), this.probeMs)
    this.openedMs = undefined
    this.closes++
    const { onMain } = this
    if (onMain?.isSent === true) {
      onMain.ended('died')
      return true
    }
    const suspects = this.suspect(context, ended)
    return suspects > 0 && subscribed > suspects
  }

  /** The provider has closed a further connection. */
  closedAside(context: EndpointContext<T>, trials: Trials<T>): void {
    const ended = trials.end(monotonicMs(), this.probeMs)
    if (ended.delayMs !== undefined) this.suspect(context, ended)
  }

  /** @returns how many feeds are suspects now that were not before */
  private suspect(context: EndpointContext<T>, { last, earlier, delayMs = 0 }: Ended): number {
    const wasSearching = this.search.isSearching
    const suspects = this.search.closed(last, earlier)
    if (suspects.length === 0) return 0
    if (!wasSearching) this.sinceUnixMs = Date.now()
    this.closeMs = wasSearching ? Math.max(this.closeMs, delayMs) : delayMs
    named(logger, context).info(
      { suspects: suspects.length },
      'The provider closed the connection soon after feeds were subscribed: they are tried apart from the others',
    )
    this.start(context)
    return suspects.length
  }

  reasonOf(id: string): Reason | undefined {
    const sentence = this.search.sentenceOf(id)
    if (sentence !== undefined) {
      const { sinceUnixMs, kills, nextMs } = sentence
      const message = `The provider closes the connection when this feed is subscribed (seen ${kills} times with this feed alone): it is kept off, and tried again by itself`
      const nextAttemptUnixMs = Math.round(Date.now() + Math.max(0, nextMs - monotonicMs()))
      return { code: 'QUARANTINED', message, sinceUnixMs, nextAttemptUnixMs }
    }
    if (!this.search.isSuspect(id)) return undefined
    const message = `The provider closed the connection soon after feeds were subscribed: ${this.search.suspectCount} of them, with this one, are tried apart from the others`
    return { code: 'SUSPECTED', message, sinceUnixMs: this.sinceUnixMs }
  }

  async stop(): Promise<void> {
    this.rouse()
    this.onMain?.ended('nothing')
    await this.aside.stop()
    this.search.stop()
  }

  private readonly isWanted = (id: string): boolean => this.care.paramsOf(id) !== undefined

  private get probeMs(): number {
    return Math.min(this.times.suspicionMs, Math.max(this.times.probeMs, 2 * this.closeMs))
  }

  private start(context: EndpointContext<T>): void {
    if (this.isRunning || this.care.signal.aborted) return
    this.isRunning = true
    const run = this.run(context).catch((err: unknown) =>
      named(logger, context).error({ err }, 'A search for a feed failed'),
    )
    void run.finally(() => (this.isRunning = false))
  }

  private async run(context: EndpointContext<T>): Promise<void> {
    const { signal } = this.care
    while (!signal.aborted) {
      if (this.search.next(monotonicMs(), this.isWanted) === undefined) return this.aside.rest()
      // The main connection is opened for it, even where nothing is left to subscribe on it.
      this.care.wake()
      if (!(await this.witnessed()) || (await this.isHeld())) continue
      const probe = this.search.next(monotonicMs(), this.isWanted, this.isStepwise)
      if (probe === undefined) return this.aside.rest()
      const result = await (this.care.isSingle ? this.tryOnMain(probe) : this.tryAside(context, probe))
      if (signal.aborted) return
      if (result === undefined) continue
      this.note(context, probe, result)
      this.care.wake()
      if (result.outcome === 'nothing') await sleep(this.times.witnessMs, signal)
    }
  }

  private note(context: EndpointContext<T>, probe: Probe, { outcome, unanswered }: TrialEnd): void {
    const now = monotonicMs()
    if (outcome === 'lived') return this.search.lived(probe)
    if (outcome === 'nothing') return this.search.provedNothing(probe, now)
    const [only] = probe.feeds
    const wasKnown = only !== undefined && this.search.sentenceOf(only) !== undefined
    this.search.died(probe, now, Date.now(), unanswered)
    if (only === undefined || wasKnown || this.search.sentenceOf(only) === undefined) return
    named(logger, context).warn(
      { feed: only },
      'A feed was put in quarantine: the provider closes the connection when it is subscribed',
    )
  }

  /** Whether the main connection is open and has been for long enough to be a witness. Waits for it. */
  private async witnessed(): Promise<boolean> {
    const { signal } = this.care
    const { openedMs } = this
    if (this.care.isBusy()) {
      // What others wait for goes first.
      await sleep(this.times.witnessMs, signal)
      return false
    }
    if (openedMs === undefined || !this.care.isOpen()) {
      await new Promise<void>((resolve) => {
        this.rouse = resolve
        if (signal.aborted) resolve()
      })
      return false
    }
    const leftMs = openedMs + this.times.witnessMs - monotonicMs()
    if (leftMs > 0) await sleep(leftMs, signal)
    return !signal.aborted && this.openedMs === openedMs && this.care.isOpen()
  }

  /** Whether a side connection had to be waited for. */
  private async isHeld(): Promise<boolean> {
    const needsAnother = !this.care.isSingle && !this.aside.isOpen
    const holdMs = needsAnother ? this.care.holdMs() : undefined
    // There may be room sooner: an attempt that is under way now may fail unnoticed by the provider.
    if (holdMs !== undefined) await sleep(Math.min(holdMs, HELD_LOOK_MS), this.care.signal)
    return holdMs !== undefined
  }

  /** @returns undefined when there may be no other connection now */
  private async tryAside(context: EndpointContext<T>, probe: Probe): Promise<TrialEnd | undefined> {
    const isSame = this.care.currency()
    const end = await this.aside.try(context, probe)
    if (end?.outcome !== 'died') return end
    await sleep(this.times.witnessMs, this.care.signal)
    return isSame() && this.care.isOpen() ? end : NOTHING
  }

  /** Whether the provider's answers tell how far it has read, so that the feeds of a trial are subscribed one after the other. */
  private get isStepwise(): boolean {
    return this.care.isAnswering() && !this.care.isSingle
  }

  private async tryOnMain(probe: Probe): Promise<TrialEnd> {
    const { signal } = this.care
    const outcome = await new Promise<Outcome>((resolve) => {
      const begun = () => void sleep(this.probeMs, signal).then(() => resolve('lived'))
      this.onMain = { feeds: new Set(probe.feeds), isSent: false, begun, ended: resolve }
      this.care.wake()
    })
    this.onMain = undefined
    if (outcome !== 'died') return { outcome }
    const { closes } = this
    this.care.wake()
    while (!signal.aborted && this.closes === closes) if (await this.witnessed()) return { outcome }
    return NOTHING
  }
}
