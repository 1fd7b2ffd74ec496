import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type Adapter } from './adapter/adapter'
import { Background } from './background/background'
import { availableAdapters, loadAdapter } from './catalogue'
import { AdapterConfig } from './config/adapter-config'
import { readServiceSettings } from './config/service-settings'
import { type AdapterSettings } from './config/settings'
import { AdapterRoute } from './http/adapter-route'
import { addDebugRoutes } from './http/debug'
import { setupMetricsServer } from './http/metrics-server'
import { addHealth, buildServer } from './http/server'
import { statusOf } from './http/status'
import { LoggerFactoryProvider, makeLogger } from './util/logging'
import { sleep } from './util/sleep'

const logger = makeLogger('Service')

/** How long stopping waits for running requests, and then for providers to confirm a close. Together less than Docker's ten seconds. */
const REQUESTS_PATIENCE_MS = 5_000
const CONNECTIONS_PATIENCE_MS = 3_000

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

interface Hosted {
  name: string
  adapter: Adapter
}

const serverSettings = (): AdapterSettings => {
  const config = new AdapterConfig({})
  config.initialize()
  config.validate()
  return config.settings
}

/** Loads and initializes one adapter; a failure is its own, named in the log, and costs the others nothing. */
const tryToHost = async (name: string): Promise<Hosted | undefined> => {
  try {
    const adapter = await loadAdapter(name)
    await adapter.initialize()
    for (const variable of adapter.config.unknownVariables())
      logger.warn(`${variable} looks like a setting of ${name}, but there is none of that name`)
    return { name, adapter }
  } catch (err) {
    logger.error({ adapter: name }, `The adapter "${name}" could not start: ${(err as Error).message}`)
    return undefined
  }
}

/** @returns ends all of it, and the connections of the adapter */
const runInBackground = ({ name, adapter }: Hosted): (() => Promise<void>) => {
  const background = adapter.settings.EA_MODE === 'reader' ? undefined : new Background(adapter)
  // contract 17.22: a writer that another one keeps out does not go on executing; the other adapters do
  adapter.lockAcquiredPromise?.catch(() => {
    logger.error({ adapter: name }, `Another process writes for "${name}": this one only reads from now on`)
    void background?.stop()
  })
  return async () => {
    adapter.shutdownNotifier.emit('onClose')
    await background?.stop()
    if (background === undefined) for (const { responseCache } of adapter.endpoints) responseCache?.stop()
    await adapter.disconnect()
  }
}

/** Never rejects: stopping goes on, whatever fails to. */
const settledWithin = async (ms: number, work: (() => unknown)[]): Promise<void> => {
  const patience = new AbortController()
  const settled = Promise.allSettled(work.map(async (one) => one())).then(() => patience.abort())
  await Promise.race([settled, sleep(ms, patience.signal)])
}

const listen = async (app: FastifyInstance, host: string, port: number): Promise<string> => {
  const address = await app.listen({ host, port })
  return address.replace('[::]', '127.0.0.1').replace('[::1]', '127.0.0.1')
}

/**
 * Starts the adapters that `ADAPTERS` names (all there are, if none) and serves each at `POST /<name>`, the one that
 * `DEFAULT_ADAPTER` names (or the first) at `POST /` too.
 *
 * @throws ConfigError for bad settings of the service itself; Error when no adapter at all could start, or a port is taken
 */
export const startService = async (): Promise<Service> => {
  LoggerFactoryProvider.set()
  const { adapters: wanted, defaultAdapter } = readServiceSettings()
  const settings = serverSettings()
  const names = wanted.length > 0 ? wanted : [...availableAdapters().keys()]
  const tried = await Promise.all(names.map(tryToHost))
  const hosted = tried.filter((one) => one !== undefined)
  if (hosted.length === 0) throw new Error(`None of the adapters could start: ${names.join(', ')}`)
  const preferredName = defaultAdapter ?? names[0]
  const preferred = hosted.find(({ name }) => name === preferredName)
  if (preferred === undefined)
    logger.error(
      `The default adapter "${preferredName}" did not start: POST ${settings.BASE_URL} is not served`,
    )

  const app = buildServer(settings)
  addHealth(app, settings.BASE_URL)
  for (const { name, adapter } of hosted) {
    if (adapter.settings.EA_MODE === 'writer') continue
    const path = posix.join(settings.BASE_URL, name)
    const isDefault = adapter === preferred?.adapter
    await new AdapterRoute(adapter).mount(app, path, ...(isDefault ? [settings.BASE_URL] : []))
    addDebugRoutes(app, adapter, path)
    app.get(posix.join(path, 'status'), (_req, reply) => reply.send(statusOf(adapter)))
  }
  app.get(posix.join(settings.BASE_URL, 'status'), (_req, reply) =>
    reply.send({ adapters: hosted.map(({ adapter }) => statusOf(adapter)) }),
  )
  const isMeasured = settings.METRICS_ENABLED && settings.EXPERIMENTAL_METRICS_ENABLED
  const metricsApp = isMeasured ? setupMetricsServer('TICKWELL', settings) : undefined
  const stops = hosted.map(runInBackground)

  const stopAll = async () => {
    // Requests first: one that waits for its first price still gets it.
    await settledWithin(REQUESTS_PATIENCE_MS, [() => app.close()])
    await settledWithin(CONNECTIONS_PATIENCE_MS, [() => metricsApp?.close(), ...stops])
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
