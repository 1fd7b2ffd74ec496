import { makeLogger } from '../../../util/logging'
import { monotonicMs } from '../../../util/clock'
import { type Reason } from '../../../validation/reason'
import { type EndpointContext } from '../../transport'
import { type Care, type Params } from './care'
import { type WebsocketTransportGenerics } from '../config'
import { Lane, type LaneListener } from './lane'
import { SilenceJudge, type SilenceTerms } from './silence'

const logger = makeLogger('WebSocketTransport')

/** How often it is looked for silent feeds. */
const LOOK_EVERY_MS = 1_000

const FIRST_MOVE = { count: 0, nextMs: 0, sinceUnixMs: undefined }

/** Times of feeds are counted from here on: small numbers take less memory. */
const ORIGIN_MS = monotonicMs()

const now = (): number => monotonicMs() - ORIGIN_MS

const timesText = (count: number): string => (count === 1 ? 'once' : `${count} times`)

/**
 * Wakes feeds that are silent while others are heard (SB-6): each is subscribed again alone, then on another connection, then at home
 * again, and so on at growing intervals. Other feeds are not touched.
 */
export class SilenceWatch<T extends WebsocketTransportGenerics> {
  readonly judge: SilenceJudge<Params<T>>
  /** Feeds that are subscribed on the other connection. */
  private readonly moved = new Map<string, Params<T>>()
  /** When a feed whose silence others have found may be moved again. */
  private readonly moves = new Map<string, { count: number; nextMs: number; sinceUnixMs: number }>()
  private lane: Lane<T> | undefined
  private readonly leaving = new Set<Promise<void>>()
  private lookedMs = -Infinity
  private version = 0
  private proceeding: Lane<T> | undefined
  /** Whether the other connection has been closed for its age, and the next one is not open yet. */
  private isBreaking = false

  constructor(
    private readonly care: Care<T>,
    terms?: SilenceTerms,
  ) {
    this.judge = new SilenceJudge<Params<T>>(terms, care.tallyOf)
  }

  get isIdle(): boolean {
    return this.moved.size === 0
  }

  isAway(id: string): boolean {
    return this.moved.has(id)
  }

  /** Feeds were subscribed on the main connection. */
  sent(feeds: readonly Params<T>[]): void {
    if (!this.care.hearsSilence) return
    const nowMs = now()
    for (const params of feeds) {
      const tally = this.care.tallyOf(params)
      if (tally !== undefined) this.judge.subscribed(this.care.idOf(params), params, tally, nowMs)
    }
  }

  /**
   * Others have found that nothing comes for these feeds, although they were asked for again alone: they are moved to another connection, at
   * growing intervals.
   */
  silent(context: EndpointContext<T>, feeds: readonly Params<T>[]): void {
    const nowMs = now()
    for (const params of feeds) {
      const id = this.care.idOf(params)
      const { count, nextMs, sinceUnixMs } = this.moves.get(id) ?? FIRST_MOVE
      if (nowMs < nextMs || this.moved.has(id) || !this.mayMove) continue
      const { firstDataMs, maxMs } = this.judge.terms
      this.moves.set(id, {
        count: count + 1,
        nextMs: nowMs + Math.min(maxMs, firstDataMs * 2 ** (count + 2)),
        sinceUnixMs: sinceUnixMs ?? Date.now(),
      })
      this.said(this.move(context, id, params))
    }
  }

  /**
   * Called in each pass, with what is wanted in all.
   *
   * @param version - changes with what is wanted
   */
  pass(context: EndpointContext<T>, isWanted: (id: string) => boolean, version: number): void {
    const nowMs = now()
    const isIdle = this.judge.size === 0 && this.moves.size === 0
    if (isIdle || nowMs - this.lookedMs < LOOK_EVERY_MS) return
    this.lookedMs = nowMs
    if (version !== this.version) this.forget(isWanted)
    this.version = version
    this.proceed(context)
    // Without a connection nothing is heard from anybody.
    if (!this.care.isOpen()) return
    for (const id of this.judge.look(nowMs)) this.wakeUp(context, id, nowMs)
  }

  reasonOf(params: Params<T>): Reason | undefined {
    const id = this.care.idOf(params)
    const silence = this.judge.silenceOf(id)
    if (silence === undefined) return this.reasonOfMoved(id, params)
    const { asks, hasSpoken, othersSpoke, sinceMs, nextMs } = silence
    const sinceUnixMs = Math.round(Date.now() - (now() - sinceMs))
    const since = new Date(sinceUnixMs).toISOString()
    const begun = hasSpoken ? `Nothing has come for this feed since ${since}` : `Subscribed since ${since}`
    const end = hasSpoken ? '' : ', nothing has come for this feed'
    const message = `${begun}, subscribed again ${timesText(asks)}${end}${othersSpoke ? ', while others tick' : ''}`
    const nextAttemptUnixMs = Math.round(Date.now() + Math.max(0, nextMs - now()))
    return { code: 'SILENT', message, sinceUnixMs, nextAttemptUnixMs }
  }

  /** A feed whose silence others have found, as long as it is on the other connection or on its way. */
  private reasonOfMoved(id: string, params: Params<T>): Reason | undefined {
    const sinceUnixMs = this.moves.get(id)?.sinceUnixMs
    const isApart = this.moved.has(id) || this.care.paramsOf(id) !== undefined
    if (sinceUnixMs === undefined || !isApart) return undefined
    const message = 'Nothing comes for this feed: it is being subscribed on another connection'
    return (this.moved.has(id) && this.lane?.reasonFor(params)) || { code: 'SILENT', message, sinceUnixMs }
  }

