import { type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify'
import { metrics } from '../../metrics/registry'
import { makeLogger } from '../../util/logging'
import { RequestStats } from '../request-stats'

const logger = makeLogger('MetricsMiddleware')

/** Further feeds share the series of the feed `other`. Those of several adapters may come here, so no setting of one of them counts. */
const MAX_FEEDS = 1_000

/** Belongs to {@link metrics}. Publishing resets the metrics, so the counts must be kept here. */
let stats: RequestStats | undefined

const payloadBytesOf = (body: unknown): number | undefined => {
  const json: string | undefined = JSON.stringify(body)
  return json === undefined ? undefined : Buffer.byteLength(json)
}

/** An `onResponse` hook that measures answers (contract 14). The framework's own server does not use it: it counts on the feeds. */
export const buildMetricsMiddleware = (
  req: FastifyRequest,
  res: FastifyReply,
  done: HookHandlerDoneFunction,
): void => {
  const { meta } = req.requestContext ?? {}
  const feedId = meta?.metrics?.feedId ?? 'N/A'
  const isCacheHit = meta?.metrics?.cacheHit === true
  stats ??= new RequestStats(undefined, () => MAX_FEEDS)
  stats.count({ feedId, error: meta?.error, isCacheHit, statusCode: res.statusCode })
  metrics.get('httpRequestDurationSeconds').observe(res.elapsedTime / 1000)
  const payloadBytes = payloadBytesOf(req.body)
  if (payloadBytes !== undefined) metrics.get('requestPayloadSize').observe(payloadBytes)
  logger.debug(`Response time for ${feedId}: ${res.elapsedTime}ms`)
  done()
}
