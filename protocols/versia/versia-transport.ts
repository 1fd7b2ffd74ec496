import { type ProviderResult } from '../../src/public/util/types'
import { makeLogger } from '../../src/util/logging'
import { timeoutPromise } from '../../src/util/sleep'
import { ConfigError } from '../../src/config/config-error'
import { listenProblem } from '../../src/config/listen-problem'
import { unlessAborted } from '../../src/util/unless-aborted'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { PeerTransport } from '../../src/transports/peer/peer-transport'
import { FUTURE_TOLERANCE_MS, OPEN, type Reason } from '../../src/transports/peer/terms'
import { type EndpointContext } from '../../src/public/adapter/types'
import { type TransportDependencies, type TransportGenerics } from '../../src/public/transports'
import { type Outcome } from './link-reader'
import { discoverKey } from './discovery'
import { httpsGet } from './https-get'
import { checkOptions, type Setup, type VersiaOptions } from './options'
import { type VersiaPrice } from './price'
import { PriceGate } from './price-gate'
import { PriceOrder } from './price-order'
import { type Distrust } from './reasons'
import { processReplayMemory } from './replay-memory'
import { type Discover, SignerKeys } from './signer-keys'
import { VersiaSource } from './source'
import { Verifier } from './verifier'

const logger = makeLogger('Versia')

/** How long the cache may take to say what it has stored, in ms. After that it counts as empty. */
const CACHE_PATIENCE_MS = 2_000

export interface VersiaTransportConfig<T extends TransportGenerics> {
  /** How the source is set up. Called once, when the adapter starts. */
  options: (settings: T['Settings']) => VersiaOptions
  /**
   * Which feed a price is for, and what to serve for it. Called for prices alone that a listed signer has signed. The time of the value is
   * the price's `observed_at`, whatever is returned.
   *
   * @returns undefined for a price that is for no feed of this endpoint; it is counted as `unknown-feed`
   */
  price: (price: VersiaPrice, context: EndpointContext<T>) => ProviderResult<T> | undefined
}

/** What is made once, from the settings. */
interface Machinery {
  options: VersiaOptions
  clock: () => number
  verifier: Verifier
  gate: PriceGate
  aheadToleranceMs: number
  keys: SignerKeys
  rankOf: ReadonlyMap<string, number>
  source: VersiaSource
}

/**
 * Fills feeds from signed entities that peers push over WebSocket (Versia): as the client of a source, as a listener that sources connect
 * to, or both. Nothing reaches the author's function before its signature has been found good.
 *
 * Wire format, security and failures: protocols/versia/README.md.
 */
export class VersiaTransport<T extends TransportGenerics> extends PeerTransport<T> {
  private machinery: Machinery | undefined
  private context: EndpointContext<T> | undefined
  private stopping = new AbortController()
  private distrust: { reason: Distrust; sinceUnixMs: number } | undefined
  private readonly order = new PriceOrder(
    (key) => this.storedTime(key),
    (reason) => this.fault(reason, () => 'a price that is not the newest of its feed'),
  )

  constructor(private readonly config: VersiaTransportConfig<T>) {
    super()
  }

  /** @throws ConfigError with everything that is wrong with the options: keys, names, URL, path */
  override async initialize(
    dependencies: TransportDependencies<T>,
    adapterSettings: T['Settings'],
    endpointName: string,
    name: string,
  ): Promise<void> {
    await super.initialize(dependencies, adapterSettings, endpointName, name)
    this.renew = () => {
      const options = this.config.options(adapterSettings)
      this.machinery = this.build(options, checkOptions(options))
      this.stopping = new AbortController()
    }
    this.renew()
  }

  protected override renew = (): void => {}

  /** A source that peers connect to is of no use where it cannot listen. @throws ConfigError that names the setting */
  async [OPEN](context: EndpointContext<T>): Promise<void> {
    this.context = context
    try {
      await this.machinery?.source.listen()
    } catch (cause) {
      const { host = '', port = 0, variables } = this.machinery?.options.listen ?? {}
      const { host: hostVariable = 'listen.host', port: portVariable = 'listen.port' } = variables ?? {}
      throw new ConfigError([listenProblem({ host, port, hostVariable, portVariable }, cause)])
    }
  }

  protected override async tend(context: EndpointContext<T>): Promise<void> {
    this.context = context
    this.machinery?.keys.start()
    await this.machinery?.source.start()
  }

  protected override async letGo(): Promise<void> {
    this.stopping.abort()
    await Promise.all([this.machinery?.keys.stop(), this.machinery?.source.stop()])
  }

  protected override connections(): ConnectionStatus[] {
    return this.machinery?.source.status() ?? []
  }

