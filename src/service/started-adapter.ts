import { type FastifyInstance } from 'fastify'
import { Adapter, type AnyAdapter } from '../adapter/adapter'
import { Background } from '../adapter/background'
import { publishDownFeeds } from '../adapter/down-feeds'
import { type RunningVersion, runningVersion } from '../config/running-version'
import { isMeasured } from '../config/server-settings'
import { setupMetricsServer } from '../http/metrics-server'
import { ProcessState } from '../http/process-state'
import { buildAdapterAdmin, buildAdapterServer } from '../http/server'
import { ownViews } from '../http/views'
import { metrics } from '../metrics/registry'
import { childrenIn, listens } from '../transports/capabilities'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { redactText } from '../util/redaction'
import { AdapterRestarts } from './adapter-restarts'
import { hearRejections, lateThrows } from './rejections'

const logger = makeLogger('Main')

/** An adapter from its initialization to its end. All code starts and stops adapters through this class. */
export class StartedAdapter {
  private background: Background | undefined
  private stopped: Promise<void> | undefined
  private readonly restarts: AdapterRestarts

  /** What runs, as the log and the metrics have it. */
  readonly version: RunningVersion
  private readonly unpublish: () => void
  private hideFeeds = (): void => {}

  private constructor(readonly adapter: AnyAdapter) {
    this.restarts = new AdapterRestarts(adapter.name)
    adapter.restarted = () => this.restarts.told
    lateThrows.add(this)
    this.version = runningVersion(adapter.config)
    const { version, configurationHash: configuration_hash, startedUnixMs } = this.version
    this.unpublish = metrics.publish('adapterStarted', (gauge) =>
      gauge.set({ app_name: adapter.name, version, configuration_hash }, startedUnixMs / 1_000),
    )
  }

  /** @throws all that initializing throws, such as a ConfigError with all bad settings */
  static async initialize(
    adapter: AnyAdapter,
    dependencies?: Partial<AdapterDependencies>,
  ): Promise<StartedAdapter> {
    await adapter.initialize(dependencies)
    return new StartedAdapter(adapter)
  }

  /**
   * Opens what the transports listen on, where they do. To be awaited before {@link execute}, in the process that does the background work.
   *
   * @throws ConfigError that names the setting, where one cannot listen. Stop the adapter then
   */
  async open(): Promise<void> {
    const { adapter } = this
    if (adapter.settings.EA_MODE === 'reader' || !hasListeners(adapter)) return
    this.background = await Background.open(adapter)
  }

  /** Begins the background work. A reader has none. In a worker this is not called, because the transports run in the writer process. */
  execute(): void {
    const { adapter } = this
    adapter.readiness?.start()
    if (adapter.settings.EA_MODE === 'reader') return
    this.background ??= new Background(adapter, false)
    this.background.resume()
    this.hideFeeds = publishDownFeeds(adapter)
    adapter.lockAcquiredPromise?.catch(() => this.keptOut())
  }

  /**
   * IS-4: something of this adapter has failed where nobody could deal with it. Its background work ends, and begins again after a pause.
   *
   * @returns false where it waits for that already, or has stopped
   */
  restart(because: string): boolean {
    if (this.stopped !== undefined) return false
    const begins = this.restarts.again(redactText(because), () => {
      logger.info(`${this.adapter.name} begins again`)
      this.background?.resume()
    })
    if (begins) this.background?.pause()
    return begins
  }

  /** Ends the background work, connections and timers. Closing begins at once; the promise resolves when the connections are closed. */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopAll())
  }

  private async stopAll(): Promise<void> {
    const { adapter, background } = this
    lateThrows.remove(this)
    this.restarts.stop()
    this.unpublish()
    this.hideFeeds()
    adapter.readiness?.stop()
    adapter.shutdownNotifier.emit('onClose')
    if (background !== undefined) await background.stop()
    else for (const { responseCache } of adapter.endpoints) responseCache?.stop()
    await adapter.disconnect()
  }

  /** contract 17.22: a writer that another writer excludes must stop its background work. If it has a server, it goes on reading for it. */
  private keptOut(): void {
    const { name, settings } = this.adapter
    if (settings.EA_MODE === 'writer') return void this.stop()
    logger.error({ adapter: name }, `Another process writes for "${name}": this one only reads from now on`)
    this.hideFeeds()
    void this.background?.stop()
  }
}

const hasListeners = ({ endpoints }: AnyAdapter): boolean =>
  endpoints.some(({ transportRoutes }) =>
    transportRoutes.entries().some(([, transport]) => childrenIn(transport).some(listens)),
  )

/** An adapter that was started, with its servers. */
export interface Running {
  api: FastifyInstance | undefined
  metricsApi: FastifyInstance | undefined
  /** With `ADMIN_PORT`. */
  adminApi: FastifyInstance | undefined
  state: ProcessState
  version: RunningVersion
  /** Closing `api` calls this too, but does not wait for it. */
  stop: () => Promise<void>
}

/** Initializes an adapter, builds its servers and begins its background work. It does not listen (contract 3.2). */
export const startAdapter = async (
  adapter: AnyAdapter,
  dependencies?: Partial<AdapterDependencies>,
): Promise<Running> => {
  if (!(adapter instanceof Adapter))
    throw new Error('The adapter has not been initialized as an instance of the Adapter class, exiting.')
  const started = await StartedAdapter.initialize(adapter, dependencies)
  const { name, settings } = started.adapter
  try {
    const metricsApi = isMeasured(settings) ? setupMetricsServer(name, settings) : undefined
    const state = new ProcessState()
    const views = ownViews([started.adapter], state)
    const adminApi = settings.ADMIN_PORT === undefined ? undefined : buildAdapterAdmin(started.adapter, views)
    const api = settings.EA_MODE === 'writer' ? undefined : await buildAdapterServer(started.adapter, views)
    hearRejections()
    await started.open()
    started.execute()
    api?.addHook('preClose', (done) => {
      state.stopping()
      done()
    })
    // Not awaited: under a fake clock the provider may never confirm the close.
    api?.addHook('onClose', () => void started.stop())
    api?.addHook('onClose', () => adminApi?.close())
    state.serving()
    return { api, metricsApi, adminApi, state, version: started.version, stop: () => started.stop() }
  } catch (error) {
    await started.stop()
    throw error
  }
}
