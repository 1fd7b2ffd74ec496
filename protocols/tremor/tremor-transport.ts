import { ResponseCache } from '../../src/public/cache/response'
import { type ProviderResult } from '../../src/public/util/types'
import { ConfigError } from '../../src/config/config-error'
import { listenProblem } from '../../src/config/listen-problem'
import { metrics } from '../../src/public/metrics'
import { type SubscriptionDeltas } from '../../src/public/transports/abstract/streaming'
import { type TypeFromDefinition } from '../../src/public/validation/input-params'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { PeerTransport } from '../../src/transports/peer/peer-transport'
import { OPEN, type Reason, WAKE } from '../../src/transports/peer/terms'
import { type EndpointContext } from '../../src/public/adapter/types'
import { type TransportDependencies, type TransportGenerics } from '../../src/public/transports'
import { type Connector, type ConnectorState } from './connector'
import { createConnector } from './create-connector'
import { type ConnectorEvent, type ErrorEvent, type OutgoingEvent, type SendResult } from './events'
import { type ConnectorConfig, type TremorOptions } from './options'
import { Precedence } from './precedence'

type Deltas<T extends TransportGenerics> = SubscriptionDeltas<TypeFromDefinition<T['Parameters']>>

/**
 * Fills feeds from a Tremor-style WebSocket connector: a `ws_server` that peers push to, or a `ws_client` that connects out. What comes in
 * goes through preprocessors and codec, becomes an event, and the handler says which feeds it has values for.
 */
export class TremorTransport<T extends TransportGenerics> extends PeerTransport<T> {
  private connector: Connector | undefined
  private type: ConnectorConfig['type'] = 'ws_client'
  private listenVariable = 'config.url'
  private context: EndpointContext<T> | undefined
  private precedence = new Precedence(0)
  private hasNewConnection = false
  private unpublish: (() => void)[] = []

