import { posix } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { type AdapterSettings } from '../config/settings'
import { renderedMetrics } from '../metrics/render'
import { instanceLabel, setupMetrics } from '../metrics/registry'
import { serverOptions } from './client-times'
import { followConnections } from './open-connections'
import { lazySchemaController } from './schema-compilers'
import { renewCertificateOf } from './tls'

/** The server that Prometheus scrapes: `/metrics`, or `BASE_URL/metrics` with `METRICS_USE_BASE_URL` (contract 6.1). */
export const setupMetricsServer = (name: string, settings: AdapterSettings): FastifyInstance => {
  setupMetrics(name, instanceLabel(settings.INSTANCE))
  const app = fastify({
    schemaController: lazySchemaController,
    return503OnClosing: false,
    ...serverOptions(settings),
  })
  renewCertificateOf(app, settings)
  followConnections(app, settings.CLIENT_TIMEOUT_MS)
  const path = settings.METRICS_USE_BASE_URL ? posix.join(settings.BASE_URL, 'metrics') : '/metrics'
  app.get(path, async (_req, reply) =>
    reply.type('text/plain; charset=utf-8').send(Buffer.concat(await renderedMetrics())),
  )
  return app
}
