import { type FastifyReply, type FastifyRequest } from 'fastify'
import { prepareRequest } from '../prepare'
import { type AdapterRequest } from '../../transports/transport'
import { requireJson } from '../content-type'
import { logError, sendError, withAnswerStatus } from '../error-answers'
import { type AdapterMiddlewareBuilder } from './middleware'

/**
 * A hook that makes a parsed request ready to be answered, in the order of contract 6.3. Our own server does without: it needs no hook for a
 * body it knows.
 *
 * @throws AdapterError for what the client did wrong; whatever the author's hooks throw
 */
export const validatorMiddleware: AdapterMiddlewareBuilder =
  (adapter) =>
  (req: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    requireJson(req.headers['content-type'])
    prepareRequest(adapter, req as AdapterRequest<unknown>, req.body)
    done()
  }

/** An error handler that logs an error, and answers with it as contract 6.5 says. */
export const errorCatchingMiddleware = (thrown: Error, req: FastifyRequest, res: FastifyReply): void => {
  const err = withAnswerStatus(thrown)
  logError(err, req, undefined)
  // For the metrics hook, which comes later.
  const context: Partial<FastifyRequest['requestContext']> | undefined = req.requestContext
  Object.assign(req, { requestContext: { ...context, meta: { ...context?.meta, error: err } } })
  sendError(err, res)
}
