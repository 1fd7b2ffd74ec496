import { isMeasured, readServerSettings } from '../config/server-settings'
import { readServiceSettings } from '../config/service-settings'
import { setupMetricsServer } from '../http/metrics-server'
import { ProcessState } from '../http/process-state'
import { ownViews } from '../http/views'
import {
  buildServiceAdmin,
  buildServiceServer,
  host,
  wantedNames,
  sayWhatRuns,
  warnOfSettings,
} from './hosting'
import { listen, openAt } from './listening'
import { sayWhatIsOpen } from './open-addresses'
import { drain, endServer, stopInOrder } from './stopping'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'

const logger = makeLogger('Service')

/** A running service: several adapters on one port. */
export interface Service {
  /** The names of the adapters that started. */
  adapters: string[]
  /** The address where requests are answered, such as `http://127.0.0.1:8080`. */
  url: string
  metricsUrl: string | undefined
  /** With `ADMIN_PORT`. */
  adminUrl: string | undefined
  /** Finishes running requests and closes all connections. Resolves when that is done. */
  stop: () => Promise<void>
}

/**
 * Starts the adapters that `ADAPTERS` names (if it is empty, all there are) and serves each at `POST /<name>`. The one that
 * `DEFAULT_ADAPTER` names (or else the first) is also at `POST /`. All of them run in this process, even if `WORKERS` is more than 1.
 *
 * @throws ConfigError for bad settings of the service itself, for example a port that is taken, and when no adapter could start
 */
export const startService = async (): Promise<Service> => {
  LoggerFactoryProvider.set()
  const service = readServiceSettings()
  const settings = readServerSettings()
  const names = wantedNames(service)
  const preferredName = service.defaultAdapter ?? names[0]
  const hosted = await host(names, service)
  sayWhatRuns(hosted)
  const state = new ProcessState()
  const views = ownViews(
    hosted.map(({ adapter }) => adapter),
    state,
  )
  const app = await buildServiceServer(settings, hosted, preferredName, views)
  const metricsApp = isMeasured(settings) ? setupMetricsServer('TICKWELL', settings) : undefined
  const adminApp =
    settings.ADMIN_PORT === undefined ? undefined : buildServiceAdmin(settings, hosted, preferredName, views)
  for (const { started } of hosted) started.execute()

  const stopAll = async () => {
    await drain(state, state.phase === 'starting' ? 0 : settings.STOP_DRAIN_MS)
    await stopInOrder({ server: app, adapters: hosted.map(({ adapter }) => adapter) }, [
      () => endServer(metricsApp),
      () => endServer(adminApp),
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
    const { EA_HOST, EA_PORT, METRICS_PORT, ADMIN_PORT = 0 } = settings
    const url = await listen(app, { host: EA_HOST, port: EA_PORT, portVariable: 'EA_PORT' })
    const metricsUrl =
      metricsApp &&
      (await listen(metricsApp, { host: EA_HOST, port: METRICS_PORT, portVariable: 'METRICS_PORT' }))
    const adminUrl =
      adminApp && (await listen(adminApp, { host: EA_HOST, port: ADMIN_PORT, portVariable: 'ADMIN_PORT' }))
    state.watchEventLoop()
    state.serving()
    logger.info({ url, adapters: hosted.map(({ name }) => name), ...(adminUrl && { adminUrl }) }, 'Listening')
    sayWhatIsOpen(
      [...openAt('requests', app), ...openAt('metrics', metricsApp), ...openAt('operators', adminApp)],
      settings,
    )
    // It takes its time, which nobody has to wait for.
    warnOfSettings(hosted, preferredName)
    return { adapters: hosted.map(({ name }) => name), url, metricsUrl, adminUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
