import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { makeLogger } from '../../util/logging'
import { LogLimiter } from '../../util/log-limiter'
import { messageOf } from '../../util/objects'
import { MAX_TIMER_MS } from '../../util/sleep'
import { type Reason } from '../../validation/reason'
import { type Source } from './backlog'
import { type FeedName, type FromWorker, type Look, type WantedFeed } from './messages'
import { PublishedCache } from './published-cache'
import { WorkerLink } from './worker-link'

const logger = makeLogger('Publisher')

/** What a writer does with the messages of workers. */
export interface Answers {
  want: (feed: WantedFeed) => void
  /** Why a feed has no value. */
  explain: (feed: FeedName) => Reason | undefined
  /** Tells once why it is useless to wait so long for a feed, when that is so. @returns ends that */
  watch: (feed: FeedName, waitMs: number, tell: (reason: Reason) => void) => () => void
  /** What a page of a worker shows. */
  look: (at: Look) => Promise<unknown>
}

/** Sends what is written to the caches of this process to every worker: once per turn of the event loop, and each changed key once. */
export class Publisher {
  private readonly session = randomUUID()
  private readonly sources: Source[] = []
  private readonly links = new Set<WorkerLink>()
  private readonly watches = new Map<WorkerLink, Set<() => void>>()
  private readonly server: Server
  private readonly problems = new LogLimiter()
  private isDue = false

  constructor(private readonly answers: Answers) {
    this.server = createServer((socket) => {
      const on = {
        message: (message: FromWorker, link: WorkerLink) => this.receive(message, link),
        closed: (link: WorkerLink, error: Error | undefined) => this.drop(link, error),
      }
      this.links.add(new WorkerLink(socket, this.sources, on, this.session))
    })
  }

  /** Makes the cache of an adapter. What is written to it is sent to the workers. */
  cacheFor(adapter: string, capacity: number): PublishedCache {
    const cache = new PublishedCache(adapter, capacity, (source, key) => this.changed(source, key))
    this.sources.push(cache)
    return cache
  }

  /**
   * Listens for workers at a socket in the file system. A socket that an earlier writer left there is removed.
   *
   * @throws Error when it cannot be made
   */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(path, () => {
        this.server.removeListener('error', reject)
        this.server.on('error', (err) => logger.error({ err }, 'The link to the workers failed'))
        resolve()
      })
    })
  }

  stop(): void {
    this.server.close()
    for (const link of this.links) link.close()
    for (const watches of this.watches.values()) for (const end of watches) end()
  }

  private changed(source: Source, key: string): void {
    for (const link of this.links) link.add(source, key)
    if (this.isDue || this.links.size === 0) return
    this.isDue = true
    setImmediate(() => {
      this.isDue = false
      for (const link of this.links) link.pump()
    })
  }

  private receive(message: FromWorker, link: WorkerLink): void {
    if (message.type === 'wanted') return message.feeds.forEach((feed) => this.answers.want(feed))
    if (message.type === 'look') return void this.look(message, link)
    if (message.type === 'useless') return this.watch(message, link)
    const reason = this.answers.explain(message.feed)
    link.answer({ type: 'reason', id: message.id, reason })
  }

  private watch({ id, feed, waitMs }: FromWorker & { type: 'useless' }, link: WorkerLink): void {
    const watches = this.watches.get(link) ?? new Set()
    this.watches.set(link, watches)
    let stop = (): void => {}
    const end = (): void => {
      if (!watches.delete(end)) return
      clearTimeout(timer)
      stop()
    }
    const timer = setTimeout(end, Math.min(waitMs, MAX_TIMER_MS))
    watches.add(end)
    const started = this.answers.watch(feed, waitMs, (reason) => {
      if (!watches.has(end)) return
      end()
      // After what was written in this turn: an error of the provider is a better answer.
      setImmediate(() => link.answer({ type: 'reason', id, reason }))
    })
    // It may have been told at once.
    if (watches.has(end)) stop = started
    else started()
  }

  /** Never rejects: without an answer the worker shows what it knows itself. */
  private async look(message: FromWorker & { type: 'look' }, link: WorkerLink): Promise<void> {
    try {
      link.answer({ type: 'seen', id: message.id, seen: await this.answers.look(message) })
    } catch (err) {
      this.problems.run('look', (repeated) => {
        logger.error({ err, repeated }, `What a worker asked for could not be shown: ${messageOf(err)}`)
      })
    }
  }

  private drop(link: WorkerLink, error: Error | undefined): void {
    this.links.delete(link)
    for (const end of this.watches.get(link) ?? []) end()
    this.watches.delete(link)
    if (error === undefined) return
    this.problems.run(error.message, (repeated) => {
      logger.warn({ repeated }, `The link to a worker broke: ${error.message}`)
    })
  }
}
