import { makeLogger } from '../../../src/util/logging'
import { serverKey } from '../admin-url'
import { type RetryLimits } from '../dispatcher'
import { TransferError, type TransferReason } from '../errors'
import { type Diagnostic, type Stage } from '../frames'
import { type LockOptions, withServer } from '../server-lock'
import { TransferSession, type TransferOptions } from '../session'
import { inBatches } from './batches'
import { checkContent } from './content-check'
import { encodeLinks, encodeRows, type PushContent } from './content'
import { deletes, optionsOf, type PushMode, type PushOptions } from './mode'
import { readSchemas, type Schemas } from './schemas'
import { checkVersion } from './server-version'

const logger = makeLogger('StrapiPush')

export interface PushServer extends TransferOptions {
  /** Name of the one that pushes, shown to others that wait for the server. */
  owner: string
  /** For how long to wait until other transfers of this process with the server have ended, in ms. Default 120 000. */
  lockWaitMs?: number
  /** A push that takes longer is broken off, and so undone, in ms. Default 300 000. */
  maxDurationMs?: number
}

/** One document that was sent. Found in Strapi, it proves that the push was committed: its identity is new and nobody else's. */
export interface SentDocument {
  type: string
  documentId: string
}

/**
 * What became of a push. There is nothing between all and nothing: the server writes in one transaction.
 *
 * - `committed`: the server has taken it. (It answers when the commit is asked for, not when it is done: spec 9.1.)
 * - `unchanged`: for certain nothing was written or deleted.
 * - `unknown`: it was to be committed, and no answer came. To be looked up in Strapi before anything is repeated.
 */
export type PushOutcome =
  | { kind: 'committed'; documents: readonly SentDocument[] }
  | { kind: 'unchanged'; error: TransferError }
  | { kind: 'unknown'; error: TransferError; documents: readonly SentDocument[] }

/** One that is not answered leaves nothing to wait for: dropping the socket rolls back as well. In ms. */
const ROLLBACK_TIMEOUT_MS = 15_000

/** The server checks these before it does anything. If it refuses `close` with one of them, nothing was committed. */
const REFUSED_UNDONE: ReadonlySet<TransferReason> = new Set([
  'token-expired',
  'token-refused',
  'token-not-permitted',
  'transfer-terminated',
])

/**
 * Writes rows into Strapi, all or none, while no other transfer of this process is with the server. Never throws.
 *
 * @param signal - breaks it off, which undoes it unless it was being committed
 */
export const pushToStrapi = async (
  server: PushServer,
  content: PushContent,
  mode: PushMode,
  signal: AbortSignal,
): Promise<PushOutcome> => {
  try {
    const options = optionsOf(mode)
    return await withServer(serverKey(server.adminUrl), lockOf(server), signal, async (hold) => {
      const session = await TransferSession.open('push', server, hold)
      return new Push(session, content, mode, rollbackLimits(server)).run(options)
    })
  } catch (error) {
    return { kind: 'unchanged', error: asTransferError(error) }
  }
}

/** For how long a server is waited for, and held. */
export const lockOf = ({
  owner,
  lockWaitMs = 120_000,
  maxDurationMs = 300_000,
}: PushServer): LockOptions => ({
  owner,
  waitMs: lockWaitMs,
  holdMs: maxDurationMs,
})

const rollbackLimits = ({ retryMessageTimeout = ROLLBACK_TIMEOUT_MS }: PushServer): RetryLimits => ({
  retryMessageTimeout: Math.min(retryMessageTimeout, ROLLBACK_TIMEOUT_MS),
  retryMessageMaxRetries: 0,
})

const asTransferError = (error: unknown): TransferError =>
  error instanceof TransferError
    ? error
    : new TransferError('rows-invalid', 'The rows could not be made into a push', { cause: error })

/** One push on one open session. */
class Push {
  private documents: readonly SentDocument[] = []
  private isCommitting = false
  /** An error in its `stream` has ended the transaction already, and everything but closing the socket is refused (spec 9.7). */
  private isTerminal = false
  private warnings = 0
  private firstWarning: string | undefined

