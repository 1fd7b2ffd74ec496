import { hostname } from 'node:os'
import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { runningVersion } from '../config/running-version'
import { childrenOf, connectionsOf, linksOf } from '../transports/capabilities'
import { configurationOf } from './configuration'
import { type StatusResponse } from './status-answer'
import { ourTime } from '../util/clock'
import { redactStrings } from '../util/redaction'

export { type StatusResponse }

/** So many connections of an endpoint are shown: peers come as they like. */
const MAX_CONNECTIONS_SHOWN = 50

type Routes = AnyAdapter['endpoints'][number]['transportRoutes']

/**
 * The connections of an endpoint, those that are not open first, because they are what somebody looks for.
 *
 * @param areAll - also those of streams, which the contract's body does not have
 */
const connectionsIn = (routes: Routes, areAll: boolean) => {
  const all = routes.entries().flatMap(([name, of]) => {
    if (!areAll) return connectionsOf(of).map((one) => ({ transport: name, ...one }))
    const parts = [...(childrenOf(of) ?? [[name, of] as const])]
    return parts.flatMap(([transport, part]) => linksOf(part).map((one) => ({ transport, ...one })))
  })
  if (all.length === 0) return {}
  const inOrder =
    all.length <= MAX_CONNECTIONS_SHOWN
      ? all
      : [...all.filter(({ state }) => state !== 'open'), ...all.filter(({ state }) => state === 'open')]
  const unshown = all.length - MAX_CONNECTIONS_SHOWN
  return {
    connections: redactStrings(inOrder.slice(0, MAX_CONNECTIONS_SHOWN)),
    ...(unshown > 0 && { otherConnections: unshown }),
  }
}

const clockNow = (): Pick<StatusResponse, 'clock'> => {
  const { lastStep: step } = ourTime
  if (step === undefined) return {}
  const { movedMs, seenUnixMs, agreed = 'nobody' } = step
  return { clock: { stepMs: Math.round(movedMs), seenUnixMs, agreed } }
}

/** What an adapter is and how it is set up (contract 6.8), secrets redacted. */
export const statusOf = (adapter: AnyAdapter): StatusResponse => {
  const { settings } = adapter
  const { version, ...more } = runningVersion(adapter.config)
  const feedLimits = adapter.dependencies?.feedLimits?.status()
  const endpoint = settings.METRICS_USE_BASE_URL ? posix.join(settings.BASE_URL, 'metrics') : '/metrics'
  return {
    adapter: {
      name: adapter.name,
      version,
      uptimeSeconds: process.uptime(),
      // Tests on the contract's harness compare the whole body (contract 6.8).
      ...(adapter.givesReasons && more),
    },
    endpoints: adapter.endpoints.map(({ name, aliases, transportRoutes }) => ({
      name,
      aliases: aliases ?? [],
      transports: transportRoutes.routeNames(),
      ...connectionsIn(transportRoutes, adapter.givesReasons),
    })),
    ...clockNow(),
    defaultEndpoint: adapter.defaultEndpoint ?? '',
    configuration: configurationOf(adapter),
    runtime: {
      nodeVersion: process.version,
      platform: process.platform,
      architecture: process.arch,
      hostname: hostname(),
    },
    metrics: settings.METRICS_ENABLED
      ? { enabled: true, port: settings.METRICS_PORT, endpoint }
      : { enabled: false },
    ...(feedLimits && { feedLimits: redactStrings(feedLimits) }),
  }
}

/** `GET <BASE_URL>/status` (contract 6.1). */
export const addStatusRoute = (app: FastifyInstance, adapter: AnyAdapter): void => {
  app.get(posix.join(adapter.settings.BASE_URL, 'status'), (_req, reply) => reply.send(statusOf(adapter)))
}
