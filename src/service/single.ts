import { isMeasured, readServerSettings } from '../config/server-settings'
import { readServiceSettings } from '../config/service-settings'
import { setupMetricsServer } from '../http/metrics-server'
import {
  buildServiceServer,
  CONNECTIONS_PATIENCE_MS,
  host,
  REQUESTS_PATIENCE_MS,
  settledWithin,
  wantedNames,
  warnOfSettings,
} from './hosting'
import { listen } from './listening'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'

const logger = makeLogger('Service')

/** A running service: several adapters behind one port. */
export interface Service {
  /** The names of the adapters that started. */
  adapters: string[]
  /** Where requests are answered, such as `http://127.0.0.1:8080`. */
  url: string
  metricsUrl: string | undefined
  /** Finishes running requests, closes all connections, and resolves. */
  stop: () => Promise<void>
}

/**
 * Starts the adapters that `ADAPTERS` names (all there are, if none) and serves each at `POST /<name>`, the one that
 * `DEFAULT_ADAPTER` names (or the first) at `POST /` too. All in this process, whatever `WORKERS` says.
 *
 * @throws ConfigError for bad settings of the service itself; Error when no adapter at all could start, or a port is taken
 */
export const startService = async (): Promise<Service> => {
  LoggerFactoryProvider.set()
  const service = readServiceSettings()
  const settings = readServerSettings()
  const names = wantedNames(service)
  const preferredName = service.defaultAdapter ?? names[0]
  const hosted = await host(names, service)
  warnOfSettings(hosted, preferredName)
  const app = await buildServiceServer(settings, hosted, preferredName)
  const metricsApp = isMeasured(settings) ? setupMetricsServer('TICKWELL', settings) : undefined
  for (const { started } of hosted) started.execute()

  const stopAll = async () => {
    // Requests first: one that waits for its first price still gets it.
    await settledWithin(REQUESTS_PATIENCE_MS, [() => app.close()])
    await settledWithin(CONNECTIONS_PATIENCE_MS, [
      () => metricsApp?.close(),
      ...hosted.map(
        ({ started }) =>
          () =>
            started.stop(),
      ),
    ])
  }
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= stopAll())
  try {
    const url = await listen(app, settings.EA_HOST, settings.EA_PORT)
    const metricsUrl =
      metricsApp === undefined ? undefined : await listen(metricsApp, settings.EA_HOST, settings.METRICS_PORT)
    logger.info({ url, adapters: hosted.map(({ name }) => name) }, 'Listening')
    return { adapters: hosted.map(({ name }) => name), url, metricsUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
