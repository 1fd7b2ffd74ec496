import { type Inbound, type InboundOutcome, type InboundStream } from './codecs/inbound'
import { CodecError, ExcessError } from './codecs/errors'
import { type Outbound, type OutboundStream } from './codecs/outbound'
import { type Link, type LinkClose } from '../../src/connections/link'
import { type CommonTime, ReadingBrake, type ReadingLimits } from '../../src/connections/reading-brake'
import { monotonicMs } from '../../src/util/clock'
import {
  type ConnectorEvent,
  type ConnectorKind,
  type ErrorEvent,
  type EventOrigin,
  type Metadata,
  type OutgoingEvent,
  type Peer,
  type SendFailure,
} from './events'
import { type TremorFault } from './faults'
import { isToBeBinary } from './outgoing-metadata'

/** What the streams of one connector have in common. */
export interface StreamSetup {
  kind: ConnectorKind
  /** Names the connector in error events. */
  alias: string
  isTls: boolean
  inbound: Inbound
  outbound: Outbound
  reading: ReadingLimits
  /** What all connections of a listener share. */
  common?: CommonTime
  /** Counts messages and ends, over all streams of the connector. */
  nextPullId: () => number
  onEvent: (event: ConnectorEvent) => void
  onError: (error: ErrorEvent) => void
  onFault: (fault: TremorFault, detail: () => unknown, error?: unknown) => void
  /** Called where content was meant to be expensive; `why` holds nothing of it. */
  onExcess: (stream: ConnectorStream, why: string) => void
}

/** A message, as far as it has not been told. */
interface Unread {
  outcomes: Iterator<InboundOutcome>
  receivedAt: number
  meta: Metadata
  pullId: number
  /** What of it is not counted yet. */
  bytes: number
  isCounted: boolean
}

const NS_PER_MS = 1_000_000n

const { freeze } = Object

/** Policy violation, try again later (RFC 6455 and the registry of close codes). */
const CLOSE_POLICY = 1008
const CLOSE_TRY_LATER = 1013

/** How the socket names what breaks the rules of RFC 6455; it has answered with 1002, 1007 or 1009 by then. */
const BROKEN_FRAMING = /^WS_ERR_/

/**
 * One connection of a connector: messages become events, events become messages, each direction with state of its own (tremor 8). Bad
 * content costs its message. Only three things end the connection: a length-prefixed stream that has lost its place, a peer that does not
 * read, and, on a server, one whose content was meant to be expensive.
 */
export class ConnectorStream {
  readonly closed: Promise<LinkClose>
  readonly closing: Promise<void>
  private readonly meta: Metadata
  private readonly origin: EventOrigin
  private readonly way: OutboundStream
  private readonly brake: ReadingBrake
  /** Made at the first message: a peer that never sends leaves no trace (tremor 7). */
  private stream: InboundStream | undefined
  private lastReceivedAt = 0
  private unread: Unread | undefined

  constructor(
    private readonly setup: StreamSetup,
    readonly link: Link,
    readonly number: number,
    readonly peer: Peer,
    /** Of a polite end. */
    private readonly farewell: number,
  ) {
    const { kind, isTls, outbound } = setup
    // One object for all events: a handler must not change what the next one gets.
    this.meta = freeze({ [kind]: freeze({ tls: isTls, peer: freeze({ ...link.peer }) }) })
    const end = kind === 'ws_server' ? link.peer : link.local
    const scheme = kind === 'ws_server' ? 'tremor-ws-server' : 'tremor-ws-client'
    const path = freeze<[string]>([String(link.local.port)])
    this.origin = freeze({ scheme, host: end.host, port: end.port, path, stream: number })
    this.way = outbound.stream()
    const pause = (limit: string | undefined): void => {
      link.pause()
      if (limit !== undefined) setup.onFault('flood', () => ({ peer: this.peer.name, limit }))
    }
    this.brake = new ReadingBrake(setup.reading, { pause, release: () => this.goOn() }, setup.common)
    this.closed = link.closed
    this.closing = link.closing
  }

  /** Begins to read. */
  listen(): void {
    this.link.listen({
      message: (data, isBinary) => this.receive(data, isBinary),
      close: ({ cause }) => this.end(cause),
    })
  }

