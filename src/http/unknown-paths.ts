import { type FastifyInstance } from 'fastify'

/**
 * Answers requests to paths that are not served as the server itself does (contract 6.1), with a hint at what is served.
 *
 * @param hint - undefined where none is given
 */
export const answerUnknownPaths = (app: FastifyInstance, hint: () => string | undefined): void => {
  app.setNotFoundHandler(({ method, url }, reply) => {
    const message = `Route ${method}:${url} not found`
    return reply.code(404).send({ message, error: 'Not Found', statusCode: 404, hint: hint() })
  })
}
