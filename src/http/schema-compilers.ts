import { createRequire } from 'node:module'
import { type FastifyServerOptions } from 'fastify'

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>

/** The module that fastify itself would load, found from where fastify is. */
const serversOwn = (name: string): (() => (...args: unknown[]) => unknown) =>
  createRequire(require.resolve('fastify'))(name) as () => (...args: unknown[]) => unknown

/**
 * Fastify's own compilers of schemas, loaded when a route with a schema is added. None of our routes has one, so they take no time at
 * the start.
 */
export const lazySchemaController: SchemaController = {
  compilersFactory: {
    buildValidator: (...args: unknown[]) => serversOwn('@fastify/ajv-compiler')()(...args) as never,
    buildSerializer: (...args: unknown[]) =>
      serversOwn('@fastify/fast-json-stringify-compiler')()(...args) as never,
  },
}
