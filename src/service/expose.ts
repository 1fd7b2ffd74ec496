import { type FastifyInstance } from 'fastify'
import { type Adapter } from '../adapter/adapter'
import { type SettingsDefinitionMap } from '../config/settings'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { warmUpTicks } from '../util/warm-up'
import { listen } from './listening'
import { startAdapter } from './started-adapter'

const logger = makeLogger('Main')

/** Starts an adapter without listening; closing `api` stops its background work (contract 3.2). */
export const start = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T>,
  dependencies?: Partial<AdapterDependencies>,
): Promise<{ api: FastifyInstance | undefined; metricsApi: FastifyInstance | undefined }> => {
  const { api, metricsApi } = await startAdapter(adapter, dependencies)
  return { api, metricsApi }
}

/**
 * Starts an adapter and listens on `EA_HOST:EA_PORT`, metrics on `METRICS_PORT`; returns the REST server. Answers from the start, and
 * resolves when it is the one writer of its cache, where there can be several.
 *
 * @throws Error when another process is that writer; everything is closed then
 */
export const expose = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T>,
  dependencies?: Partial<AdapterDependencies>,
): Promise<FastifyInstance | undefined> => {
  const { api, metricsApi, stop } = await startAdapter(adapter, dependencies)
  const { EA_HOST: host, EA_PORT: port, METRICS_PORT: metricsPort } = adapter.settings
  api?.addHook('onClose', () => metricsApi?.close())
  try {
    if (api !== undefined) await listen(api, host, port)
    if (metricsApi !== undefined) await listen(metricsApi, host, metricsPort)
  } catch (err) {
    // LC-2: a port that is taken is a failure, and the exit code says so
    logger.fatal({ err }, messageOf(err))
    process.exit(1)
  }
  warmUpTicks()
  try {
    await adapter.lockAcquiredPromise
  } catch (error) {
    await Promise.all([stop(), api?.close(), metricsApi?.close()])
    throw error
  }
  return api
}
