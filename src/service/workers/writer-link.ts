import { connect, type Socket } from 'node:net'
import { Retry } from '../../connections/retry'
import { type Reason } from '../../validation/reason'
import { exponentialBackoff } from '../../util/backoff'
import { makeLogger } from '../../util/logging'
import { errorOf, messageOf } from '../../util/objects'
import { LogLimiter } from '../../util/log-limiter'
import { sleep } from '../../util/sleep'
import { encodeFrame, FrameReader } from './frames'
import {
  type FeedName,
  type FromWorker,
  fromWriter,
  type FromWriter,
  type Look,
  type WantedFeed,
} from './messages'
import { type MirrorCache } from './mirror-cache'
import { type Announcer, type WantedSet } from './wanted-set'
import { instant } from '../../util/clock'
import { overflowed } from '../../metrics/bounds'

const logger = makeLogger('WriterLink')

/** A client that got no value waits this long for the reason. */
const REASON_PATIENCE_MS = 500
/** So many clients can ask for a reason at the same time; further ones get none from the writer. */
const MAX_QUESTIONS = 10_000
/** When more feeds than this wait to be told, the connection is ended, and all are told on a new one. */
const MAX_UNTOLD = 100_000

type Link = { state: 'down'; sinceUnixMs: number } | { state: 'up'; socket: Socket }

/** What the writer said, or why it said nothing, if that is known. */
export type Answer = { said: unknown } | { failure: Reason | undefined }

const silent = (): Reason => ({
  code: 'WRITER_SILENT',
  message: 'The process that is connected to the data provider does not answer',
  sinceUnixMs: Date.now() - REASON_PATIENCE_MS,
})

/** A worker's end of the link. It keeps the caches equal to the writer's and tells the writer what is wanted. It always reconnects. */
export class WriterLink implements Announcer {
  /** Resolves when the caches are equal to the writer's for the first time. */
  readonly synchronised: Promise<void>
  private readonly caches = new Map<string, MirrorCache>()
  private readonly sets: WantedSet<unknown>[] = []
  private readonly untold = new Set<WantedFeed>()
  private readonly questions = new Map<number, (answer: Answer) => void>()
  private readonly problems = new LogLimiter()
  private readonly stopping = new AbortController()
  private link: Link = { state: 'down', sinceUnixMs: Date.now() }
  private isTelling = false
  private isBlocked = false
  private asked = 0
  private wasSynchronised!: () => void

  constructor(private readonly path: string) {
    this.synchronised = new Promise((resolve) => (this.wasSynchronised = resolve))
  }

  /** Keeps a cache equal to the writer's cache of this adapter. */
  mirror(adapter: string, cache: MirrorCache): void {
    this.caches.set(adapter, cache)
  }

  follow(set: WantedSet<unknown>): void {
    this.sets.push(set)
  }

  announce(feed: WantedFeed): void {
    if (this.link.state === 'down') return
    this.untold.add(feed)
    if (this.untold.size > MAX_UNTOLD) {
      overflowed('told_feeds')
      return void this.link.socket.destroy(new Error('the writer is too slow'))
    }
    if (this.isTelling || this.isBlocked) return
    this.isTelling = true
    queueMicrotask(() => this.tell())
  }

  /** What is wrong with the writer, for clients that get no value; undefined while there is a connection to it. */
  get outage(): Reason | undefined {
    if (this.link.state === 'up') return undefined
    const message = 'The process that is connected to the data provider is not running; it is being replaced'
    return { code: 'WRITER_DOWN', message, sinceUnixMs: this.link.sinceUnixMs }
  }

  /** Why a feed has no value: what the writer answers, or that it does not answer. Never rejects. */
  async explain(feed: FeedName): Promise<Reason | undefined> {
    const answer = await this.ask((id) => ({ type: 'why', id, feed }))
    return 'said' in answer ? (answer.said as Reason | undefined) : answer.failure
  }

  /**
   * Tells why it is useless to wait so long for a feed, when the writer says so. Says nothing while there is no writer: another one comes.
   *
   * @returns ends that
   */
  watch(feed: FeedName, waitMs: number, tell: (reason: Reason) => void): () => void {
    if (this.link.state === 'down' || !this.hasRoom()) return () => {}
    const id = this.asked++
    const end = () => void this.questions.delete(id)
    this.questions.set(id, (answer) => {
      end()
      const said = 'said' in answer ? (answer.said as Reason | undefined) : undefined
      if (said !== undefined) tell(said)
    })
    this.send({ type: 'useless', id, feed, waitMs })
    return end
  }

