import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { adaptersOfEntries } from '../adapter/essential-feeds'
import { listed } from '../adapter/hints'
import { settingsProblems } from '../adapter/settings-problems'
import { availableAdapters, loadAdapter } from './catalogue'
import { emptyConfig } from '../config/adapter-config'
import { ConfigError, problemsIn } from '../config/config-error'
import { readServerSettings } from '../config/server-settings'
import { type ServiceSettings, ServiceSettingsDefinition } from '../config/service-settings'
import { type AdapterSettings } from '../config/settings'
import { uselessVariables } from '../config/useless-variables'
import { FeedRooms } from '../feeds/feed-rooms'
import { spellings } from '../feeds/limits/pattern'
import { AdapterRoute } from '../http/adapter-route'
import { addDebugRoutes } from '../http/debug'
import { addExplain } from '../http/explain'
import { addHealth } from '../http/health'
import { addProbes, buildAdminServer, buildServer } from '../http/server'
import { statusOf } from '../http/status'
import { answerUnknownPaths } from '../http/unknown-paths'
import { type ServiceStatus } from '../http/status-answer'
import { type Views } from '../http/views'
import { type AdapterDependencies } from '../transports/transport'
import { makeLogger } from '../util/logging'
import { messageOf } from '../util/objects'
import { StartedAdapter } from './started-adapter'

const logger = makeLogger('Service')

/** One of the adapters of a service. */
export interface Hosted {
  name: string
  adapter: AnyAdapter
  started: StartedAdapter
}

/** The names of the adapters that a service has to run: those in its settings, or else all there are. */
export const wantedNames = ({ adapters }: Pick<ServiceSettings, 'adapters'>): string[] =>
  adapters.length > 0 ? adapters : [...availableAdapters().keys()]

/** Whether a failure of this adapter is an error. Where no adapters were chosen, one that has no settings is simply not in use. */
export const isMeant = (adapter: Pick<AnyAdapter, 'config'> | undefined, isChosen: boolean): boolean =>
  isChosen || adapter?.config.isUntouched() !== true

/** What is particular to a process that runs adapters. */
export interface Hosting {
  /** Gives the dependencies that replace an adapter's own. Throws for an adapter that cannot run with them. */
  dependenciesOf?: (adapter: AnyAdapter) => Partial<AdapterDependencies>
  /** Whether the adapters do their background work here. Default true. */
  isWorking?: boolean
}

/**
 * Loads and initializes one adapter. A failure is logged with the adapter's name and does not affect the other adapters.
 *
 * @param problems - the problems of its settings are added here
 */
const tryToHost = async (
  name: string,
  isChosen: boolean,
  problems: Set<string>,
  { dependenciesOf, isWorking = true }: Hosting,
): Promise<Hosted | undefined> => {
  let adapter: AnyAdapter | undefined
  try {
    adapter = await loadAdapter(name)
    const started = await StartedAdapter.initialize(adapter, dependenciesOf?.(adapter))
    if (isWorking) await opened(started)
    return { name, adapter, started }
  } catch (err) {
    if (isMeant(adapter, isChosen)) {
      logger.error({ adapter: name }, `The adapter "${name}" could not start: ${messageOf(err)}`)
      for (const problem of problemsIn(err) ?? []) problems.add(problem)
    } else logger.info({ adapter: name }, `The adapter "${name}" is not set up, and does not run`)
    return undefined
  }
}

const opened = async (started: StartedAdapter): Promise<void> => {
  try {
    await started.open()
  } catch (error) {
    await started.stop()
    throw error
  }
}

/**
 * @param service - tells whether adapters were chosen. If not, it is no error when an adapter lacks its settings
 * @throws ConfigError when none of the adapters could start, with the problems of all their settings
 */
export const host = async (
  names: string[],
  service: ServiceSettings,
  hosting: Hosting = {},
): Promise<Hosted[]> => {
  const isChosen = service.adapters.length > 0
  const problems = new Set<string>()
  const feedRooms = new FeedRooms()
  const of: Hosting = {
    ...hosting,
    dependenciesOf: (adapter) => ({ feedRooms, ...hosting.dependenciesOf?.(adapter) }),
  }
  const tried = await Promise.all(names.map((name) => tryToHost(name, isChosen, problems, of)))
  const hosted = tried.filter((one) => one !== undefined)
  if (hosted.length > 0) return hosted
  const why = [`None of the adapters could start: ${names.join(', ')}`, ...problems]
  throw new ConfigError([...problems], why.join('\n'))
}

