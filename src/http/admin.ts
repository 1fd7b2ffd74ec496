import { createHash, timingSafeEqual } from 'node:crypto'
import { type FastifyInstance } from 'fastify'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Whether an `authorization` header has this token. How long that takes tells nothing of the token: digests of the same length are
 * compared, all of them.
 */
export const isAuthorized = (header: string | undefined, token: string): boolean => {
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? []
  return timingSafeEqual(digest(given), digest(token)) && given !== ''
}

export const UNAUTHORIZED = 'The bearer token of ADMIN_TOKEN is needed'

/** Lets nobody in who does not have the token, to whatever route. Routes that are added later are guarded as well. */
export const guardWithToken = (app: FastifyInstance, token: string): void => {
  app.addHook('onRequest', (req, reply, next) => {
    if (isAuthorized(req.headers.authorization, token)) return next()
    void reply
      .code(401)
      .header('www-authenticate', 'Bearer')
      .send({ statusCode: 401, error: 'Unauthorized', message: UNAUTHORIZED })
  })
}
