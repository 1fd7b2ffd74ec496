import { splitArrayIntoChunks } from '../../../util/arrays'
import { monotonicMs } from '../../../util/clock'
import { makeLogger } from '../../../util/logging'
import { sleep } from '../../../util/sleep'
import { type EndpointContext } from '../../transport'
import { type Care, type Params } from './care'
import { type WebsocketTransportGenerics } from '../config'
import { Lane } from './lane'
import { type Probe } from './poison-search'
import { hasWritten } from './trials'

const logger = makeLogger('WebSocketTransport')

/** How a trial has ended: its connection lived, or was closed by the provider, or could not be had. */
export interface TrialEnd {
  outcome: 'lived' | 'died' | 'nothing'
  /** Of a death: the feeds that were subscribed and that the provider had not accepted, where it accepts subscriptions. */
  unanswered?: readonly string[]
}

export interface TrialTerms {
  /** So long the connection of a trial has to live. */
  probeMs: () => number
  /** Whether the feeds of a trial are subscribed in steps, each after the last was answered. */
  isStepwise: () => boolean
  /** Told how long the provider took to close a connection. */
  onDeath: (afterMs: number) => void
}

/** A trial takes no more steps, because each costs a message at least. */
const MOST_STEPS = 32

/** What is waited for in the trial that is under way. */
class Awaited<T extends WebsocketTransportGenerics> {
  readonly unanswered = new Set<string>()
  /** Resolves when something has come for every feed. */
  readonly proven: Promise<void>
  private readonly silent: (readonly [Params<T>, number | undefined])[]
  private prove!: () => void
  private answered = (): void => {}

  constructor(
    private readonly care: Care<T>,
    feeds: readonly Params<T>[],
  ) {
    this.silent = feeds.map((params) => [params, care.tallyOf(params)?.sets] as const)
    this.proven = new Promise((resolve) => (this.prove = resolve))
  }

  /** @returns resolves when these are answered */
  ask(feeds: readonly Params<T>[]): Promise<void> {
    for (const params of feeds) this.unanswered.add(this.care.idOf(params))
    return new Promise((resolve) => (this.answered = resolve))
  }

  onFrame(): void {
    const { silent } = this
    while (silent.length > 0 && hasWritten(this.care, ...silent.at(-1)!)) silent.pop()
    if (silent.length === 0) this.prove()
  }

  onAccepted(feeds: readonly Params<T>[]): void {
    for (const params of feeds) this.unanswered.delete(this.care.idOf(params))
    if (this.unanswered.size === 0) this.answered()
  }
}

/** A connection for trials, and the trial that is under way on it. */
interface Side<T extends WebsocketTransportGenerics> {
  readonly lane: Lane<T>
  awaited: Awaited<T> | undefined
}

/**
 * Trials of feeds on a connection beside the others. One that has lived through a trial serves the next one too, so that only a death costs
 * another connection, and its feeds go on on it until they are subscribed where they belong.
 */
export class SideTrials<T extends WebsocketTransportGenerics> {
  private side: Side<T> | undefined
  private readonly lingering = new Map<Lane<T>, Map<string, Params<T>>>()
  private readonly lanes = new Set<Lane<T>>()

  constructor(
    private readonly care: Care<T>,
    private readonly terms: TrialTerms,
  ) {}

  /** Whether a trial can be made without another connection. */
  get isOpen(): boolean {
    return this.side?.lane.isOpen === true
  }

  /** Whether any feeds go on on a side connection. */
  get hasFeeds(): boolean {
    return this.lingering.size > 0
  }