  async stop(): Promise<void> {
    this.endLane()
    await Promise.all(this.leaving)
  }

  /** Has what is due on the other connection sent, such as what was not answered there. */
  private proceed(context: EndpointContext<T>): void {
    const { lane } = this
    if (lane?.isOpen !== true || this.proceeding === lane) return
    if (lane.isUnresponsive) return this.endLane()
    if (this.care.recycling.isDue(lane))
      return this.leave(this.care.recycling.inTurn(context, () => this.recycle(context, lane)))
    this.proceeding = lane
    this.said(
      lane.proceed().finally(() => {
        if (this.proceeding === lane) this.proceeding = undefined
      }),
    )
  }

  private forget(isWanted: (id: string) => boolean): void {
    this.judge.keepOnly(isWanted)
    for (const id of this.moves.keys()) if (!isWanted(id)) this.moves.delete(id)
    for (const [id, params] of this.moved) if (!isWanted(id)) this.comeHome(id, params)
  }

  private wakeUp(context: EndpointContext<T>, id: string, nowMs: number): void {
    const params = this.judge.get(id)!
    const asks = this.judge.asked(id, nowMs)
    logger.debug({ feed: id, asks }, 'A silent feed is subscribed again')
    if (this.moved.has(id)) this.comeHome(id, params)
    else if (asks === 1 || !this.mayMove || this.judge.isSeldom(id))
      this.said(this.care.sendAtHome(context, [params], [params]))
    else this.said(this.move(context, id, params))
  }

  private isKnown(id: string): boolean {
    return this.moves.has(id) || this.judge.get(id) !== undefined
  }

  private get mayMove(): boolean {
    if (this.care.isSingle || this.isBreaking || this.moved.size >= this.care.perConnection) return false
    return this.lane?.isOpen === true || this.care.holdMs() === undefined
  }

  /** To the other connection, which is opened first if there is none. */
  private async move(context: EndpointContext<T>, id: string, params: Params<T>): Promise<void> {
    const lane = await this.openLane(context, params)
    if (lane === undefined || lane !== this.lane || this.care.signal.aborted || !this.isKnown(id)) return
    this.moved.set(id, params)
    await this.care.sendAtHome(context, [], [params])
    await lane.change([params])
  }

  private async openLane(context: EndpointContext<T>, params: Params<T>): Promise<Lane<T> | undefined> {
    if (this.lane?.isOpen === true) return this.lane
    const release = this.care.claimConnect()
    if (release === undefined) return undefined
    this.endLane()
    const lane = new Lane(this.care.maker, context, this.listener)
    this.place(lane)
    try {
      await lane.open(this.care.url(), [params], release)
    } catch (error) {
      if (this.lane === lane) this.endLane()
      throw error
    }
    return lane
  }

  private readonly listener: LaneListener<T> = {
    onSilent: (feeds) => {
      for (const one of feeds) this.comeHome(this.care.idOf(one), one)
    },
  }

  private place(lane: Lane<T>): void {
    this.lane = lane
    void lane.over.then(() => {
      if (this.lane === lane) this.endLane()
    })
  }

  /** Replaces the other connection, which is too old. */
  private async recycle(context: EndpointContext<T>, old: Lane<T>): Promise<void> {
    if (!this.care.makesBeforeBreak) return this.reopen(context, old)
    const feeds = [...this.moved.values()]
    const lane = await this.care.recycling.beside(context, feeds, this.listener)
    if (lane === undefined) return
    if (this.lane !== old || this.care.signal.aborted) return lane.close()
    this.place(lane)
    this.leave(old.close())
    await this.settle(lane, feeds)
  }

  private async reopen(context: EndpointContext<T>, old: Lane<T>): Promise<void> {
    this.lane = undefined
    this.isBreaking = true
    try {
      await old.close()
      if (this.care.signal.aborted) return
      const [first] = this.moved.values()
      const lane = first && (await this.openLane(context, first))
      if (lane !== undefined) return await this.settle(lane, [])
      this.moved.clear()
      this.care.wake()
    } catch (err) {
      logger.debug({ err }, 'The connection of silent feeds could not be opened again')
    } finally {
      this.isBreaking = false
    }
  }

  /** Subscribes there what has been moved, and unsubscribes what has come home meanwhile. */
  private async settle(lane: Lane<T>, feeds: Params<T>[]): Promise<void> {
    const { idOf } = this.care
    const there = new Set(feeds.map(idOf))
    const fresh = [...this.moved].flatMap(([id, params]) => (there.has(id) ? [] : [params]))
    await lane.change(
      fresh,
      feeds.filter((params) => !this.moved.has(idOf(params))),
    )
  }

  /** It is subscribed on the main connection in the next pass, if it is still wanted. */
  private comeHome(id: string, params: Params<T>): void {
    this.moved.delete(id)
    if (this.lane !== undefined) this.said(this.lane.change([], [params]))
    if (this.moved.size === 0) this.endLane()
    this.care.wake()
  }

  /** What was subscribed on the other connection comes home. */
  private endLane(): void {
    const { lane } = this
    if (lane === undefined) return
    this.lane = undefined
    this.moved.clear()
    this.leave(lane.close())
    this.care.wake()
  }

  private leave(going: Promise<void>): void {
    const gone = going.finally(() => this.leaving.delete(gone))
    this.leaving.add(gone)
  }

  private said(sent: Promise<void>): void {
    sent.catch((err: unknown) => logger.debug({ err }, 'A silent feed could not be subscribed again'))
  }
}
