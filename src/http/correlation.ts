import { randomUUID } from 'node:crypto'
import { type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify'
import { asyncLocalStorage } from '../util/logging'

const minted = new WeakMap<FastifyRequest, string>()

/** The id under which everything about a request is logged: the client's `x-correlation-id`, else one that is made for the request. */
export const correlationIdOf = (req: FastifyRequest): string => {
  const given = req.headers['x-correlation-id']
  if (typeof given === 'string' && given !== '') return given
  let id = minted.get(req)
  if (id === undefined) minted.set(req, (id = randomUUID()))
  return id
}

/** A hook that runs the rest of a request's handling with a store that holds its id (contract 6.7). */
export const loggingContextMiddleware = (
  req: FastifyRequest,
  _res: FastifyReply,
  done: HookHandlerDoneFunction,
): void => {
  asyncLocalStorage.run({ correlationId: correlationIdOf(req) }, done)
}
