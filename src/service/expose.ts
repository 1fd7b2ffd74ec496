import { type FastifyInstance } from 'fastify'
import { type Adapter, type AnyAdapter } from '../adapter/adapter'
import { type SettingsDefinitionMap } from '../config/settings'
import { uselessVariables } from '../config/useless-variables'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { addressOf, listen, openAt } from './listening'
import { sayWhatIsOpen } from './open-addresses'
import { endsProcessUnlessCaught, endWith, hearExceptions } from './rejections'
import { type Running, startAdapter } from './started-adapter'
import { drain, endServer, stopInOrder, stopOnSignals } from './stopping'

const logger = makeLogger('Main')

/** Starts an adapter without listening. Closing `api` stops its background work (contract 3.2). */
export const start = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T>,
  dependencies?: Partial<AdapterDependencies>,
): Promise<{ api: FastifyInstance | undefined; metricsApi: FastifyInstance | undefined }> => {
  const { api, metricsApi } = await startAdapter(adapter, dependencies)
  return { api, metricsApi }
}

/** Logs what runs, where it listens, and what is open. Only `expose` does: code that only starts an adapter does not listen. */
const sayWhere = ({ api, metricsApi, adminApi, version }: Running, adapter: AnyAdapter): void => {
  const { name, endpoints } = adapter
  const names = endpoints.map((endpoint) => endpoint.name)
  const at = api && addressOf(api)
  const metricsAt = metricsApi && addressOf(metricsApi)
  const adminPort = adminApi && addressOf(adminApi).port
  const requests = at
    ? `Listening on port ${at.port} of ${at.host}`
    : 'Listening for no requests, as a writer'
  const metrics = metricsAt ? `metrics on port ${metricsAt.port}` : 'metrics off'
  logger.info(
    {
      adapter: name,
      endpoints: names,
      host: at?.host,
      port: at?.port,
      metricsPort: metricsAt?.port,
      ...version,
      ...(adminPort !== undefined && { adminPort }),
    },
    `${requests}: adapter ${name}, endpoints ${names.join(', ')}; ${metrics}`,
  )
  sayWhatIsOpen(
    [...openAt('requests', api), ...openAt('metrics', metricsApi), ...openAt('operators', adminApi)],
    adapter.settings,
  )
}

const listenAll = async (
  { api, metricsApi, adminApi, state }: Running,
  { config }: AnyAdapter,
): Promise<void> => {
  const { EA_HOST: host, EA_PORT, METRICS_PORT, ADMIN_PORT = 0 } = config.settings
  const place = (name: 'EA_PORT' | 'METRICS_PORT' | 'ADMIN_PORT', port: number) => ({
    host,
    port,
    hostVariable: config.variableOf('EA_HOST'),
    portVariable: config.variableOf(name),
  })
  try {
    if (api !== undefined) await listen(api, place('EA_PORT', EA_PORT))
    if (metricsApi !== undefined) await listen(metricsApi, place('METRICS_PORT', METRICS_PORT))
    if (adminApi !== undefined) await listen(adminApi, place('ADMIN_PORT', ADMIN_PORT))
    state.watchEventLoop()
  } catch (error) {
    // LC-2: a port that cannot be used is a failure, and the exit code must say so.
    endWith(error)
  }
}

/**
 * Stops on a signal in the same way as the service, unless the server was closed before.
 *
 * @returns call this when the adapter was stopped without closing its server
 */
const stopWithProcess = (
  { api, metricsApi, adminApi, state, stop }: Running,
  adapter: AnyAdapter,
): (() => void) => {
  const forget = stopOnSignals(async () => {
    await drain(state, adapter.settings.STOP_DRAIN_MS)
    await stopInOrder({ server: api, adapters: [adapter] }, [
      () => endServer(metricsApi),
      () => endServer(adminApi),
      stop,
    ])
  })
  ;(api ?? metricsApi)?.addHook('onClose', (_app, done) => {
    forget()
    done()
  })
  return forget
}

/**
 * Starts an adapter and listens on `EA_HOST:EA_PORT`, and for metrics on `METRICS_PORT`; returns the REST server. Requests are answered
 * from the start. Where several processes may write to one cache, the promise resolves when this process is its only writer. On SIGTERM or
 * SIGINT running requests are finished, all connections are closed and the process ends with 0; a second signal ends it at once.
 *
 * @throws ConfigError with all bad settings; Error when another process is the writer, after everything has been closed. If nobody catches
 * it, the process ends with 1 and one log line that says why
 */
export const expose = async <T extends SettingsDefinitionMap>(
  adapter: Adapter<T>,
  dependencies?: Partial<AdapterDependencies>,
): Promise<FastifyInstance | undefined> => {
  hearExceptions()
  try {
    const running = await startAdapter(adapter, dependencies)
    const { api, metricsApi, adminApi, stop } = running
    api?.addHook('onClose', () => metricsApi?.close())
    const forget = stopWithProcess(running, adapter)
    await listenAll(running, adapter)
    sayWhere(running, adapter)
    for (const line of uselessVariables(new Map([[adapter.name, adapter.config]]), [])) logger.warn(line)
    try {
      await adapter.lockAcquiredPromise
    } catch (error) {
      await Promise.all([stop(), api?.close(), metricsApi?.close(), adminApi?.close()])
      forget()
      throw error
    }
    return api
  } catch (error) {
    endsProcessUnlessCaught(error)
    throw error
  }
}
