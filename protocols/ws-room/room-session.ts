import { type Link, type LinkClose, type SendOutcome } from '../../src/connections/link'
import { type Session } from '../../src/connections/link-keeper'
import { makeLogger } from '../../src/util/logging'
import { type ReadingLimit, type ReadingLimits, readWithin } from '../../src/connections/reading-brake'
import { transportStopped } from '../../src/connections/connection-error'
import { type RoomIdentity } from './identity'
import { type LoginEnd, type LoginStage, type LoginStep, nextStep } from './login'
import {
  decodePacket,
  identification,
  MAX_SENT_BYTES,
  peerUpdate,
  type RoomMessage,
  signedChallenge,
} from './packets'
import { Peers } from './peers'
import { type Sender } from './price-judge'
import { RoomError } from './room-error'

const logger = makeLogger('WsRoom')

/** Why a frame was of no use. The owner of the session counts them. */
export type FrameFault = 'flood' | 'text-frame' | 'bad-frame' | 'unknown-peer' | 'refused-peer' | 'large-body'

export interface RoomSessionOptions {
  identity: RoomIdentity
  /** Name of the room, as prices have it. */
  room: string
  /** Take a welcome that comes without a challenge. */
  welcomeAtOnce: boolean
  /** For the challenge, in ms. */
  challengeTimeoutMs: number
  /** For the welcome, in ms. */
  welcomeTimeoutMs: number
  onUpdate: (body: Uint8Array, sender: Sender) => void
  onFault: (fault: FrameFault, detail: () => unknown, error?: unknown) => void
  /** The server says that this address is logged in already; to go on will put that connection out. */
  onConnectedElsewhere: () => void
}

const MAX_BODY_BYTES = 65_536

/** A room carries the movements of everybody in it. What is held back here, the server drops for slow readers. */
const READING_LIMITS: ReadingLimits = {
  messagesPerSecond: 20_000,
  bytesPerSecond: 64 * 1024 * 1024,
  // The checks of signatures have a limit of their own; all else is cheap.
  busyShare: Infinity,
}

const TIMEOUTS: Record<Exclude<LoginStage, 'joined'>, string> = {
  identified: 'The server did not send a challenge',
  signed: 'The server did not welcome us after the signed challenge',
}

/**
 * A stay in a room, on a link of its own: the login, then updates in both directions. Counts as open from the welcome on; what would be
 * sent before that could be lost.
 */
export class RoomSession implements Session {
  readonly closed: Promise<LinkClose>
  readonly closing: Promise<void>
  readonly peers = new Peers()
  alias = 0
  private stage: LoginStage = 'identified'
  private timer: ReturnType<typeof setTimeout> | undefined
  private end: RoomError | undefined
  private settle!: { resolve: (session: RoomSession) => void; reject: (error: Error) => void }
  private readonly welcomed: Promise<RoomSession>

  /**
   * Logs in on a fresh link. The link is closed when that fails.
   *
   * @throws RoomError with what the server did, AdapterConnectionError when the signal ended it
   */
  static enter(link: Link, options: RoomSessionOptions, signal: AbortSignal): Promise<RoomSession> {
    const session = new RoomSession(link, options)
    const abort = () => session.fail(transportStopped())
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    return session.welcomed.finally(() => signal.removeEventListener('abort', abort))
  }

  private constructor(
    private readonly link: Link,
    private readonly options: RoomSessionOptions,
  ) {
    this.welcomed = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    this.closing = link.closing
    this.closed = link.closed.then((close) => this.over(close))
    this.await('identified', options.challengeTimeoutMs)
    const message = (data: Buffer, isBinary: boolean) => this.receive(data, isBinary)
    const limited = (limit: ReadingLimit) => options.onFault('flood', () => limit)
    readWithin(READING_LIMITS, link, { message, limited })
    link.send(identification(options.identity.owner))
  }

  get room(): string {
    return this.options.room
  }

  /** Sends a body to all others of the room. `large`: no server would take it, so it was not sent. */
  update(body: Uint8Array): SendOutcome | 'large' {
    const frame = peerUpdate(body)
    if (frame.length > MAX_SENT_BYTES) return 'large'
    return this.stage === 'joined' ? this.link.send(frame) : 'closed'
  }

