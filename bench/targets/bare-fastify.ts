/**
 * Floor for cached requests and for starts: fastify with one route without schemas, and without its look for `__proto__` in bodies, which
 * costs a twentieth. It parses the JSON body, does not look at it, and returns constant text of the length of a real answer.
 */
import fastify from 'fastify'
import { answerTo, CONSTANT_FEED, sampleTick } from '../feeds'
import { portOf, reportListening } from './control'

const cachedBody = JSON.stringify(answerTo(sampleTick(CONSTANT_FEED)))
const app = fastify({ onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' })
app.post('/', (_req, reply) => {
  void reply.header('content-type', 'application/json; charset=utf-8').send(cachedBody)
})
void app.listen({ host: '127.0.0.1', port: 0 }).then(() => reportListening(portOf(app.server)))
