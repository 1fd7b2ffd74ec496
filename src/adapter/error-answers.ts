import { type FastifyReply, type FastifyRequest } from 'fastify'
import { isErrorOfRedis } from '../redis/redis-command'
import { makeLogger } from '../util/logging'
import { censorLogs, redactStrings, redactText } from '../util/redaction'
import { AdapterError, AdapterTimeoutError } from '../validation/errors'

const logger = makeLogger('ErrorResponse')

export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'

const MAX_LOGGED_BODY = 1_024

const isFastifyError = (error: Error): error is Error & { statusCode?: number } =>
  error.name === 'FastifyError'

/** Status and body of an error answer (contract 6.5). */
export const describeError = (error: Error): { statusCode: number; type: string; body: string } => {
  if (error instanceof AdapterError) {
    const body = JSON.stringify(redactStrings(error.toJSONResponse()))
    return { statusCode: error.statusCode, type: JSON_TYPE, body }
  }
  if (isErrorOfRedis(error)) {
    const body = redactText(error.message || 'There was an unexpected error with the Redis cache')
    return { statusCode: 500, type: TEXT_TYPE, body }
  }
  if (isFastifyError(error))
    return { statusCode: error.statusCode ?? 500, type: TEXT_TYPE, body: error.message }
  // contract 17.8: errors that are nobody's are text
  const body = redactText(error.message || 'There was an unexpected error in the adapter.')
  return { statusCode: 500, type: TEXT_TYPE, body }
}

/** Logs an error answer at the level its kind deserves. */
export const logError = (error: Error, req: FastifyRequest, correlationId: string | undefined): void => {
  const { rawJson } = req
  const reqBody =
    rawJson !== undefined && rawJson.length > MAX_LOGGED_BODY
      ? `${rawJson.slice(0, MAX_LOGGED_BODY)}…`
      : rawJson
  const { name, stack, message } = error
  const { endpointName, requestEndpointName, transportName, cacheKey } = req.requestContext ?? {}
  const context = { endpointName, requestEndpointName, transportName, cacheKey }
  const line = { correlationId, ...context, error: { name, stack, message }, reqBody }
  censorLogs(() => {
    if (error instanceof AdapterTimeoutError) logger.debug(line, message)
    else if (error instanceof AdapterError || isErrorOfRedis(error) || isFastifyError(error))
      logger.warn(line, message)
    else logger.error(line, message)
  })
}

export const sendError = (error: Error, reply: FastifyReply): void => {
  const { statusCode, type, body } = describeError(error)
  void reply.code(statusCode).header('content-type', type).send(body)
}