/** The problems in the settings of the adapters that have to run. No adapter is started. */
export const problemsOfAdapters = async (service: Pick<ServiceSettings, 'adapters'>): Promise<string[]> => {
  const isChosen = service.adapters.length > 0
  const found = wantedNames(service).map(async (name) => {
    let adapter: AnyAdapter | undefined
    try {
      adapter = await loadAdapter(name)
      const problems = await settingsProblems(adapter)
      return isMeant(adapter, isChosen) ? problems : []
    } catch (error) {
      return isMeant(adapter, isChosen) ? (problemsIn(error) ?? []) : []
    }
  })
  return (await Promise.all(found)).flat()
}

/** Logs what runs, and of which version (LC-8). */
export const sayWhatRuns = (hosted: readonly Hosted[]): void => {
  for (const { name, started } of hosted)
    logger.info({ adapter: name, ...started.version }, `The adapter "${name}" runs`)
}

/** An adapter, or what is known of one that could not be made. */
type Named = { name: string; adapter: Pick<AnyAdapter, 'config'> }

/** What an operator most likely did not intend, a line each. */
export const doubtsOf = (adapters: readonly Named[]): string[] => {
  const others = [...Object.keys(ServiceSettingsDefinition), ...emptyConfig().variables()]
  const configs = new Map(adapters.map(({ name, adapter }) => [name, adapter.config]))
  const known = new Set(adapters.flatMap(({ name }) => spellings(name)))
  const named = new Set(adapters.flatMap(({ adapter }) => adaptersOfEntries(adapter)))
  return [
    ...uselessVariables(configs, others),
    ...[...named]
      .filter((name) => !known.has(name))
      .map(
        (name) => `READY_ESSENTIAL_FEEDS has entries for "${name}", but no adapter of that name runs here`,
      ),
  ]
}

/** Logs it. */
export const warnOfSettings = (hosted: readonly Hosted[], preferredName: string | undefined): void => {
  for (const line of doubtsOf(hosted)) logger.warn(line)
  if (!hosted.some(({ name }) => name === preferredName))
    logger.error(
      `The default adapter "${preferredName}" did not start: POST ${readServerSettings().BASE_URL} is not served`,
    )
}

/** The server of all adapters: each is at `POST /<name>`, and the preferred one also at `POST /`. */
export const buildServiceServer = async (
  settings: AdapterSettings,
  hosted: readonly Hosted[],
  preferredName: string | undefined,
  views: Views,
): Promise<FastifyInstance> => {
  const app = buildServer(settings)
  const serving = hosted.filter(({ adapter }) => adapter.settings.EA_MODE !== 'writer')
  addHealth(app, settings.BASE_URL)
  addProbes(app, settings.BASE_URL, views)
  const pathOf = (name: string) => posix.join(settings.BASE_URL, name)
  const served = listed(serving.map(({ name }) => pathOf(name)))
  answerUnknownPaths(app, () => `Requests go to POST of an adapter's path: ${served}`)
  for (const { name, adapter } of serving) {
    const path = pathOf(name)
    const isDefault = name === preferredName
    await new AdapterRoute(adapter).mount(app, path, ...(isDefault ? [settings.BASE_URL] : []))
  }
  if (settings.ADMIN_PORT !== undefined) return app
  addStatusPages(app, settings, serving, hosted)
  const explained = serving.filter(({ adapter }) => adapter.settings.EXPLAIN_ENABLED)
  addExplanations(app, settings, explained, preferredName, views)
  return app
}

/** The pages of all adapters for operators, on a port of their own. */
export const buildServiceAdmin = (
  settings: AdapterSettings,
  hosted: readonly Hosted[],
  preferredName: string | undefined,
  views: Views,
): FastifyInstance => {
  const app = buildAdminServer(settings, views)
  addStatusPages(app, settings, hosted, hosted)
  addExplanations(app, settings, hosted, preferredName, views)
  return app
}

/** @param shown - those with pages of their own */
const addStatusPages = (
  app: FastifyInstance,
  { BASE_URL }: AdapterSettings,
  shown: readonly Hosted[],
  all: readonly Hosted[],
): void => {
  for (const { name, adapter } of shown) {
    const path = posix.join(BASE_URL, name)
    addDebugRoutes(app, adapter, path)
    app.get(posix.join(path, 'status'), (_req, reply) => reply.send(statusOf(adapter)))
  }
  app.get(posix.join(BASE_URL, 'status'), (): ServiceStatus => ({
    adapters: all.map(({ adapter }) => statusOf(adapter)),
  }))
}

const addExplanations = (
  app: FastifyInstance,
  { BASE_URL }: AdapterSettings,
  explained: readonly Hosted[],
  preferredName: string | undefined,
  views: Views,
): void => {
  for (const { name, adapter } of explained) {
    addExplain(app, adapter, posix.join(BASE_URL, name), views)
    if (name === preferredName) addExplain(app, adapter, BASE_URL, views)
  }
}
