import { makeLogger } from '../../../util/logging'
import { monotonicMs } from '../../../util/clock'
import { type Reason } from '../../../validation/reason'
import { type EndpointContext } from '../../transport'
import { type Care, type Params } from './care'
import { type WebsocketTransportGenerics } from '../config'
import { Lane } from './lane'
import { SilenceJudge, type SilenceTerms } from './silence'

const logger = makeLogger('WebSocketTransport')

/** How often it is looked for silent feeds. */
const LOOK_EVERY_MS = 1_000

const FIRST_MOVE = { count: 0, nextMs: 0, sinceUnixMs: undefined }

const timesText = (count: number): string => (count === 1 ? 'once' : `${count} times`)

/**
 * Wakes feeds that are silent while others are heard (SB-6): each is subscribed again alone, then on another connection, then at home
 * again, and so on at growing intervals. Other feeds are not touched.
 */
export class SilenceWatch<T extends WebsocketTransportGenerics> {
  readonly judge: SilenceJudge
  /** Feeds that are subscribed on the other connection. */
  private readonly moved = new Map<string, Params<T>>()
  /** When a feed whose silence others have found may be moved again. */
  private readonly moves = new Map<string, { count: number; nextMs: number; sinceUnixMs: number }>()
  private readonly known = new Map<string, Params<T>>()
  private lane: Lane<T> | undefined
  private readonly leaving = new Set<Promise<void>>()
  private lookedMs = -Infinity
  private proceeding: Lane<T> | undefined

  constructor(
    private readonly care: Care<T>,
    terms?: SilenceTerms,
  ) {
    this.judge = new SilenceJudge(terms)
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
    const [nowMs, nowUnixMs] = [monotonicMs(), Date.now()]
    for (const params of feeds) {
      const writes = this.care.writesOf(params)
      if (writes === undefined) continue
      const id = this.care.idOf(params)
      this.known.set(id, params)
      this.judge.subscribed(id, writes, nowMs, nowUnixMs)
    }
  }

  /**
   * Others have found that nothing comes for these feeds, although they were asked for again alone: they are moved to another connection, at
   * growing intervals.
   */
  silent(context: EndpointContext<T>, feeds: readonly Params<T>[]): void {
    const now = monotonicMs()
    for (const params of feeds) {
      const id = this.care.idOf(params)
      const { count, nextMs, sinceUnixMs } = this.moves.get(id) ?? FIRST_MOVE
      if (now < nextMs || this.moved.has(id) || !this.mayMove) continue
      const { firstDataMs, maxMs } = this.judge.terms
      this.moves.set(id, {
        count: count + 1,
        nextMs: now + Math.min(maxMs, firstDataMs * 2 ** (count + 2)),
        sinceUnixMs: sinceUnixMs ?? Date.now(),
      })
      this.known.set(id, params)
      this.said(this.move(context, id, params))
    }
  }

  /** Called in each pass, with what is wanted in all. */
  pass(context: EndpointContext<T>, isWanted: (id: string) => boolean): void {
    const now = monotonicMs()
    if (this.known.size === 0 || now - this.lookedMs < LOOK_EVERY_MS) return
    this.lookedMs = now
    this.forget(isWanted)
    this.proceed()
    const writesOf = (id: string): number => this.care.writesOf(this.known.get(id)!) ?? 0
    // Without a connection nothing is heard from anybody.
    if (!this.care.isOpen()) return
    for (const id of this.judge.look(now, Date.now(), writesOf)) this.wakeUp(context, id, now)
  }

  reasonOf(id: string): Reason | undefined {
    const params = this.known.get(id)
    if (params === undefined) return undefined
    const silence = this.judge.silenceOf(id, this.care.writesOf(params) ?? 0)
    if (silence === undefined) return this.reasonOfMoved(id, params)
    const { asks, hasSpoken, othersSpoke, sinceUnixMs, nextMs } = silence
    const since = new Date(sinceUnixMs).toISOString()
    const begun = hasSpoken ? `Nothing has come for this feed since ${since}` : `Subscribed since ${since}`
    const end = hasSpoken ? '' : ', nothing has come for this feed'
    const message = `${begun}, subscribed again ${timesText(asks)}${end}${othersSpoke ? ', while others tick' : ''}`
    const nextAttemptUnixMs = Math.round(Date.now() + Math.max(0, nextMs - monotonicMs()))
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
  private proceed(): void {
    const { lane } = this
    if (lane?.isOpen !== true || this.proceeding === lane) return
    this.proceeding = lane
    this.said(
      lane.proceed().finally(() => {
        if (this.proceeding === lane) this.proceeding = undefined
      }),
    )
  }

  private forget(isWanted: (id: string) => boolean): void {
    this.judge.keepOnly(isWanted)
    for (const [id, params] of this.known) {
      if (isWanted(id)) continue
      this.known.delete(id)
      this.moves.delete(id)
      if (this.moved.has(id)) this.comeHome(id, params)
    }
  }

  private wakeUp(context: EndpointContext<T>, id: string, now: number): void {
    const params = this.known.get(id)!
    const asks = this.judge.asked(id, now)
    logger.debug({ feed: id, asks }, 'A silent feed is subscribed again')
    if (this.moved.has(id)) this.comeHome(id, params)
    else if (asks === 1 || !this.mayMove) this.said(this.care.sendAtHome(context, [params], [params]))
    else this.said(this.move(context, id, params))
  }

  private get mayMove(): boolean {
    if (this.care.isSingle || this.moved.size >= this.care.perConnection) return false
    return this.lane?.isOpen === true || this.care.holdMs() === undefined
  }

  /** To the other connection, which is opened first if there is none. */
  private async move(context: EndpointContext<T>, id: string, params: Params<T>): Promise<void> {
    const lane = await this.openLane(context, params)
    if (lane === undefined || lane !== this.lane || this.care.signal.aborted || !this.known.has(id)) return
    this.moved.set(id, params)
    await this.care.sendAtHome(context, [], [params])
    await lane.change([params])
  }

  private async openLane(context: EndpointContext<T>, params: Params<T>): Promise<Lane<T> | undefined> {
    if (this.lane?.isOpen === true) return this.lane
    const release = this.care.claimConnect()
    if (release === undefined) return undefined
    this.endLane()
    const lane = new Lane(this.care.maker, context, {
      onSilent: (feeds) => {
        for (const one of feeds) this.comeHome(this.care.idOf(one), one)
      },
    })
    this.lane = lane
    void lane.over.then(() => {
      if (this.lane === lane) this.endLane()
    })
    try {
      await lane.open(this.care.url(), [params], release)
    } catch (error) {
      if (this.lane === lane) this.endLane()
      throw error
    }
    return lane
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
    const gone = lane.close().finally(() => this.leaving.delete(gone))
    this.leaving.add(gone)
    this.care.wake()
  }

  private said(sent: Promise<void>): void {
    sent.catch((err: unknown) => logger.debug({ err }, 'A silent feed could not be subscribed again'))
  }
}
