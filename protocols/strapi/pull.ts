import { makeLogger } from '../../src/util/logging'
import { type LinkClose } from '../../src/connections/link'
import { type AssetEvent, AssetRecords } from './assets'
import { type AllowedTypes, type Entity } from './content-types'
import { TransferError } from './errors'
import { type Diagnostic } from './frames'
import { type CoreSetting, type EntityLink, linksIn, settingsIn } from './links'
import { type Metadata, type TransferOptions, TransferSession } from './session'
import { readStage } from './stage-reader'

const logger = makeLogger('StrapiPull')

export interface PullOptions extends TransferOptions {
  /** How long the server may take for the next batch, in ms: it may block itself for a long while (spec 8.3). Default 120 000. */
  batchTimeoutMs?: number
  /** Ask for a SHA-256 on every asset, and refuse those without. Servers before 5.43 have none to give, and reading goes on without. Default true. */
  checksums?: boolean
}

const DEFAULT_BATCH_TIMEOUT_MS = 120_000

/**
 * One pull: everything that a server has, as streams. Each stage is read with back-pressure: the server sends the next batch when the
 * reader asks for it. Leaving a stage early is allowed. One stage at a time.
 *
 * @example
 * const pull = await Pull.open(options, signal)
 * try {
 *   for await (const rows of pull.entities(new AllowedTypes(['api::price.price']))) use(rows)
 *   await pull.finish()
 * } finally {
 *   pull.abandon()
 * }
 */
export class Pull {
  /** Log lines of the server that may tell of a loss: rows or files that were left out. */
  warnings = 0
  /** The latest of them, cut, with paths of the server taken out: for logs. */
  lastWarning: string | undefined
  private readonly batchTimeoutMs: number
  private readonly asksForChecksums: boolean

  private constructor(
    private readonly session: TransferSession,
    { batchTimeoutMs = DEFAULT_BATCH_TIMEOUT_MS, checksums = true }: PullOptions,
  ) {
    this.batchTimeoutMs = batchTimeoutMs
    this.asksForChecksums = checksums
    session.onDiagnostic = (diagnostic) => this.note(diagnostic)
  }

  /** Connects, `init`, `bootstrap`. @throws TransferError */
  static async open(options: PullOptions, signal: AbortSignal): Promise<Pull> {
    const session = await TransferSession.open('pull', options, signal)
    const pull = new Pull(session, options)
    try {
      await session.init(pull.asksForChecksums ? { checksums: true } : {})
      await session.action('bootstrap')
      return pull
    } catch (error) {
      pull.abandon()
      throw error
    }
  }

  /** Resolves with how the socket ended. Never rejects. */
  get closed(): Promise<LinkClose> {
    return this.session.closed
  }

  /** Frames of the server that meant nothing. */
  get ignoredFrames(): number {
    return this.session.dispatcher.ignoredFrames
  }

  /** Whether assets carry checksums: asked for, and the server is able to. */
  get hasChecksums(): boolean {
    return this.asksForChecksums && this.session.capabilities?.checksums === true
  }

  /** @throws TransferError */
  getMetadata(): Promise<Metadata> {
    return this.session.getMetadata()
  }

  /** @throws TransferError */
  getSchemas(): Promise<Record<string, unknown>> {
    return this.session.getSchemas()
  }

  /**
   * Rows of the allowed types, in the server's order of types and in no order within one.
   *
   * @param onMalformed - called with the type of each allowed item that is not a row
   * @throws TransferError
   */
  async *entities(
    types: AllowedTypes,
    onMalformed: (type: string) => void = () => {},
  ): AsyncGenerator<Entity[], void> {
    for await (const items of readStage(this.session, 'entities', this.batchTimeoutMs))
      yield types.rowsIn(items, onMalformed)
  }

  /** @throws TransferError */
  async *links(types: AllowedTypes): AsyncGenerator<EntityLink[], void> {
    for await (const items of readStage(this.session, 'links', this.batchTimeoutMs))
      yield linksIn(items, types)
  }

  /** Files, piece by piece. @throws TransferError `asset-broken`, and the others */
  async *assets(): AsyncGenerator<AssetEvent[], void> {
    if (this.asksForChecksums && !this.hasChecksums)
      logger.warn('Strapi has no checksums for its assets: they are read unchecked')
    const records = new AssetRecords(this.hasChecksums)
    for await (const items of readStage(this.session, 'assets', this.batchTimeoutMs))
      yield this.orAbort(() => records.accept(items))
    this.orAbort(() => records.finish())
  }

  /** Core settings with one of these keys. @throws TransferError */
  async *configuration(keys: ReadonlySet<string>): AsyncGenerator<CoreSetting[], void> {
    for await (const items of readStage(this.session, 'configuration', this.batchTimeoutMs))
      yield settingsIn(items, keys)
  }

  /** `close`, `end`, close frame. @throws TransferError */
  async finish(): Promise<void> {
    await this.session.action('close')
    await this.session.end()
    await this.session.leave()
  }

  /** Ends it where it stands; nothing on the server has to be tidied up (spec 11.3). After {@link finish} it does nothing. */
  abandon(): void {
    this.session.abort(new TransferError('stopped', 'The transfer was given up'))
  }

  /** After something that cannot be, nothing that follows is trusted: the server is told nothing more. */
  private orAbort<R>(check: () => R): R {
    try {
      return check()
    } catch (error) {
      if (error instanceof TransferError) this.session.abort(error)
      throw error
    }
  }

  private note({ level, message }: Diagnostic): void {
    if (level === 'info' || level === 'other') return
    this.warnings++
    this.lastWarning = message.replace(/(?:\/|[A-Za-z]:\\)[^\s"']+/g, '<path>')
  }
}