  close(): Promise<LinkClose> {
    return this.link.close(1000)
  }

  private receive(data: Buffer, isBinary: boolean): void {
    if (!isBinary) return this.options.onFault('text-frame', () => `${data.length} bytes`)
    let message: RoomMessage
    try {
      message = decodePacket(data)
    } catch (error) {
      return this.options.onFault('bad-frame', () => data.subarray(0, 64).toString('hex'), error)
    }
    this.take(nextStep(this.stage, message, this.options))
  }

  private take(step: LoginStep): void {
    const { onFault } = this.options
    switch (step.kind) {
      case 'sign':
        return this.sign(step)
      case 'join':
        return this.join(step)
      case 'end':
        return this.putOut(step)
      case 'peer-joined':
        if (!this.peers.add(step.alias, step.address)) onFault('refused-peer', () => step)
        return
      case 'peer-left':
        return this.peers.remove(step.alias)
      case 'update':
        return this.receiveUpdate(step.alias, step.body)
      case 'ignore':
        return
    }
  }

  private sign({ challenge, isConnectedElsewhere }: Extract<LoginStep, { kind: 'sign' }>): void {
    const { identity, welcomeTimeoutMs, onConnectedElsewhere } = this.options
    if (isConnectedElsewhere) onConnectedElsewhere()
    this.await('signed', welcomeTimeoutMs)
    this.link.send(signedChallenge(JSON.stringify(identity.vouchFor(challenge))))
  }

  private join({ alias, peers }: Extract<LoginStep, { kind: 'join' }>): void {
    clearTimeout(this.timer)
    this.stage = 'joined'
    this.alias = alias
    for (const [peer, address] of Object.entries(peers))
      if (!this.peers.add(Number(peer), address))
        this.options.onFault('refused-peer', () => ({ peer, address }))
    this.settle.resolve(this)
  }

  private putOut({ why, words }: Extract<LoginStep, { kind: 'end' }>): void {
    // Somebody must act when another process has our key: the two would throw each other out for ever.
    logger[why === 'replaced' ? 'error' : 'warn']({ why, words, room: this.room }, END_WORDS[why])
    this.fail(new RoomError(why, END_WORDS[why]))
  }

  private receiveUpdate(alias: number, body: Uint8Array): void {
    const sender = this.peers.get(alias)
    if (sender === undefined) return this.options.onFault('unknown-peer', () => alias)
    if (body.length > MAX_BODY_BYTES) return this.options.onFault('large-body', () => `${body.length} bytes`)
    this.options.onUpdate(body, sender)
  }

  private await(stage: Exclude<LoginStage, 'joined'>, timeoutMs: number): void {
    this.stage = stage
    clearTimeout(this.timer)
    const late = () => this.fail(new RoomError('login-timeout', `${TIMEOUTS[stage]} within ${timeoutMs} ms`))
    this.timer = setTimeout(late, timeoutMs)
  }

  /** Ends the login, or the stay, for a cause of its own. */
  private fail(error: Error): void {
    clearTimeout(this.timer)
    this.settle.reject(error)
    // Stopped while entering: there is no need to wait for a polite end.
    if (!(error instanceof RoomError)) return this.link.destroy()
    this.end ??= error
    void this.link.close(1000)
  }

  private over(close: LinkClose): LinkClose {
    clearTimeout(this.timer)
    // Servers refuse a login without a word; codes mean nothing here.
    const during = this.stage === 'signed' ? 'after the signed challenge' : 'before its challenge'
    this.settle.reject(
      new RoomError('login-refused', `The server ended the login ${during} (code ${close.code})`),
    )
    return this.end === undefined ? close : { ...close, cause: this.end }
  }
}

const END_WORDS: Record<LoginEnd, string> = {
  'room-full': 'The room is full',
  replaced: 'Another client logged in with our address and took our place',
  'bad-challenge': 'The server wants something else signed than a login challenge',
  'out-of-order': 'The server broke the order of the login',
}
