import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { packageVersion } from '../config/package-version'
import { type HealthAnswer } from './health-answer'

/** `GET <BASE_URL>/health` (contract 6.1). */
export const addHealth = (app: FastifyInstance, baseUrl: string): void => {
  app.get(posix.join(baseUrl, 'health'), (): HealthAnswer => ({ message: 'OK', version: packageVersion() }))
}
