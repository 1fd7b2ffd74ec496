import { type FastifyInstance } from 'fastify'
import { FastLane } from '../../src/http/fast-lane'

/** Set up before the tests of `npm run test:without-fast-lane`: every server answers everything by itself. */
const before = FastLane.before.bind(FastLane)
FastLane.before = (app: FastifyInstance) => {
  before(app)
  app.fastLane.close()
}
