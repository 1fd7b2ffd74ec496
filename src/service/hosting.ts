import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { availableAdapters, loadAdapter } from './catalogue'
import { readServerSettings } from '../config/server-settings'
import { type ServiceSettings } from '../config/service-settings'
import { type AdapterSettings } from '../config/settings'
import { AdapterRoute } from '../http/adapter-route'
import { addDebugRoutes } from '../http/debug'
import { addHealth } from '../http/health'
import { buildServer } from '../http/server'
import { statusOf } from '../http/status'
import { type ServiceStatus } from '../http/status-answer'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { sleep } from '../util/sleep'
import { StartedAdapter } from './started-adapter'

const logger = makeLogger('Service')

/** How long stopping waits for running requests, and then for providers to confirm a close. Together less than Docker's ten seconds. */
export const REQUESTS_PATIENCE_MS = 5_000
export const CONNECTIONS_PATIENCE_MS = 3_000

/** One of the adapters of a service. */
export interface Hosted {
  name: string
  adapter: AnyAdapter
  started: StartedAdapter
}

/** What an adapter is built from instead of its own. Throws for an adapter that cannot be run so. */
export type DependenciesOf = (adapter: AnyAdapter) => Partial<AdapterDependencies>

/** The adapters that a service is to run, by name: those of its settings, or all that can run with what is set. */
export const wantedNames = ({ adapters }: ServiceSettings): string[] =>
  adapters.length > 0 ? adapters : [...availableAdapters().keys()]

/** Loads and initializes one adapter; a failure is its own, named in the log, and costs the others nothing. */
const tryToHost = async (
  name: string,
  isChosen: boolean,
  dependenciesOf?: DependenciesOf,
): Promise<Hosted | undefined> => {
  let adapter: AnyAdapter | undefined
  try {
    adapter = await loadAdapter(name)
    return { name, adapter, started: await StartedAdapter.initialize(adapter, dependenciesOf?.(adapter)) }
  } catch (err) {
    // Of all that there are, those that need settings and got none are not meant.
    if (!isChosen && adapter?.config.isUntouched())
      logger.info({ adapter: name }, `The adapter "${name}" is not set up, and does not run`)
    else logger.error({ adapter: name }, `The adapter "${name}" could not start: ${messageOf(err)}`)
    return undefined
  }
}

/**
 * @param service - says which adapters were chosen: of others it is no fault when they lack their settings
 * @throws Error when none of the adapters could start
 */
export const host = async (
  names: string[],
  service: ServiceSettings,
  dependenciesOf?: DependenciesOf,
): Promise<Hosted[]> => {
  const isChosen = service.adapters.length > 0
  const tried = await Promise.all(names.map((name) => tryToHost(name, isChosen, dependenciesOf)))
  const hosted = tried.filter((one) => one !== undefined)
  if (hosted.length === 0) throw new Error(`None of the adapters could start: ${names.join(', ')}`)
  return hosted
}

/** Says what an operator most likely did not mean. */
export const warnOfSettings = (hosted: readonly Hosted[], preferredName: string | undefined): void => {
  for (const { name, adapter } of hosted)
    for (const variable of adapter.config.unknownVariables())
      logger.warn(`${variable} looks like a setting of ${name}, but there is none of that name`)
  if (!hosted.some(({ name }) => name === preferredName))
    logger.error(
      `The default adapter "${preferredName}" did not start: POST ${readServerSettings().BASE_URL} is not served`,
    )
}

/** The server of all adapters: each at `POST /<name>`, the preferred one at `POST /` too. */
export const buildServiceServer = async (
  settings: AdapterSettings,
  hosted: readonly Hosted[],
  preferredName: string | undefined,
): Promise<FastifyInstance> => {
  const app = buildServer(settings)
  addHealth(app, settings.BASE_URL)
  for (const { name, adapter } of hosted) {
    if (adapter.settings.EA_MODE === 'writer') continue
    const path = posix.join(settings.BASE_URL, name)
    const isDefault = name === preferredName
    await new AdapterRoute(adapter).mount(app, path, ...(isDefault ? [settings.BASE_URL] : []))
    addDebugRoutes(app, adapter, path)
    app.get(posix.join(path, 'status'), (_req, reply) => reply.send(statusOf(adapter)))
  }
  app.get(posix.join(settings.BASE_URL, 'status'), (): ServiceStatus => ({
    adapters: hosted.map(({ adapter }) => statusOf(adapter)),
  }))
  return app
}

/** Never rejects: stopping goes on, whatever fails to. */
export const settledWithin = async (ms: number, work: (() => unknown)[]): Promise<void> => {
  const patience = new AbortController()
  const settled = Promise.allSettled(work.map(async (one) => one())).then(() => patience.abort())
  await Promise.race([settled, sleep(ms, patience.signal)])
}
