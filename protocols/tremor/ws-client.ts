import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type Reason } from '../../src/transports/peer/terms'
import { dial } from '../../src/connections/dial'
import { type LifeState } from '../../src/connections/connection-life'
import { LinkKeeper, type SessionEnd } from '../../src/connections/link-keeper'
import { type Delay, Retry } from '../../src/connections/retry'
import { urlOf } from './address'
import { Circuit } from './circuit'
import {
  type ConnectionLimits,
  type Connector,
  type ConnectorPorts,
  type ConnectorState,
  readingLimits,
} from './connector'
import { ConnectorStream, type StreamSetup } from './connector-stream'
import { type ClientDefinition } from './definition'
import { type OutgoingEvent, type SendResult } from './events'
import { reconnectRule } from './reconnect'
import { type LoadedClientTls } from './tls-files'

const CLOSE_NORMAL = 1000

export interface WsClientOptions extends ConnectorPorts {
  alias: string
  definition: ClientDefinition
  tls: LoadedClientTls | undefined
  headers: Record<string, string>
  limits: ConnectionLimits
  /** In [0, 1). */
  random: () => number
}

/**
 * Connects out and stays connected by the rules of its definition (tremor 9). Each connection is a new stream with fresh state; the old
 * one is flushed before its loss is told.
 */
export class WsClient implements Connector {
  readonly circuit: Circuit
  private readonly keeper: LinkKeeper<ConnectorStream>
  private readonly retry: Retry<SessionEnd, Delay>
  private lastStream = -1
  private lastPull = -1
  private readonly setup: StreamSetup
  private readonly url: string

  constructor(private readonly options: WsClientOptions) {
    const { definition, tls, limits } = options
    this.url = urlOf(definition.address, tls !== undefined)
    this.circuit = new Circuit((state) => options.onCircuit(state))
    this.setup = {
      ...options,
      kind: 'ws_client',
      isTls: tls !== undefined,
      inbound: definition.inbound,
      outbound: definition.outbound,
      reading: readingLimits(limits),
      // Counted like any content that cannot be taken. To leave would bring the same content again, at the next connection.
      onExcess: () => {},
      nextPullId: () => ++this.lastPull,
    }
    this.retry = new Retry<SessionEnd, Delay>(reconnectRule(definition.reconnect, options.random))
    this.keeper = new LinkKeeper<ConnectorStream>({
      url: this.url,
      open: (signal) => this.open(signal),
      retry: this.retry,
      app: options.app,
      onOpen: (stream) => this.opened(stream),
      onState: (state) => this.changed(state),
    })
  }

  get state(): ConnectorState {
    switch (this.keeper.state) {
      // One that is closing is connected until its stream has been flushed: the loss is told after that (tremor 9).
      case 'open':
      case 'closing':
        return 'connected'
      case 'failed':
        // tremor 9.2: one that gives up because it may not try again after a loss has not failed.
        return this.keeper.lastEnd === 'lost' ? 'disconnected' : 'failed'
      case 'connecting':
        return 'connecting'
      case 'stopped':
        return 'stopped'
      case 'idle':
      case 'waiting':
        return 'disconnected'
    }
  }

  start(): void {
    if (this.keeper.state === 'idle') this.keeper.start()
  }

  begin(): Promise<void> {
    return Promise.resolve()
  }

  stop(): Promise<void> {
    return this.keeper.stop()
  }

  send(event: OutgoingEvent): SendResult {
    const failure = this.keeper.session?.send(event) ?? (this.keeper.session ? undefined : 'not-connected')
    return failure === undefined ? [] : [failure]
  }

  status(): ConnectionStatus[] {
    return [{ ...this.keeper.status(), details: { circuit: this.circuit.state, connector: this.state } }]
  }

  outage(): Reason | undefined {
    const outage = this.keeper.outage()
    return outage && this.keeper.state === 'failed'
      ? { ...outage, message: `${outage.message}; gave up connecting` }
      : outage
  }

  private async open(signal: AbortSignal): Promise<ConnectorStream> {
    const { definition, tls, headers, limits } = this.options
    const link = await dial(
      {
        url: this.url,
        headers,
        tls,
        noDelay: definition.noDelay,
        maxPayloadBytes: limits.maxMessageBytes,
        maxBufferedBytes: limits.maxBufferedBytes,
        openTimeoutMs: limits.handshakeTimeoutMs,
        pingEveryMs: limits.pingEveryMs,
        maxMissedPongs: limits.maxMissedPongs,
      },
      signal,
    )
    const { host } = definition.address
    return new ConnectorStream(this.setup, link, ++this.lastStream, { name: host, rank: 1 }, CLOSE_NORMAL)
  }

  private opened(stream: ConnectorStream): void {
    this.retry.reset()
    stream.listen()
  }

  private changed(state: LifeState): void {
    if (state === 'closing') return
    this.circuit.turn(state === 'open' ? 'open' : 'closed')
    this.options.onState(this.state)
  }
}
