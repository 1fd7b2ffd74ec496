import { beginningOf } from '../../src/util/redaction'
import { unlessAborted } from '../../src/util/unless-aborted'
import { dial, type DialOptions, LinkRefused } from '../../src/connections/dial'
import { type Link, type LinkClose } from '../../src/connections/link'
import { transferUrl } from './admin-url'
import { DEFAULT_RETRIES, Dispatcher, type RetryLimits } from './dispatcher'
import { TransferError } from './errors'
import { type Batch, type Diagnostic, type Direction, type TransferAction, type TransferStep } from './frames'
import { type LifecycleEvent, type LifecycleState, nextState, OPENED } from './lifecycle'
import { errorFromRefusal } from './upgrade-refusal'

export interface TransferOptions extends Partial<RetryLimits> {
  /** The admin URL, by default `<server>/admin`; `http:` or `https:`. */
  adminUrl: string
  /** Transfer token with the permission for the direction. Stays in the upgrade request's header. */
  token: string
  /** Certificate authorities and client certificate, PEM. Default: the system's authorities. */
  tls?: DialOptions['tls']
  /** From dialling to an open socket, in ms. A busy server takes up to 60 s to say no. Default 75 000. */
  openTimeoutMs?: number
  /** Larger frames end the transfer. A batch has 1 MiB and one item more, the schemas come in one frame. Default 64 MiB, at least 16 MiB. */
  maxFrameBytes?: number
  /** Pause between two pings, in ms. Default 30 000. */
  pingEveryMs?: number
  /** So many unanswered pings end it. Generous, because a server that builds a batch answers none (spec 8.3). Default 4. */
  maxMissedPongs?: number
}

/** What a server can do, by its answer to `init` (spec 4.1, 15). */
export interface Capabilities {
  transferID: string
  /** Server of 5.43 or later. */
  checksums: boolean
  /** Confirmed by a push to 5.48.1 or later. */
  assetEncoding: boolean
}

export interface Metadata {
  /** The server's clock, ISO 8601; undefined where it says none. */
  createdAt: string | undefined
  version: string | undefined
}

const MIN_FRAME_BYTES = 16 * 1_048_576
const DEFAULT_FRAME_BYTES = 64 * 1_048_576

type Json = Record<string, unknown>

/** @throws TransferError `answer-unexpected` */
const objectIn = (data: unknown, request: string): Json => {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Json
  throw new TransferError(
    'answer-unexpected',
    `Strapi answered "${request}" with something else than an object`,
  )
}

const failureOf = (close: LinkClose): TransferError => {
  const { code, cause } = close
  // ws names it so; the code it then sends is 1009, and 1009 from the server concerns a frame of ours.
  const isTooLarge = (cause as { code?: string } | undefined)?.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
  if (isTooLarge || code === 1009)
    return new TransferError('frame-too-large', 'A frame of the transfer is larger than is allowed', {
      cause,
    })
  return new TransferError('connection-lost', `Strapi closed the connection (code ${code})`, { cause })
}

const dialFailure = (error: unknown): TransferError => {
  // The refusal's body is the server's text, and ends with the mapping.
  if (error instanceof LinkRefused) return errorFromRefusal(error.httpStatus, error.body)
  const { message } = error as Error
  return new TransferError('connection-failed', `Strapi cannot be reached: ${message}`, { cause: error })
}

/**
 * One transfer on one socket, in either direction: open, `init`, `bootstrap`, whatever the direction is about, `close`, `end`, close
 * frame. What has no place in the {@link LifecycleState} is refused before it is sent. Once it has failed, everything rejects with the
 * first failure, and the socket is gone.
 */
export class TransferSession {
  /** Where batches go; undefined: they are acknowledged and dropped. */
  onBatch: ((batch: Batch) => void) | undefined
  onDiagnostic: ((diagnostic: Diagnostic) => void) | undefined
  capabilities: Capabilities | undefined
  readonly dispatcher: Dispatcher
  /** Resolves when the socket is gone. Never rejects. */
  readonly closed: Promise<LinkClose>
  private stateNow: LifecycleState = OPENED
  private readonly failed: AbortController = new AbortController()
  /** Takes back what was attached, the latest first. */
  private readonly undo: (() => void)[] = []

  private constructor(
    private readonly direction: Direction,
    private readonly link: Link,
    options: TransferOptions,
    signal: AbortSignal,
  ) {
    const { retryMessageTimeout = DEFAULT_RETRIES.retryMessageTimeout } = options
    const { retryMessageMaxRetries = DEFAULT_RETRIES.retryMessageMaxRetries } = options
    this.closed = link.closed
    this.dispatcher = new Dispatcher(
      {
        send: (text) => link.send(text),
        batch: (batch) => (this.onBatch ?? this.drop)(batch),
        diagnostic: (diagnostic) => this.onDiagnostic?.(diagnostic),
        failed: (error) => this.drops(error),
      },
      { retryMessageTimeout, retryMessageMaxRetries },
    )
    const stop = (): void => this.abort(stoppedBy(signal))
    this.attach(
      () => signal.addEventListener('abort', stop),
      () => signal.removeEventListener('abort', stop),
    )
    const ignore = { message: () => {} }
    this.attach(
      () => link.listen({ message: (data) => this.receive(data), close: (close) => this.ends(close) }),
      () => link.listen(ignore),
    )
    // It may have aborted between the opening of the socket and this.
    if (signal.aborted) stop()
  }

