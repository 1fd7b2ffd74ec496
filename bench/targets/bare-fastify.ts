/** Floor for cached requests: a fastify route that parses the same body and returns constant bytes of the same length. */
import fastify from 'fastify'
import { cachedBody, reportListening } from '../shared'

const app = fastify()
app.post('/', (_req, reply) => {
  void reply.header('content-type', 'application/json; charset=utf-8').send(cachedBody)
})
void app.listen({ host: '127.0.0.1', port: 0 }).then(() => reportListening(app.server))