  /** @returns undefined when another connection would be needed, and there may be none now */
  async try(context: EndpointContext<T>, probe: Probe): Promise<TrialEnd | undefined> {
    const feeds = probe.feeds.map((id) => this.care.paramsOf(id)).filter((one) => one !== undefined)
    const side = this.sideFor(context, feeds.length)
    const { lane } = side
    const release = lane.isOpen ? undefined : this.care.claimConnect()
    if (release === undefined && !lane.isOpen) return undefined
    const awaited = (side.awaited = new Awaited(this.care, feeds))
    try {
      if (release !== undefined) await lane.open(this.care.url(), feeds, release)
      const sentMs = await this.subscribe(lane, feeds, awaited)
      if (!(await this.isOverWithin(lane, awaited.proven))) {
        this.linger(lane, feeds)
        return { outcome: 'lived' }
      }
      this.terms.onDeath(monotonicMs() - sentMs)
    } catch (err) {
      logger.debug({ err }, 'A side connection could not be opened')
      this.dismiss(lane)
      return { outcome: 'nothing' }
    }
    this.dismiss(lane)
    return { outcome: 'died', unanswered: [...awaited.unanswered] }
  }

  /** These feeds are subscribed where they belong, or nobody wants them: no side connection is needed for them any more. */
  endLingering(isDone: (id: string) => boolean): void {
    for (const [lane, feeds] of this.lingering) {
      const done = [...feeds].filter(([id]) => isDone(id))
      for (const [id] of done) feeds.delete(id)
      if (lane !== this.side?.lane && feeds.size === 0) this.dismiss(lane)
      else if (lane === this.side?.lane && done.length > 0) this.relieve(lane, done)
    }
  }

  /** There are no more trials now. The connection goes on for as long as it has feeds. */
  rest(): void {
    const { side } = this
    this.side = undefined
    if (side !== undefined && (this.lingering.get(side.lane)?.size ?? 0) === 0) this.dismiss(side.lane)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.lanes].map((lane) => lane.close()))
  }

  /** The connection for a trial: the one that there is, if it is open and has room. */
  private sideFor(context: EndpointContext<T>, count: number): Side<T> {
    const { side } = this
    if (side?.lane.isOpen === true && side.lane.size + count <= this.care.perConnection) return side
    this.rest()
    const fresh: Side<T> = {
      lane: new Lane(this.care.maker, context, {
        onFrame: () => fresh.awaited?.onFrame(),
        onAccepted: (feeds) => fresh.awaited?.onAccepted(feeds),
      }),
      awaited: undefined,
    }
    this.lanes.add(fresh.lane)
    this.side = fresh
    return fresh
  }

  /** @returns when the last of it was sent */
  private async subscribe(lane: Lane<T>, feeds: Params<T>[], awaited: Awaited<T>): Promise<number> {
    const size = this.terms.isStepwise() ? Math.ceil(feeds.length / MOST_STEPS) : feeds.length
    const steps = splitArrayIntoChunks(feeds, Math.max(1, size))
    let sentMs = monotonicMs()
    for (const [index, step] of steps.entries()) {
      const answered = awaited.ask(step)
      sentMs = monotonicMs()
      await lane.change(step)
      if (index < steps.length - 1) await this.isOverWithin(lane, answered)
      if (!lane.isOpen) break
    }
    return sentMs
  }

  /** Whether a lane is closed by the other side before what is waited for, or before enough time has passed. */
  private async isOverWithin(lane: Lane<T>, awaited: Promise<void>): Promise<boolean> {
    const patience = new AbortController()
    const enough = () => patience.abort()
    this.care.signal.addEventListener('abort', enough, { once: true })
    const over = lane.over.then(() => true)
    const lived = Promise.race([awaited, sleep(this.terms.probeMs(), patience.signal)]).then(() => false)
    const isOver = await Promise.race([over, lived])
    this.care.signal.removeEventListener('abort', enough)
    enough()
    return isOver
  }

  private linger(lane: Lane<T>, feeds: readonly Params<T>[]): void {
    const there = this.lingering.get(lane) ?? new Map<string, Params<T>>()
    this.lingering.set(lane, there)
    for (const params of feeds) there.set(this.care.idOf(params), params)
  }

  private relieve(lane: Lane<T>, done: [string, Params<T>][]): void {
    const stale = done.map(([, params]) => params)
    lane
      .change([], stale)
      .catch((err: unknown) => logger.debug({ err }, 'A side connection could not be relieved of its feeds'))
  }

  private dismiss(lane: Lane<T>): void {
    if (lane === this.side?.lane) this.side = undefined
    this.lingering.delete(lane)
    void lane.close().finally(() => this.lanes.delete(lane))
  }
}
