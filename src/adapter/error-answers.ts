import { type FastifyReply, type FastifyRequest } from 'fastify'
import { isErrorOfRedis } from '../redis/redis-command'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { LogLimiter } from '../util/log-limiter'
import { beginningOf, censorLogs, redactStrings, redactText } from '../util/redaction'
import { memberOf } from '../util/objects'
import { BusyError } from './request-room'
import { AdapterError, AdapterTimeoutError } from '../validation/errors'
import { isAnswerStatus, refusedStatus, STATUS_OF_REFUSED } from '../validation/status-code'

const logger = makeLogger('ErrorResponse')

export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'

/** HT-3: of what clients send, also where an error repeats it, a line has no more. */
const MAX_LOGGED_TEXT = 1_024
const MAX_LOGGED_STACK = 4_096

const isFastifyError = (error: Error): error is Error & { statusCode?: number } =>
  error.name === 'FastifyError'

/**
 * The same error with a status code that an answer can have. The author's error object may be shared between requests, so it is not
 * changed: this returns an object that differs from it only in the status and the message.
 */
export const withAnswerStatus = (error: Error): Error => {
  const statusCode = memberOf(error, 'statusCode')
  const decidesStatus = error instanceof AdapterError || (isFastifyError(error) && statusCode !== undefined)
  if (!decidesStatus || isAnswerStatus(statusCode)) return error
  const own = (value: unknown) => ({ value, enumerable: true, writable: true, configurable: true })
  return Object.create(error, {
    statusCode: own(STATUS_OF_REFUSED),
    message: own(refusedStatus(statusCode, error.message)),
    stack: own(error.stack),
  }) as Error
}

/** If the error has content that JSON cannot hold, the body has its basic fields only. */
const bodyOf = (error: AdapterError, hint?: string): string => {
  try {
    return JSON.stringify({ ...redactStrings(error.toJSONResponse()), hint })
  } catch {
    const { status, statusCode, name, message } = error
    return JSON.stringify(redactStrings({ status, statusCode, error: { name, message } }))
  }
}

/**
 * Status and body of an error answer (contract 6.5).
 *
 * @param hint - what helps the client; only bodies that are JSON have it
 */
export const describeError = (
  error: Error,
  hint?: string,
): { statusCode: number; type: string; body: string } => {
  if (error instanceof AdapterError) {
    return { statusCode: error.statusCode, type: JSON_TYPE, body: bodyOf(error, hint) }
  }
  if (isErrorOfRedis(error)) {
    const body = redactText(error.message || 'There was an unexpected error with the Redis cache')
    return { statusCode: 500, type: TEXT_TYPE, body }
  }
  if (isFastifyError(error))
    return { statusCode: error.statusCode ?? 500, type: TEXT_TYPE, body: redactText(error.message) }
  // contract 17.8: errors of any other class are answered as text
  const body = redactText(error.message || 'There was an unexpected error in the adapter.')
  return { statusCode: 500, type: TEXT_TYPE, body }
}

/** OB-4: of one cause there are this many lines in a minute, however many clients are told of it. */
const LINES_PER_MINUTE = 100

/** What limits the lines of {@link logError}. Each server has its own. */
export class ErrorLines {
  /** What clients do wrong has one line a minute for each kind: they choose how often it happens, and in which words. */
  readonly ofClients = new LogLimiter()
  readonly ofOthers = new LogLimiter(60_000, 100, LINES_PER_MINUTE)

  /** @param whose - gives what belongs to the adapter, or to its endpoint of that name */
  constructor(readonly whose: (endpointName: string | undefined) => object) {}
}

/** Whether the request is at fault, and not the service. */
const isOfClient = (error: Error): boolean => {
  if (!(error instanceof AdapterError) && !isFastifyError(error)) return false
  const { statusCode = 500 } = error
  return error instanceof BusyError || (statusCode >= 400 && statusCode < 500)
}

/** Whether the client has closed its connection before it sent all of its request. Then nobody reads the answer. */
export const hasLeft = ({ raw }: FastifyRequest): boolean =>
  (raw as typeof raw | undefined)?.readableAborted === true

/** Logs an error answer, at a level that depends on the kind of error. */
export const logError = (
  error: Error,
  req: FastifyRequest,
  correlationId: string | undefined,
  lines?: ErrorLines,
): void => {
  const answer = (more: object = {}, isHidden = hasLeft(req)) =>
    logAnswer(error, req, { correlationId, ...more }, isHidden, lines?.whose)
  if (lines === undefined || hasLeft(req)) return answer()
  const kind = `${error.name} ${String(memberOf(error, 'statusCode'))} ${String(memberOf(error, 'code'))}`
  const isMistake = isOfClient(error)
  const limiter = isMistake ? lines.ofClients : lines.ofOthers
  let isHidden = isMistake
  limiter.run(isMistake ? kind : `${kind} ${error.message.slice(0, 100)}`, (repeated) => {
    isHidden = false
    answer(repeated > 0 ? { repeated } : {})
  })
  if (isHidden) answer({}, true)
}

const logAnswer = (
  error: Error,
  req: FastifyRequest,
  more: object,
  isHidden: boolean,
  whose: ErrorLines['whose'] = () => req,
): void => {
  const { rawJson } = req
  const reqBody = rawJson && beginningOf(rawJson, MAX_LOGGED_TEXT)
  const { name } = error
  const message = beginningOf(error.message, MAX_LOGGED_TEXT)
  const stack = error.stack && beginningOf(error.stack, MAX_LOGGED_STACK)
  const { endpointName, requestEndpointName, transportName, cacheKey } = req.requestContext ?? {}
  const context = { endpointName, requestEndpointName, transportName, cacheKey }
  const line = { ...more, ...context, error: { name, stack, message }, reqBody }
  censorLogs(() => {
    const own = named(logger, whose(endpointName))
    if (isHidden || error instanceof AdapterTimeoutError) own.debug(line, message)
    else if (error instanceof AdapterError || isErrorOfRedis(error) || isFastifyError(error))
      own.warn(line, message)
    else own.error(line, message)
  })
}

export const sendError = (error: Error, reply: FastifyReply, hint?: string): void => {
  const { statusCode, type, body } = describeError(error, hint)
  void reply.code(statusCode).header('content-type', type).send(body)
}
