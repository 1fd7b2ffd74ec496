import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type Restarted } from '../adapter/restarted'
import { type Stall } from './process-state'
import { type LateLoop } from '../util/heartbeats'
import { type LiveAnswer } from './live-answer'

/** What is known of the loops of a service. */
export interface Liveness {
  loops: number
  hanging: LateLoop[]
  /** Adapters that were restarted. */
  restarted: Restarted[]
  /** Times when the event loop of a process stood still. */
  stalls: Stall[]
}

/** `GET <BASE_URL>/live`: 503 while a loop hangs (LC-1). */
export const addLive = (app: FastifyInstance, baseUrl: string, look: () => Promise<Liveness>): void => {
  app.get(posix.join(baseUrl, 'live'), async (_req, reply): Promise<LiveAnswer> => {
    const { loops, hanging, restarted, stalls } = await look()
    if (hanging.length > 0) reply.code(503)
    return {
      status: hanging.length > 0 ? 'hanging' : 'live',
      loops,
      hanging,
      ...(restarted.length > 0 && { restarted }),
      ...(stalls.length > 0 && { stalls }),
    }
  })
}
