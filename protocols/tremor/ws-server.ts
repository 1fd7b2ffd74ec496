import { monotonicMs } from '../../src/util/clock'
import { LogLimiter } from '../../src/util/log-limiter'
import { makeLogger } from '../../src/util/logging'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type Reason } from '../../src/transports/peer/terms'
import { type Link } from '../../src/connections/link'
import { Listener, type ListenerOptions } from '../../src/connections/listener'
import { type Caller } from '../../src/connections/peer-tokens'
import { CommonTime } from '../../src/connections/reading-brake'
import { type Delay, Retry } from '../../src/connections/retry'
import { ANYBODY } from './admission'
import { Circuit } from './circuit'
import {
  type ConnectionLimits,
  type Connector,
  type ConnectorPorts,
  type ConnectorState,
  readingLimits,
} from './connector'
import { ConnectorStream, type StreamSetup } from './connector-stream'
import { type ServerDefinition } from './definition'
import {
  type ConnectorEvent,
  type OutgoingEvent,
  type Peer,
  type SendFailure,
  type SendResult,
} from './events'
import { reconnectRule } from './reconnect'
import { type PeerAddress, route } from './routing'

const logger = makeLogger('WsServer')

const CLOSE_GOING_AWAY = 1001
const CLOSE_TRY_LATER = 1013

/** The part of our time that all peers together may take. */
const COMMON_BUSY_SHARE = 0.5
/** How long an account gets no new connection after one of its own was cut: it would send the same again. */
const REST_MS = 10_000

export interface WsServerOptions extends ConnectorPorts {
  alias: string
  definition: ServerDefinition
  tls: ListenerOptions<Peer>['tls']
  authenticate: (caller: Caller) => Peer | undefined
  /** Whether anybody is let in: a connection has to say something of use to keep its place where places are scarce. */
  admitsStrangers: boolean
  limits: ConnectionLimits & { maxConnections: number; maxConnectionsPerPeer: number }
  /** In [0, 1). */
  random: () => number
}

/**
 * Listens, and tries again to by the rules of its definition where it cannot (tremor 7 and 9). Each connection is a stream of its own;
 * none can hurt another.
 */
export class WsServer implements Connector {
  readonly circuit: Circuit
  private readonly listener: Listener<Peer>
  private readonly setup: StreamSetup
  private readonly open = new Map<number, ConnectorStream>()
  /** Until when accounts rest, by the monotonic clock. */
  private readonly resting = new Map<string, number>()
  private readonly cutLog = new LogLimiter()
  private stateNow: ConnectorState = 'disconnected'
  private nextAttemptUnixMs: number | undefined
  private failure: { message: string; sinceUnixMs: number; error: Error } | undefined
  private readonly retry: Retry<{ kind: 'failed' }, Delay>
  private hasStarted = false
  private attempt: Promise<void> | undefined
  private lastPull = -1
  private desertedSinceUnixMs = Date.now()

  constructor(private readonly options: WsServerOptions) {
    const { definition, tls, limits, authenticate, admitsStrangers, onFault } = options
    this.circuit = new Circuit((state) => options.onCircuit(state))
    this.setup = {
      ...options,
      kind: 'ws_server',
      isTls: tls !== undefined,
      inbound: definition.inbound,
      outbound: definition.outbound,
      reading: readingLimits(limits),
      common: new CommonTime(COMMON_BUSY_SHARE),
      ...(admitsStrangers ? { onEvent: (event) => this.heard(event) } : {}),
      onExcess: (stream, why) => this.cut(stream, why),
      nextPullId: () => ++this.lastPull,
    }
    this.retry = new Retry<{ kind: 'failed' }, Delay>(reconnectRule(definition.reconnect, options.random))
    this.listener = new Listener<Peer>({
      host: definition.address.host,
      port: definition.address.port,
      backlog: definition.backlog,
      noDelay: definition.noDelay,
      tls,
      authenticate,
      admitsStrangers,
      maxConnections: limits.maxConnections,
      maxPayloadBytes: limits.maxMessageBytes,
      maxBufferedBytes: limits.maxBufferedBytes,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      pingEveryMs: limits.pingEveryMs,
      maxMissedPongs: limits.maxMissedPongs,
      onLink: (link, peer, number) => this.connected(link, peer, number),
      onRefused: (why) => onFault(why, () => why),
    })
  }

  get state(): ConnectorState {
    return this.stateNow
  }

  start(): void {
    if (this.hasStarted || this.stateNow === 'stopped') return
    this.hasStarted = true
    this.bind()
  }

  async begin(): Promise<void> {
    this.start()
    await this.attempt
    if (this.failure !== undefined) throw this.failure.error
  }

  async stop(): Promise<void> {
    this.retry.stop()
    this.enter('stopped')
    await this.attempt
    await this.listener.close(CLOSE_GOING_AWAY)
  }