  /** @returns why it was not sent; undefined when it was handed to the socket, whole */
  send({ value, meta = {}, ingestNs }: OutgoingEvent): SendFailure | undefined {
    const isBinary = isToBeBinary(meta)
    let messages: Buffer[]
    try {
      messages = this.way.encode(value, { ingestNs: ingestNs ?? nsOf(Date.now()), isText: !isBinary })
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      this.setup.onFault('not-encodable', () => error.message)
      return 'not-encodable'
    }
    for (const message of messages) {
      const outcome = this.link.send(message, isBinary)
      if (outcome === 'closed') return 'not-connected'
      if (outcome === 'full') return this.giveUpOnReader()
    }
    return undefined
  }

  close(code = this.farewell): Promise<LinkClose> {
    return this.link.close(code)
  }

  /** Ends the connection and forgets what has come on it and was not told yet. */
  cut(): void {
    this.brake.stop()
    this.unread = undefined
    this.stream = undefined
    void this.close(CLOSE_POLICY)
  }

  private receive(data: Buffer, isBinary: boolean): void {
    const receivedAt = Date.now()
    this.lastReceivedAt = receivedAt
    const sinceMs = monotonicMs()
    this.stream ??= this.setup.inbound.stream()
    const outcomes = this.stream.receive(data, nsOf(receivedAt))
    const meta: Metadata = isBinary ? { ...this.meta, binary: true } : this.meta
    this.unread = this.unreadOf(outcomes, receivedAt, meta, Math.max(data.length, this.stream.bytes))
    this.work(sinceMs)
  }

  private unreadOf(
    outcomes: Iterable<InboundOutcome>,
    receivedAt: number,
    meta: Metadata,
    bytes: number,
  ): Unread {
    const pullId = this.setup.nextPullId()
    return { outcomes: outcomes[Symbol.iterator](), receivedAt, meta, pullId, bytes, isCounted: false }
  }

  /** A pause is over. */
  private goOn(): void {
    this.work(monotonicMs())
    if (!this.brake.isOn) this.link.resume()
  }

  /** Tells what the message became, one by one, until a pause is due: each counts as a message. One that became nothing counts too. */
  private work(sinceMs: number): void {
    const { unread, brake } = this
    if (unread === undefined) return
    let now = sinceMs
    for (let next = unread.outcomes.next(); !next.done; next = unread.outcomes.next()) {
      this.tell(next.value, unread)
      now = this.count(unread, now)
      // It may have been the last one: that is seen when reading goes on. Or the peer was cut.
      if (brake.isOn || this.unread === undefined) return
    }
    if (!unread.isCounted) this.count(unread, now)
    this.unread = undefined
    if (this.stream?.isLost === true) this.loseStream()
  }

  private count(unread: Unread, sinceMs: number): number {
    const { bytes } = unread
    unread.bytes = 0
    unread.isCounted = true
    return this.brake.spend({ messages: 1, bytes, sinceMs })
  }

  private loseStream(): void {
    this.setup.onFault('lost-place', () => this.peer.name)
    void this.close(CLOSE_POLICY)
  }

  /** tremor 8.2: emits what the stages still hold. Its time is that of the last message, because it has been here since (FR-2). */
  private end(cause: (Error & { code?: unknown }) | undefined): void {
    this.brake.stop()
    if (cause !== undefined && BROKEN_FRAMING.test(String(cause.code)))
      this.setup.onFault('broken-framing', () => String(cause.code))
    const { stream } = this
    this.stream = undefined
    if (stream === undefined) return
    const rest = stream.end(nsOf(this.lastReceivedAt))
    const last = this.unreadOf(rest, this.lastReceivedAt, this.meta, 0)
    for (const outcome of rest) this.tell(outcome, last)
  }

  private tell(outcome: InboundOutcome, { meta, receivedAt, pullId }: Unread): void {
    if (outcome.kind === 'failure') return this.tellError(outcome.error, pullId, meta)
    const { value, ingestNs } = outcome
    const { origin, peer } = this
    this.setup.onEvent({ value, meta, ingestNs, receivedAt, origin, pullId, peer })
  }

  private tellError(failure: CodecError, pullId: number, meta: Metadata): void {
    const { message: error } = failure
    const value = { error, source: this.setup.alias, stream_id: this.number, pull_id: pullId }
    this.setup.onFault('not-decodable', () => error)
    this.setup.onError({ value, meta: { ...meta, error } })
    if (failure instanceof ExcessError) this.setup.onExcess(this, error)
  }

  private giveUpOnReader(): SendFailure {
    this.setup.onFault('slow-reader', () => this.peer.name)
    void this.close(CLOSE_TRY_LATER)
    return 'slow-reader'
  }
}

const nsOf = (unixMs: number): bigint => BigInt(unixMs) * NS_PER_MS
