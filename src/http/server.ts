import fastify, { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { type AdapterSettings } from '../config/settings'
import { AdapterRoute } from './adapter-route'
import { addDebugRoutes } from './debug'
import { FastLane } from './fast-lane'
import { addHealth } from './health'
import { lazySchemaController } from './schema-compilers'
import { addStatusRoute } from './status'
import { getTLSOptions } from './tls'

/** A server without routes, with the settings of contract 6. */
export const buildServer = (settings: AdapterSettings): FastifyInstance => {
  const tls: object = getTLSOptions(settings)
  const app = fastify({
    bodyLimit: settings.MAX_PAYLOAD_SIZE_LIMIT,
    schemaController: lazySchemaController,
    ...tls,
  })
  FastLane.before(app)
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

/** The REST server of one adapter: its requests, health and status, under `BASE_URL` (contract 6.1). */
export const buildAdapterServer = async (adapter: AnyAdapter): Promise<FastifyInstance> => {
  const { settings } = adapter
  const app = buildServer(settings)
  addHealth(app, settings.BASE_URL)
  addStatusRoute(app, adapter)
  addDebugRoutes(app, adapter, settings.BASE_URL)
  await new AdapterRoute(adapter).mount(app, settings.BASE_URL)
  return app
}