  /** What the writer sees, or why it does not say. Never rejects. */
  async look(at: Look): Promise<Answer> {
    return this.ask((id) => ({ type: 'look', id, ...at }))
  }

  private hasRoom(): boolean {
    if (this.questions.size < MAX_QUESTIONS) return true
    overflowed('writer_questions')
    return false
  }

  private async ask(question: (id: number) => FromWorker): Promise<Answer> {
    if (!this.hasRoom() || this.link.state === 'down') return { failure: this.outage }
    const id = this.asked++
    const over = new AbortController()
    const answered = new Promise<Answer>((resolve) => this.questions.set(id, resolve))
    this.send(question(id))
    const silence = sleep(REASON_PATIENCE_MS, over.signal).then(() => ({ failure: this.outage ?? silent() }))
    const answer = await Promise.race([answered, silence])
    over.abort()
    this.questions.delete(id)
    return answer
  }

  start(): void {
    void this.run()
  }

  stop(): void {
    this.stopping.abort()
    if (this.link.state === 'up') this.link.socket.destroy()
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping
    const retry = new Retry(exponentialBackoff({ minMs: 20, maxMs: 500, factor: 2 }))
    while (!signal.aborted) {
      if (await this.connection()) retry.reset()
      await retry.pause(undefined, signal)
    }
  }

  /** One connection, from the attempt to its end. @returns whether it was open */
  private connection(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.path)
      const reader = new FrameReader()
      let reason = 'it was closed'
      socket.on('connect', () => this.up(socket))
      socket.on('data', (chunk) => {
        try {
          for (const message of reader.push(chunk)) this.receive(fromWriter(message))
        } catch (error) {
          socket.destroy(errorOf(error))
        }
      })
      socket.on('drain', () => {
        this.isBlocked = false
        this.tell()
      })
      socket.on('error', (error) => (reason = error.message))
      socket.on('close', () => {
        const wasUp = this.link.state === 'up'
        if (wasUp) this.down(reason)
        resolve(wasUp)
      })
    })
  }

  private up(socket: Socket): void {
    if (this.stopping.signal.aborted) return void socket.destroy()
    this.link = { state: 'up', socket }
    this.isBlocked = false
    for (const set of this.sets) for (const feed of set.all()) this.untold.add(feed)
    this.tell()
  }

  private down(reason: string): void {
    this.link = { state: 'down', sinceUnixMs: Date.now() }
    this.untold.clear()
    for (const answer of this.questions.values()) answer({ failure: this.outage })
    if (this.stopping.signal.aborted) return
    this.problems.run('down', (repeated) => {
      logger.warn(
        { repeated },
        `The link to the writer broke (${reason}): what is known is served until it ends`,
      )
    })
  }

  /** @throws Error for anything that is not a message of a writer */
  private receive(message: FromWriter | undefined): void {
    switch (message?.type) {
      case 'hello':
        for (const cache of this.caches.values()) cache.begin(message.session)
        return
      case 'entries': {
        const cache = this.caches.get(message.adapter)
        const now = instant()
        if (cache !== undefined) for (const entry of message.entries) cache.apply(entry, now)
        return
      }
      case 'synchronised':
        for (const cache of this.caches.values()) cache.complete()
        return this.wasSynchronised()
      case 'reason':
        return this.questions.get(message.id)?.({ said: message.reason })
      case 'seen':
        return this.questions.get(message.id)?.({ said: message.seen })
      case undefined:
        throw new Error('The writer sent something unknown')
    }
  }

  private tell(): void {
    this.isTelling = false
    if (this.untold.size === 0) return
    const feeds = [...this.untold]
    this.untold.clear()
    this.send({ type: 'wanted', feeds })
  }

  private send(message: FromWorker): void {
    if (this.link.state === 'down') return
    try {
      if (!this.link.socket.write(encodeFrame(message))) this.isBlocked = true
    } catch (err) {
      this.refused(message, err)
    }
  }

  /** IS-1: one feed whose parameters cannot be sent does not cost the others. */
  private refused(message: FromWorker, err: unknown): void {
    if (message.type === 'wanted' && message.feeds.length > 1)
      return message.feeds.forEach((feed) => this.send({ type: 'wanted', feeds: [feed] }))
    this.problems.run('encode', (repeated) => {
      logger.error({ err, repeated }, `The writer cannot be asked for a feed: ${messageOf(err)}`)
    })
  }
}
