import { type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify'
import { type Adapter } from '../adapter'

/** A step in the server's handling of a request, in one of the server's two styles: with a callback or with a promise. */
export type Middleware =
  | ((req: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => FastifyReply | void)
  | ((req: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | void>)

export type AdapterMiddlewareBuilder = (adapter: Adapter) => Middleware