  /** @throws TransferError */
  static async open(
    direction: Direction,
    options: TransferOptions,
    signal: AbortSignal,
  ): Promise<TransferSession> {
    const { token, tls, openTimeoutMs = 75_000, pingEveryMs = 30_000, maxMissedPongs = 4 } = options
    const url = transferUrl(options.adminUrl, direction)
    const maxPayloadBytes = Math.max(options.maxFrameBytes ?? DEFAULT_FRAME_BYTES, MIN_FRAME_BYTES)
    const headers = { Authorization: `Bearer ${token}` }
    try {
      const link = await dial(
        { url, headers, maxPayloadBytes, openTimeoutMs, pingEveryMs, maxMissedPongs, ...(tls && { tls }) },
        signal,
      )
      return new TransferSession(direction, link, options, signal)
    } catch (error) {
      throw signal.aborted ? stoppedBy(signal) : dialFailure(error)
    }
  }

  get state(): LifecycleState {
    return this.stateNow
  }

  /** Aborts, with the {@link TransferError} as its reason, when the transfer fails. */
  get failure(): AbortSignal {
    return this.failed.signal
  }

  /** The outcome of something that is waited for, unless the transfer fails first. @throws TransferError */
  whileAlive<T>(promise: Promise<T>): Promise<T> {
    return unlessAborted(promise, this.failure)
  }

  async init(params: Json): Promise<Capabilities> {
    const data = await this.step({ type: 'init' }, () =>
      this.dispatcher.dispatchCommand({ command: 'init', params: { transfer: this.direction, ...params } }),
    )
    const { transferID, checksums, assetEncoding } = objectIn(data, 'init')
    if (typeof transferID !== 'string' || transferID === '')
      throw new TransferError('answer-unexpected', 'Strapi gave the transfer no ID')
    this.dispatcher.transferID = transferID
    this.capabilities = {
      transferID,
      checksums: checksums === true,
      assetEncoding: assetEncoding === 'base64',
    }
    return this.capabilities
  }

  /** One action: `bootstrap`, `beforeTransfer`, `rollback`, `close`. @returns the answer's data */
  action(action: TransferAction, limits?: RetryLimits): Promise<unknown> {
    return this.step({ type: action }, () => this.dispatcher.dispatchTransferAction(action, limits))
  }

  async getMetadata(): Promise<Metadata> {
    const { createdAt, strapi } = objectIn(await this.action('getMetadata'), 'getMetadata')
    const { version } = (strapi ?? {}) as Json
    return {
      createdAt: typeof createdAt === 'string' ? createdAt : undefined,
      version: typeof version === 'string' ? beginningOf(version, 50, '') : undefined,
    }
  }

  /** Content types and components together, by their identifier (spec 6); what is in them is not checked here. */
  async getSchemas(): Promise<Json> {
    return objectIn(await this.action('getSchemas'), 'getSchemas')
  }

  /** `start`, `stream` and `end` of a stage. @returns the answer's data */
  stage(step: TransferStep, limits?: RetryLimits): Promise<unknown> {
    const type = step.action === 'end' ? 'end-stage' : step.action
    return this.step({ type, stage: step.step }, () => this.dispatcher.dispatchTransferStep(step, limits))
  }

  acknowledge(batch: Batch): void {
    this.dispatcher.acknowledge(batch.uuid)
  }

  /** The command `end`: only after `close` or `rollback` (spec 11.3). */
  async end(): Promise<void> {
    const transferID = this.capabilities?.transferID ?? ''
    await this.step({ type: 'end' }, () =>
      this.dispatcher.dispatchCommand({ command: 'end', params: { transferID } }),
    )
  }

  /** Closes the socket with code 1000, in whatever state, and waits until it is gone. */
  async leave(): Promise<void> {
    this.takeOff()
    await this.link.close(1000)
  }

  /** Ends it at once, without a word to the server: which, before the `close` of a push, undoes it. */
  abort(error: TransferError): void {
    this.dispatcher.fail(error)
  }

  private async step(event: LifecycleEvent, send: () => Promise<unknown>): Promise<unknown> {
    this.failure.throwIfAborted()
    if (nextState(this.stateNow, event, this.direction) === undefined)
      throw new TransferError(
        'order-refused',
        `"${event.type}" has no place in the state "${this.stateNow.at}"`,
      )
    const data = await send()
    this.stateNow = nextState(this.stateNow, event, this.direction) ?? this.stateNow
    return data
  }

  private receive(data: Buffer): void {
    this.dispatcher.receive(data.toString('utf8'))
  }

  private readonly drop = (batch: Batch): void => this.acknowledge(batch)

  private ends(close: LinkClose): void {
    this.abort(failureOf(close))
  }

  private drops(error: TransferError): void {
    this.takeOff()
    this.stateNow = nextState(this.stateNow, { type: 'fail' }, this.direction) ?? this.stateNow
    this.failed.abort(error)
    this.link.destroy()
  }

  private attach(on: () => void, off: () => void): void {
    on()
    this.undo.push(off)
  }

  private takeOff(): void {
    for (let off = this.undo.pop(); off !== undefined; off = this.undo.pop()) off()
  }
}

/** Whoever stops a transfer may say why, by a TransferError as the signal's reason. */
const stoppedBy = ({ reason }: AbortSignal): TransferError =>
  reason instanceof TransferError ? reason : new TransferError('stopped', 'The transfer was stopped')
