import { type FastifyReply, type FastifyRequest } from 'fastify'
import { prepareRequest } from '../prepare'
import { type AdapterRequest } from '../../transports/transport'
import { requireJson } from '../content-type'
import { logError, sendError, withAnswerStatus } from '../error-answers'
import { type AdapterMiddlewareBuilder } from './middleware'

/**
 * A hook that makes a parsed request ready to be answered, in the order of contract 6.3. The framework's own server does not use it,
 * because a body that it has seen before needs no hook.
 *
 * @throws AdapterError for mistakes of the client; whatever the author's hooks throw
 */
export const validatorMiddleware: AdapterMiddlewareBuilder =
  (adapter) =>
  (req: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    requireJson(req.headers['content-type'])
    prepareRequest(adapter, req as AdapterRequest<unknown>, req.body)
    done()
  }

/** An error handler that logs an error and answers with it as contract 6.5 says. */
export const errorCatchingMiddleware = (thrown: Error, req: FastifyRequest, res: FastifyReply): void => {
  const err = withAnswerStatus(thrown)
  logError(err, req, undefined)
  // The metrics hook, which runs later, reads it.
  const context: Partial<FastifyRequest['requestContext']> | undefined = req.requestContext
  Object.assign(req, { requestContext: { ...context, meta: { ...context?.meta, error: err } } })
  sendError(err, res)
}