  protected override outage(): Reason | undefined {
    const outage = this.machinery?.source.outage()
    if (outage !== undefined) return outage
    const problem = this.machinery?.keys.problem()
    const sinceUnixMs = this.distrust?.sinceUnixMs ?? this.providerDataStreamEstablished
    if (problem !== undefined) return { code: 'SIGNER_KEY_UNKNOWN', message: problem, sinceUnixMs }
    if (this.distrust === undefined) return undefined
    const message = `The last message was refused: ${this.distrust.reason}`
    return { code: 'MESSAGES_REFUSED', message, sinceUnixMs }
  }

  private build(options: VersiaOptions, { version, path, keys: pinned, signer }: Setup): Machinery {
    const { discovery, clock = () => Date.now(), aheadToleranceMs = FUTURE_TOLERANCE_MS } = options
    const memory = options.replayMemory ?? processReplayMemory
    if (version === '0.4') logger.warn('Version 0.4 of Versia: nothing limits the age of its messages')
    const discover: Discover | undefined =
      discovery &&
      ((signedBy, signal) =>
        discoverKey(signedBy, version, (url, accept) => httpsGet(url, accept, discovery, signal), clock()))
    const keys = new SignerKeys(pinned, discover)
    return {
      options,
      clock,
      keys,
      verifier: new Verifier({ version, path, keys, memory }),
      gate: new PriceGate(options.priceType, aheadToleranceMs),
      aheadToleranceMs,
      rankOf: new Map([...pinned.keys()].map((signedBy, rank) => [signedBy, rank])),
      source: new VersiaSource({
        app: this.app,
        options,
        signer,
        receive: (data, isBinary, peer) => this.receive(data, isBinary, peer),
        onOpen: () => (this.providerDataStreamEstablished = Date.now()),
        onFlood: (detail) => this.fault('flood', detail),
        onRefused: (why) => this.fault(why, () => 'a peer that wanted to connect'),
      }),
    }
  }

  /** The steps of versia-websocket 8. Never throws. */
  private receive(data: Buffer, isBinary: boolean, peer: string): Outcome {
    const { clock, verifier, gate } = this.machinery!
    const [now, receivedAt] = [clock(), Date.now()]
    const verified = verifier.verify(data, isBinary, now)
    if (typeof verified === 'string') return this.distrusts(verified, peer)
    const price = gate.check(verified, now)
    if (price === 'malformed_entity') return this.distrusts(price, peer)
    this.distrust = undefined
    if (typeof price === 'string') this.fault(price, () => ({ peer, signedBy: verified.signedBy }))
    else if (price !== undefined) this.offer(price, now, receivedAt)
    return 'good'
  }

  private distrusts(reason: Distrust, peer: string): Outcome {
    this.distrust = { reason, sinceUnixMs: this.distrust?.sinceUnixMs ?? Date.now() }
    this.fault(reason, () => ({ peer }))
    return reason === 'excessive' ? reason : 'bad'
  }

  private offer(price: VersiaPrice, now: number, receivedAt: number): void {
    try {
      const result = this.config.price(price, this.context!)
      if (result === undefined) return this.fault('unknown-feed', () => price.feed)
      const { observedAtUnixMs } = price
      const { rankOf, aheadToleranceMs } = this.machinery!
      const rank = rankOf.get(price.signedBy) ?? Infinity
      const latest = now + aheadToleranceMs
      const feedKey = this.responseCache.getCacheKey(this.name, result.params)
      const take = () => this.take(result, observedAtUnixMs, receivedAt)
      this.order.offer(feedKey, { place: { timeUnixMs: observedAtUnixMs, rank }, latest, take })
    } catch (error) {
      this.fault('handler-failed', () => price.feed, error)
    }
  }

  /** @returns whether the endpoint's guards let it through */
  private take(
    { params, response }: ProviderResult<T>,
    observedAtUnixMs: number,
    receivedAt: number,
  ): boolean {
    if (this.isStopped) return false
    const timestamps = { providerIndicatedTimeUnixMs: observedAtUnixMs }
    this.deliver([{ params, response: { ...response, timestamps } } as ProviderResult<T>], receivedAt)
    return this.responseCache.feed(this.name, params).refusal === undefined
  }

  /** The time of the value that is stored for a feed; after a restart it may be a value of an earlier process. Rejects when the cache is slow. */
  private async storedTime(feedKey: string): Promise<number | undefined> {
    const look = unlessAborted(this.responseCache.get(feedKey), this.stopping.signal)
    const stored = await timeoutPromise('Look up the newest price', look, CACHE_PATIENCE_MS)
    return stored?.errorMessage === undefined ? stored?.timestamps?.providerIndicatedTimeUnixMs : undefined
  }
}
