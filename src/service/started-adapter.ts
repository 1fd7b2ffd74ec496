import { type FastifyInstance } from 'fastify'
import { Adapter } from '../adapter/adapter'
import { Background } from '../adapter/background'
import { type SettingsDefinitionMap } from '../config/settings'
import { setupMetricsServer } from '../http/metrics-server'
import { buildAdapterServer } from '../http/server'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'

const logger = makeLogger('Main')

/** A started adapter. */
export interface Running {
  api: FastifyInstance | undefined
  metricsApi: FastifyInstance | undefined
  /** Stops the background work; resolves when connections are closed. Closing `api` calls it too, without waiting. */
  stop: () => Promise<void>
}

let hearsRejections = false

/** One listener for the process: a promise that nobody watches is logged, and the service goes on (IS-2). */
const hearRejections = () => {
  if (hearsRejections) return
  hearsRejections = true
  process.on('unhandledRejection', (reason) => {
    logger.error({ err: reason }, `Unhandled rejection: ${String(reason)}`)
  })
}

const serverOf = async (adapter: Adapter): Promise<FastifyInstance> => {
  try {
    return await buildAdapterServer(adapter)
  } catch (error) {
    adapter.shutdownNotifier.emit('onClose')
    await adapter.disconnect()
    throw error
  }
}

/** Initializes an adapter, builds its servers, and begins its background work; does not listen (contract 3.2). */
export const startAdapter = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T>,
  dependencies?: Partial<AdapterDependencies>,
): Promise<Running> => {
  if (!(adapter instanceof Adapter))
    throw new Error('The adapter has not been initialized as an instance of the Adapter class, exiting.')
  const started = adapter as unknown as Adapter
  await started.initialize(dependencies)
  const { settings } = started
  const isMeasured = settings.METRICS_ENABLED && settings.EXPERIMENTAL_METRICS_ENABLED
  const metricsApi = isMeasured ? setupMetricsServer(started.name, settings) : undefined
  const api = settings.EA_MODE === 'writer' ? undefined : await serverOf(started)
  hearRejections()
  const background = settings.EA_MODE === 'reader' ? undefined : new Background(started)
  let hasStopped = false
  const stop = async () => {
    if (!hasStopped) started.shutdownNotifier.emit('onClose')
    hasStopped = true
    await background?.stop()
    if (background === undefined) for (const { responseCache } of started.endpoints) responseCache?.stop()
    await started.disconnect()
  }
  // contract 17.22: a writer that another one keeps out does not go on executing; what it has a server for it goes on reading
  started.lockAcquiredPromise?.catch(() => void (api === undefined ? stop() : background?.stop()))
  // Not waited for: under a fake clock a provider's side of the close may never come.
  api?.addHook('onClose', () => void stop())
  return { api, metricsApi, stop }
}
