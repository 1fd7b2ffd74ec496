import { createRequire } from 'node:module'
import { type FastifyServerOptions } from 'fastify'

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>

/** What the server itself would load, from where it would. */
const serversOwn = (name: string): (() => (...args: unknown[]) => unknown) =>
  createRequire(require.resolve('fastify'))(name) as () => (...args: unknown[]) => unknown

/**
 * The server's own compilers of schemas, loaded when the first route with a schema comes. None of ours has one, and a start need not
 * pay for them.
 */
export const lazySchemaController: SchemaController = {
  compilersFactory: {
    buildValidator: (...args: unknown[]) => serversOwn('@fastify/ajv-compiler')()(...args) as never,
    buildSerializer: (...args: unknown[]) =>
      serversOwn('@fastify/fast-json-stringify-compiler')()(...args) as never,
  },
}