  constructor(private readonly options: TremorOptions<T>) {
    super()
  }

  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, name)
    const config = this.options.connector(adapterSettings)
    this.type = config.type
    if (config.type === 'ws_server') this.listenVariable = config.variables?.listen ?? this.listenVariable
    this.precedence = new Precedence(
      this.options.freshForMs?.(adapterSettings) ?? adapterSettings.CACHE_MAX_AGE,
    )
    this.renew = async () => {
      this.connector = await createConnector(config, {
        alias: `${endpointName}::${name}`,
        random: Math.random,
        onEvent: (event) => this.receive(event),
        onError: (error) => this.undecodable(error),
        app: this.app,
        onFault: (fault, detail, error) => this.fault(fault, detail, error),
        onState: (state) => this.changed(state),
        onCircuit: () => {},
      })
      this.publish(endpointName, this.connector)
    }
    await this.renew()
  }

  protected renew = (): Promise<void> => Promise.resolve()

  /** Whoever is pushed to is of no use where it cannot listen. @throws ConfigError that names the setting */
  async [OPEN](context: EndpointContext<T>): Promise<void> {
    this.context = context
    try {
      await this.connector?.begin()
    } catch (cause) {
      throw new ConfigError([this.listenProblem(cause)])
    }
  }

  /** Sends now or fails now (tremor 8.3): see the outcome. */
  send(event: OutgoingEvent): SendResult {
    return this.connector?.send(event) ?? ['not-connected']
  }

  protected tend(context: EndpointContext<T>, subscriptions: Deltas<T>): void {
    this.context = context
    if (this.isStopped) return
    this.connector?.start()
    this.request(context, subscriptions)
  }

  protected async letGo(): Promise<void> {
    await this.connector?.stop()
    for (const withdraw of this.unpublish) withdraw()
    this.unpublish = []
  }

  protected connections(): ConnectionStatus[] {
    return this.connector?.status() ?? []
  }

  protected outage(): Reason | undefined {
    return this.connector?.outage()
  }

  private listenProblem(cause: unknown): string {
    const url = new URL(this.connections()[0]?.url ?? 'ws://unknown')
    const { listenVariable: variable } = this
    const place = {
      host: url.hostname,
      port: Number(url.port || 80),
      hostVariable: variable,
      portVariable: variable,
    }
    return listenProblem(place, cause)
  }

  private changed(state: ConnectorState): void {
    if (state !== 'connected') return
    this.hasNewConnection = true
    this.providerDataStreamEstablished = Date.now()
    this[WAKE].wake()
  }

  /** Tells a provider what is wanted: everything on a new connection, only the changes on one that knows the rest. */
  private request(context: EndpointContext<T>, subscriptions: Deltas<T>): void {
    if (this.type === 'ws_server' || this.connector?.state !== 'connected') return
    const { requests, handlers } = this.options
    const { desired } = subscriptions
    const isNew = this.hasNewConnection
    const { new: fresh, stale } = isNew ? { new: desired, stale: [] } : subscriptions
    const first = isNew ? handlers.open?.(context) : undefined
    const isChange = fresh.length > 0 || stale.length > 0
    const changes = isChange ? requests?.({ desired, new: fresh, stale }, context) : undefined
    // Only now: where one of the two throws, the next pass begins anew.
    this.hasNewConnection = false
    for (const event of [...(first ?? []), ...(changes ?? [])]) this.send(event)
  }

  private receive(event: ConnectorEvent): void {
    const { context } = this
    if (context === undefined) return
    let results: ProviderResult<T>[] | undefined
    try {
      const refuse = (why: string) => this.fault('not-understood', () => why)
      results = this.options.handlers.event(event, {
        context,
        send: this.sender(event.origin.stream),
        refuse,
      })
    } catch (error) {
      this.fault('handler-failed', () => 'an event', error)
      return
    }
    this.serve(results, event)
  }

  /** What peers of better ranks fill is theirs; what a guard refuses must not keep others out. */
  private serve(results: ProviderResult<T>[] | undefined, event: ConnectorEvent): void {
    const { responseCache, precedence } = this
    const { peer, receivedAt } = event
    if (!Array.isArray(results) || !(responseCache instanceof ResponseCache))
      return this.deliver(results, receivedAt)
    for (const result of results) {
      let feed: ReturnType<typeof responseCache.feed>
      let timeUnixMs: number
      try {
        feed = responseCache.feed(this.name, result.params)
        timeUnixMs = indicatedTime(result) ?? receivedAt
      } catch (error) {
        this.fault('handler-failed', () => 'a result without params or response', error)
        continue
      }
      const claim = { peer: peer.name, rank: peer.rank, timeUnixMs, receivedAt }
      if (!precedence.admits(feed, claim)) {
        this.fault('outranked', () => ({ feed: feed.feedId, peer: peer.name }))
        continue
      }
      const { sets } = feed
      this.deliver([result], receivedAt)
      if (feed.sets > sets && result.response.errorMessage === undefined) precedence.note(feed, claim)
    }
  }

  private undecodable(error: ErrorEvent): void {
    const { context } = this
    if (context === undefined) return
    try {
      this.options.handlers.error?.(error, { context, send: this.sender(error.value.stream_id) })
    } catch (thrown) {
      this.fault('handler-failed', () => 'an error event', thrown)
    }
  }

  private sender(stream: number): (event: OutgoingEvent) => SendResult {
    return (event) => this.send({ origins: [stream], ...event })
  }

  private publish(endpointName: string, { circuit }: Connector): void {
    const labels = { ...this.app(), adapter_endpoint: endpointName, transport: this.name }
    this.unpublish = [
      metrics.publish('transportCircuitOpen', (gauge) => {
        gauge.set(labels, circuit.state === 'open' ? 1 : 0)
      }),
      metrics.publish('transportCircuitEvents', (counter) => {
        for (const state of ['open', 'closed'] as const)
          counter.inc({ ...labels, state }, circuit.changes[state])
      }),
    ]
  }
}

const indicatedTime = <T extends TransportGenerics>({ response }: ProviderResult<T>): number | undefined =>
  (response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }).timestamps
    ?.providerIndicatedTimeUnixMs
