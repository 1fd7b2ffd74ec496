import { randomUUID } from 'node:crypto'
import { type FastifyRequest } from 'fastify'

const minted = new WeakMap<FastifyRequest, string>()

/** The id that ties together what is logged about a request: the client's `x-correlation-id`, else one made for it. */
export const correlationIdOf = (req: FastifyRequest): string => {
  const given = req.headers['x-correlation-id']
  if (typeof given === 'string' && given !== '') return given
  let id = minted.get(req)
  if (id === undefined) minted.set(req, (id = randomUUID()))
  return id
}
