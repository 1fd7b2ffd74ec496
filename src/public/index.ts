/** The work is in http/tls and service/expose. */
export { type FastifyInstance as ServerInstance } from 'fastify'
export { getTLSOptions, type httpsOptions } from '../http/tls'
export { expose, start } from '../service/expose'
