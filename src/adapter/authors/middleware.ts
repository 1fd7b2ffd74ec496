import { type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify'
import { type Adapter } from '../adapter'

/** A step of the server's request handling, in either of the server's two styles. */
export type Middleware =
  | ((req: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => FastifyReply | void)
  | ((req: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | void>)

export type AdapterMiddlewareBuilder = (adapter: Adapter) => Middleware
