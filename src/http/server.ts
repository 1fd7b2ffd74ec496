import fastify, { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { type AdapterSettings } from '../config/settings'
import { AdapterRoute } from './adapter-route'
import { guardWithToken } from './admin'
import { collectBodies } from './collected-body'
import { addDebugRoutes } from './debug'
import { addExplain } from './explain'
import { FastLane } from './fast-lane'
import { addHealth } from './health'
import { addLive } from './live'
import { ProcessState } from './process-state'
import { addReady } from './ready'
import { serverOptions } from './client-times'
import { followConnections } from './open-connections'
import { lazySchemaController } from './schema-compilers'
import { addStatusRoute } from './status'
import { renewCertificateOf } from './tls'
import { answerUnknownPaths } from './unknown-paths'
import { ownViews, type Views } from './views'
import { type Heartbeats } from '../util/heartbeats'

/** A server without routes, with the settings of contract 6. */
export const buildServer = (settings: AdapterSettings, loops?: Heartbeats): FastifyInstance => {
  const app = fastify({
    bodyLimit: settings.MAX_PAYLOAD_SIZE_LIMIT,
    schemaController: lazySchemaController,
    // Whoever asks while the server closes is answered as ever.
    return503OnClosing: false,
    ...serverOptions(settings),
  })
  renewCertificateOf(app, settings, loops)
  followConnections(app, settings.CLIENT_TIMEOUT_MS)
  collectBodies(app, settings.MAX_PAYLOAD_SIZE_LIMIT)
  FastLane.before(app)
  if (!settings.FAST_LANE_ENABLED) app.fastLane.close()
  app.openConnections.beforeEnd(() => app.fastLane.close())
  // All members that are set later are declared here, so that all request objects have the same shape.
  app.decorateRequest('plan', undefined)
  app.decorateRequest('rawJson', undefined)
  app.decorateRequest('requestContext', undefined as never)
  // A connection on which a request is answered while the server closes would else be kept open for a next request, and delay the end.
  app.addHook('preClose', (done) => {
    app.server.keepAliveTimeout = 1
    done()
  })
  return app
}

/** `/live` and `/ready`, for those that watch over the process. */
export const addProbes = (app: FastifyInstance, baseUrl: string, views: Views): void => {
  addLive(app, baseUrl, () => views.liveness())
  addReady(app, baseUrl, views.state, () => views.readiness())
}

/** A server for operators alone: every request needs the token of its settings. */
export const buildAdminServer = (settings: AdapterSettings, views: Views): FastifyInstance => {
  const app = buildServer(settings, views.state.loops)
  guardWithToken(app, settings.ADMIN_TOKEN ?? '')
  addProbes(app, settings.BASE_URL, views)
  return app
}

/** The REST server of one adapter: its requests, health and status, under `BASE_URL` (contract 6.1). */
export const buildAdapterServer = async (
  adapter: AnyAdapter,
  views = ownViews([adapter], new ProcessState()),
): Promise<FastifyInstance> => {
  const { settings } = adapter
  const app = buildServer(settings, views.state.loops)
  addHealth(app, settings.BASE_URL)
  addProbes(app, settings.BASE_URL, views)
  if (settings.ADMIN_PORT === undefined) {
    addStatusRoute(app, adapter)
    addDebugRoutes(app, adapter, settings.BASE_URL)
    if (settings.EXPLAIN_ENABLED) addExplain(app, adapter, settings.BASE_URL, views)
  }
  await new AdapterRoute(adapter).mount(app, settings.BASE_URL)
  answerUnknownPaths(app, () =>
    adapter.givesReasons ? `Requests go to POST ${settings.BASE_URL}` : undefined,
  )
  return app
}

/** The pages of one adapter for operators, on a port of their own. */
export const buildAdapterAdmin = (adapter: AnyAdapter, views: Views): FastifyInstance => {
  const { settings } = adapter
  const app = buildAdminServer(settings, views)
  addStatusRoute(app, adapter)
  addDebugRoutes(app, adapter, settings.BASE_URL)
  addExplain(app, adapter, settings.BASE_URL, views)
  return app
}