  send(event: OutgoingEvent): SendResult {
    if (this.stateNow !== 'connected') return ['not-connected']
    const peers = new Map([...this.open].map(([number, { link }]) => [number, link.peer]))
    const { streams, isDeserted } = route(peers, event.meta ?? {}, event.origins ?? [])
    if (isDeserted) this.circuit.turn('closed')
    if (streams.length === 0) return ['no-such-peer']
    const outcomes = streams.map((number) => this.open.get(number)?.send(event))
    return outcomes.filter((outcome): outcome is SendFailure => outcome !== undefined)
  }

  status(): ConnectionStatus[] {
    const [own, ...peers] = this.listener.status(({ name }) => name)
    const { nextAttemptUnixMs } = this
    const details = { circuit: this.circuit.state, connector: this.stateNow }
    const waiting = nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }
    return [...(own === undefined ? [] : [{ ...own, ...waiting, details }]), ...peers]
  }

  /** That no peer is connected is not a failure of ours, but it is the reason why there are no values. */
  outage(): Reason | undefined {
    if (this.open.size > 0) return undefined
    const { failure, nextAttemptUnixMs } = this
    if (failure !== undefined)
      return {
        code: 'LISTEN_FAILED',
        message: failure.message,
        sinceUnixMs: failure.sinceUnixMs,
        ...(nextAttemptUnixMs === undefined ? {} : { nextAttemptUnixMs }),
      }
    return { code: 'NO_PEER', message: 'No peer is connected', sinceUnixMs: this.desertedSinceUnixMs }
  }

  private bind(): void {
    this.nextAttemptUnixMs = undefined
    this.enter('connecting')
    this.attempt = this.listener.listen().then(
      (address) => this.listening(address),
      (error: Error) => this.failed(error),
    )
  }

  private listening({ host, port }: PeerAddress): void {
    this.retry.reset()
    this.failure = undefined
    if (this.stateNow === 'stopped') return
    logger.info({ host, port, authentication: this.authentication() }, 'Listening for peers')
    this.enter('connected')
    this.circuit.turn('open')
  }

  /** As the log names it at the start. */
  private authentication(): string {
    const { admitsStrangers, tls } = this.options
    if (!admitsStrangers) return 'peers show a token or a certificate'
    return tls?.ca === undefined ? 'none' : 'peers show a certificate'
  }

  private failed(error: Error): void {
    if (this.stateNow === 'stopped') return
    const { message } = error
    this.failure = { message, error, sinceUnixMs: this.failure?.sinceUnixMs ?? Date.now() }
    const { delayMs: waitMs } = this.retry.again({ kind: 'failed' }, () => this.bind())
    if (waitMs === undefined) {
      logger.error(`Gave up listening: ${message}`)
      this.failure = { ...this.failure, message: `${message}; gave up listening` }
      return this.enter('failed')
    }
    logger.warn({ waitMs }, `Could not listen: ${message}`)
    this.nextAttemptUnixMs = Math.round(Date.now() + waitMs)
    this.enter('disconnected')
  }

  private connected(link: Link, peer: Peer, number: number): void {
    const { limits } = this.options
    if (this.stateNow !== 'connected') return void link.close(CLOSE_GOING_AWAY)
    if ((this.resting.get(peer.name) ?? 0) > monotonicMs()) return this.turnAway(link, peer, 'resting')
    const already = [...this.open.values()].filter(({ peer: { name } }) => name === peer.name).length
    if (already >= limits.maxConnectionsPerPeer && peer !== ANYBODY)
      return this.turnAway(link, peer, 'too-many')
    const stream = new ConnectorStream(this.setup, link, number, peer, CLOSE_GOING_AWAY)
    this.open.set(number, stream)
    void stream.closed.then(() => this.gone(number))
    stream.listen()
    // There is somebody to send to again.
    this.circuit.turn('open')
  }

  private heard(event: ConnectorEvent): void {
    const stream = this.open.get(event.origin.stream)
    if (stream !== undefined) this.listener.vouchFor(stream.link)
    this.options.onEvent(event)
  }

  private turnAway(link: Link, { name }: Peer, why: 'resting' | 'too-many'): void {
    this.options.onFault(why, () => name)
    void link.close(CLOSE_TRY_LATER)
  }

  /** A peer that sends what is meant to be expensive. Nobody else can be told from it where there are no accounts. */
  private cut(stream: ConnectorStream, why: string): void {
    const { peer, link } = stream
    this.options.onFault('excess', () => ({ peer: peer.name, why }))
    this.cutLog.run(peer.name, (repeated) =>
      logger.warn({ peer: peer.name, host: link.peer.host, why, repeated }, 'A peer was cut'),
    )
    if (peer !== ANYBODY) this.resting.set(peer.name, monotonicMs() + REST_MS)
    stream.cut()
  }

  private gone(number: number): void {
    this.open.delete(number)
    if (this.open.size === 0) this.desertedSinceUnixMs = Date.now()
  }

  private enter(state: ConnectorState): void {
    this.stateNow = state
    if (state !== 'connected') this.circuit.turn('closed')
    this.options.onState(state)
  }
}
