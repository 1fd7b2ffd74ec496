import { makeLogger } from '../../../src/util/logging'
import { type TransportGenerics } from '../../../src/public/transports'
import { TransferError } from '../errors'
import { type LiveFeed, planPush, type SinkMode } from './plan'
import { pushToStrapi, type PushOutcome, type PushServer, type SentDocument } from './push-transfer'
import { liveFeeds, type SinkSource } from './sink-feeds'
import { isCommitted } from './verification'

const logger = makeLogger('StrapiPush')

/** What a sink has done so far. Times are Unix ms. */
export interface SinkReport {
  /** Rows in the last push that was committed. */
  result: number
  committedAtUnixMs: number
  /** Since the process started. */
  committedPushes: number
  committedRows: number
}

/** What one pass needs: the server, and what to send to it. */
export interface SinkTask<Source extends TransportGenerics> {
  server: PushServer
  /** The same server with a token that has the `pull` permission. */
  verification: PushServer
  mode: SinkMode
  contentType: string
  source: SinkSource<Source>
}

/** A push that may or may not have been committed. */
interface Doubt {
  documents: readonly SentDocument[]
  feeds: readonly LiveFeed[]
}

export interface SinkWatcher {
  /** One push, by what became of it. */
  pushed: (outcome: PushOutcome['kind']) => void
  /** Something that is not in Strapi, by a name of a closed set. */
  lost: (reason: 'handler-failed' | 'rows-not-repeated', detail: string, error?: unknown) => void
}

/**
 * Pushes what is served and has not been pushed, and knows what Strapi has. Nothing is repeated while it is unknown whether a push was
 * committed: that is looked up first. In the mode `append` it is not repeated at all, because rows could be doubled.
 */
export class Sink<Source extends TransportGenerics> {
  report: SinkReport = { result: 0, committedAtUnixMs: 0, committedPushes: 0, committedRows: 0 }
  /** By key of the source's feed: the row that Strapi has. */
  private readonly pushed = new Map<string, string>()
  private doubt: Doubt | undefined
  private readonly startedAt = Date.now()

  constructor(private readonly watcher: SinkWatcher) {}

  /** How many rows may be in Strapi or not. */
  get rowsInDoubt(): number {
    return this.doubt?.documents.length ?? 0
  }

  /** Whether every feed has a value. */
  async isComplete(source: SinkSource<Source>): Promise<boolean> {
    const { live, expected } = await liveFeeds(source, () => {})
    return expected > 0 && live.length === expected
  }

  /** Everything that is to be pushed now, in one push or several. @throws TransferError; the next pass goes on from there */
  async pass(task: SinkTask<Source>, signal: AbortSignal): Promise<void> {
    if (this.doubt !== undefined) await this.resolve(this.doubt, task, signal)
    const { mode, contentType, source, server } = task
    const { live, expected } = await liveFeeds(source, (error) =>
      this.watcher.lost('handler-failed', 'a value that cannot be made into a row', error),
    )
    this.forgetAllBut(live)
    const due = this.pushable(live, mode)
    for (;;) {
      const plan = planPush(mode, contentType, due, expected, this.pushed)
      if (plan.kind === 'nothing') return
      if (plan.kind === 'incomplete') {
        const message = `${plan.missing} of ${expected} feeds have no value: the others are not put in the place of all rows`
        throw new TransferError('rows-missing', message)
      }
      this.settle(await pushToStrapi(server, plan.content, plan.mode, signal), plan.feeds)
    }
  }

  /** What an earlier process may have appended already, this one does not append again. */
  private pushable(live: readonly LiveFeed[], mode: SinkMode): readonly LiveFeed[] {
    return mode.kind === 'append' ? live.filter(({ asOfUnixMs }) => asOfUnixMs >= this.startedAt) : live
  }

  /** @throws TransferError unless it was committed */
  private settle(outcome: PushOutcome, feeds: readonly LiveFeed[]): void {
    this.watcher.pushed(outcome.kind)
    if (outcome.kind === 'committed') return this.committed(outcome.documents, feeds)
    if (outcome.kind === 'unknown') this.doubt = { documents: outcome.documents, feeds }
    throw outcome.error
  }

  /** Looks up what became of a push. @throws TransferError while that cannot be known */
  private async resolve(
    doubt: Doubt,
    { verification, mode }: SinkTask<Source>,
    signal: AbortSignal,
  ): Promise<void> {
    const { documents, feeds } = doubt
    const isThere = await isCommitted(verification, documents, signal)
    this.doubt = undefined
    if (isThere) {
      logger.info({ rows: documents.length }, 'A push of unknown outcome was found to be committed')
      return this.committed(documents, feeds)
    }
    if (mode.kind !== 'append') return
    this.remember(feeds)
    this.watcher.lost('rows-not-repeated', `${documents.length} rows`)
    logger.error(
      { rows: documents.length },
      'Rows that were to be appended are not in Strapi, and are not sent again',
    )
  }

  private committed({ length }: readonly SentDocument[], feeds: readonly LiveFeed[]): void {
    this.remember(feeds)
    const { committedPushes, committedRows } = this.report
    this.report = {
      result: length,
      committedAtUnixMs: Date.now(),
      committedPushes: committedPushes + 1,
      committedRows: committedRows + length,
    }
  }

  private remember(feeds: readonly LiveFeed[]): void {
    for (const { key, row } of feeds) this.pushed.set(key, row)
  }

  private forgetAllBut(live: readonly LiveFeed[]): void {
    const keys = new Set(live.map(({ key }) => key))
    for (const key of this.pushed.keys()) if (!keys.has(key)) this.pushed.delete(key)
  }
}
