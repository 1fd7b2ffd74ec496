import { type AnyAdapter } from './adapter'
import {
  childrenOf,
  isWaiting,
  leaveConnection,
  listens,
  open,
  polls,
  sayGoodbye,
} from '../transports/capabilities'
import { Requester } from '../outbound-http/requester'
import { type EndpointContext, type Transport, type TransportGenerics } from '../transports/transport'
import { type Heart } from '../util/heartbeats'
import { belongsTo, named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { BackgroundRunner } from '../transports/runner'

const logger = makeLogger('Background')

type Working = Transport<TransportGenerics> &
  Required<Pick<Transport<TransportGenerics>, 'backgroundExecute'>>

const worksInBackground = (transport: Transport<TransportGenerics>): transport is Working =>
  transport.backgroundExecute !== undefined

const isPolling = (transport: Transport<TransportGenerics>): boolean =>
  [...(childrenOf(transport)?.values() ?? [transport])].some(polls)

/** The background work of one adapter. */
export class Background {
  private runners: BackgroundRunner<TransportGenerics>[] = []
  private readonly makers: (() => BackgroundRunner<TransportGenerics>)[] = []
  private readonly transports: Transport<TransportGenerics>[] = []
  private readonly openings: (() => Promise<void>)[] = []
  private stopped: Promise<void> | undefined

  /**
   * Makes the background work of an adapter, with everything open that its transports listen on. {@link resume} begins it.
   *
   * @throws ConfigError where a transport cannot listen, after all have been closed
   */
  static async open(adapter: AnyAdapter): Promise<Background> {
    const background = new Background(adapter, false)
    try {
      await Promise.all(background.openings.map((opening) => opening()))
    } catch (error) {
      await background.stop()
      throw error
    }
    return background
  }

  /**
   * Starts a runner for every transport that has background work. Each runner has begun its first run when this returns.
   *
   * @param begins - false: {@link resume} starts them
   */
  constructor(
    private readonly adapter: AnyAdapter,
    begins = true,
  ) {
    const { settings } = adapter
    adapter.dependencies.feedLimits?.govern()
    for (const endpoint of adapter.endpoints) {
      for (const [name, transport] of endpoint.transportRoutes.entries()) {
        this.transports.push(transport)
        // FO-3: a transport that is made of several is run as several.
        for (const [runName, single] of childrenOf(transport) ?? [[name, transport] as const]) {
          if (!worksInBackground(single)) continue
          const { name: endpointName, inputParameters, caseSensitive } = endpoint
          const context: EndpointContext<TransportGenerics> = {
            endpointName,
            inputParameters,
            adapterSettings: settings,
            ...(caseSensitive && { caseSensitive }),
          }
          belongsTo(context, { adapter: adapter.name, endpoint: endpointName })
          if (listens(single)) this.openings.push(() => open(single, context))
          const { BACKGROUND_EXECUTE_TIMEOUT: timeoutMs } = settings
          const heart = () => this.heartOf(endpointName, runName, single)
          this.makers.push(
            () =>
              new BackgroundRunner(
                adapter.name,
                runName,
                single,
                context,
                timeoutMs,
                heart(),
                endpoint.responseCache,
              ),
          )
        }
      }
    }
    if (this.transports.some(isPolling)) this.warnOfFloor()
    if (begins) this.resume()
  }

  /** Ends all loops, and the connections of streams; {@link resume} begins anew. What a run that hangs still does counts for nothing. */
  pause(): void {
    for (const runner of this.runners.splice(0)) void runner.abandon()
    for (const single of this.singles()) leaveConnection(single)
  }

  resume(): void {
    if (this.stopped !== undefined || this.runners.length > 0) return
    this.runners = this.makers.map((make) => make())
    for (const runner of this.runners) runner.start()
  }

  /**
   * A run may last twice its time limit, after which it is given up. Where that is short, it may last as long as connecting and one answer
   * take: a provider that does not answer must not make this process seem dead (LC-7).
   */
  private heartOf(endpoint: string, name: string, transport: Transport<TransportGenerics>): Heart {
    const { name: adapter, settings, loops } = this.adapter
    const { BACKGROUND_EXECUTE_TIMEOUT, API_TIMEOUT, WS_CONNECTION_OPEN_TIMEOUT } = settings
    return loops.add(
      `execute loop of ${adapter}, endpoint ${endpoint}, transport ${name}`,
      Math.max(2 * BACKGROUND_EXECUTE_TIMEOUT, API_TIMEOUT + WS_CONNECTION_OPEN_TIMEOUT),
      () => isWaiting(transport),
    )
  }

  private warnOfFloor(): void {
    const { name: adapter, config, dependencies } = this.adapter
    const { requester } = dependencies
    const passMs = requester instanceof Requester ? (requester.courtesy?.passMs ?? 0) : 0
    if (passMs === 0) return
    const settings = ['RATE_LIMIT_CAPACITY_SECOND', 'RATE_LIMIT_CAPACITY_MINUTE'].map((setting) =>
      config.variableOf(setting),
    )
    logger.warn(
      { adapter, passMs },
      `${adapter} declares no rate limit of its data provider, so each request is repeated at most once a second. Declare what the provider allows: in the adapter as rateLimiting.tiers, or with ${settings.join(' or ')}`,
    )
  }

  /**
   * Stops all loops, tells the transports to close their connections, and removes the adapter's series from the metrics. Closing begins at
   * once; the promise resolves when the connections are closed.
   */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  /** Nothing is awaited where nothing has to be said, so that closing begins at once. */
  private sayGoodbye(): Promise<unknown> | undefined {
    if (!this.adapter.isCourteous) return undefined
    const said = this.singles().flatMap((single) => sayGoodbye(single) ?? [])
    return said.length === 0 ? undefined : Promise.all(said)
  }

  /** Each transport, or what it is made of. */
  private singles(): Transport<TransportGenerics>[] {
    return this.transports.flatMap((transport) => [...(childrenOf(transport)?.values() ?? [transport])])
  }

  private async stopAll(): Promise<void> {
    const loops = this.runners.map((runner) => runner.stop())
    const said = this.sayGoodbye()
    if (said !== undefined) await said
    const transports = this.transports.map(async (transport) => {
      try {
        await transport.shutdown?.()
      } catch (err) {
        named(logger, transport).warn({ err, transport: transport.name }, 'A transport failed to shut down')
      }
    })
    for (const { responseCache } of this.adapter.endpoints) responseCache?.stop()
    // This comes after the transports, so that each knows that it is stopping before its requests fail for that reason.
    const { requester } = this.adapter.dependencies
    if (requester instanceof Requester) requester.stop()
    await Promise.all([...loops, ...transports])
  }
}