  constructor(
    private readonly session: TransferSession,
    private readonly content: PushContent,
    private readonly mode: PushMode,
    private readonly rollback: RetryLimits,
  ) {
    session.onDiagnostic = (diagnostic) => this.note(diagnostic)
  }

  async run(options: PushOptions): Promise<PushOutcome> {
    try {
      await this.write(options)
      this.isCommitting = true
      await this.session.action('close')
    } catch (thrown) {
      const error = asTransferError(thrown)
      await this.undo()
      if (!this.isCommitting || REFUSED_UNDONE.has(error.reason)) return { kind: 'unchanged', error }
      return { kind: 'unknown', error, documents: this.documents }
    }
    await this.finish()
    return { kind: 'committed', documents: this.documents }
  }

  /** Everything up to the commit, in the server's fixed order (spec 7.2). @throws TransferError */
  private async write(options: PushOptions): Promise<void> {
    const { session, content, mode } = this
    const { assetEncoding } = await session.init({ assetEncoding: 'base64', options })
    if (!assetEncoding)
      throw new TransferError('version-unsupported', 'This Strapi is too old to be pushed to')
    await session.action('bootstrap')
    checkVersion((await session.getMetadata()).version)
    const schemas: Schemas = readSchemas(await session.getSchemas())
    checkContent(content, mode, schemas)
    const encoded = encodeRows(content.rows, schemas, Date.now())
    this.documents = encoded.documentIds
    const entities = inBatches(encoded.entities)
    const links = inBatches(encodeLinks(content.links ?? [], encoded, schemas))
    if (deletes(mode)) await session.action('beforeTransfer')
    await this.stage('entities', entities)
    if (links.length > 0) await this.stage('links', links)
    if (this.warnings > 0)
      throw new TransferError(
        'loss-warning',
        `Strapi warned ${this.warnings} times that something was lost`,
        {
          said: this.firstWarning,
        },
      )
  }

  private async stage(step: Stage, batches: readonly (readonly unknown[])[]): Promise<void> {
    const { session } = this
    const started = await session.stage({ action: 'start', step })
    if (!isOk(started)) throw unexpected(`start ${step}`)
    for (const data of batches) await this.stream(step, data)
    const ended = await session.stage({ action: 'end', step })
    if (!isOk(ended)) throw unexpected(`end ${step}`)
    const sent = batches.reduce((sum, { length }) => sum + length, 0)
    const { started: begun, finished } = (ended.stats ?? {}) as { started?: unknown; finished?: unknown }
    if (begun !== sent || finished !== sent)
      throw new TransferError(
        'count-mismatch',
        `Strapi did not write as many ${step} as the ${sent} it was sent`,
      )
  }

  private async stream(step: Stage, data: readonly unknown[]): Promise<void> {
    try {
      await this.session.stage({ action: 'stream', step, data })
    } catch (error) {
      this.isTerminal = true
      throw error
    }
  }

  /** Never `end` without `close` or `rollback`, never more than one `rollback`, and in doubt just the end of the socket (spec 11.3). */
  private async undo(): Promise<void> {
    const { session } = this
    const isOpen = session.state.at === 'ready' || session.state.at === 'streaming'
    try {
      if (isOpen && !this.isTerminal && !session.failure.aborted) {
        await session.action('rollback', this.rollback)
        await session.end()
      }
    } catch (err) {
      logger.debug({ err }, 'A push was rolled back by closing its connection')
    }
    await session.leave()
  }

  /** Nothing changes the outcome any more, but without `end` the server's hooks would stay switched off (spec 11.3). */
  private async finish(): Promise<void> {
    const { session } = this
    try {
      await session.end()
    } catch (err) {
      logger.warn({ err }, 'Strapi did not confirm the end of a push that it had taken')
    }
    await session.leave()
  }

  private note({ level, message }: Diagnostic): void {
    if (level !== 'warning' && level !== 'error') return
    this.warnings++
    this.firstWarning ??= message
  }
}

const unexpected = (request: string): TransferError =>
  new TransferError('answer-unexpected', `Strapi's answer to "${request}" says nothing`)

const isOk = (data: unknown): data is { ok: true; stats?: unknown } =>
  typeof data === 'object' && data !== null && (data as { ok?: unknown }).ok === true
