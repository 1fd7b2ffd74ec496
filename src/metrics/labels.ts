import { memberOf } from '../util/objects'
import { HttpRequestType } from './constants'
import { metrics } from './registry'

/** What became of a Redis command: the `status` label of `redis_commands_sent_count`. */
export enum CMD_SENT_STATUS {
  TIMEOUT = 'TIMEOUT',
  FAIL = 'FAIL',
  SUCCESS = 'SUCCESS',
}

/** The label that says whose a series is. */
export interface App {
  app_name?: string
}

/**
 * The label of what belongs to an adapter.
 *
 * @param owner - has its `adapterName`, as a response cache does. Where nobody has, as with the stubs of adapters' tests, there is no label,
 *   so that the default one stands
 */
export const appOf = (owner: unknown): App => {
  // Stubs throw when a member is read that they do not have.
  const name = typeof owner === 'object' && owner !== null && 'adapterName' in owner && owner.adapterName
  return typeof name === 'string' ? { app_name: name } : {}
}

/** The fields of an `AdapterError` that are read here. The class itself belongs to a room above, so it cannot be imported. */
interface LabelledError {
  metricsLabel?: HttpRequestType
  statusCode: number
  providerStatusCode?: number
}

const isLabelled = (error: Error): error is Error & LabelledError =>
  'metricsLabel' in error && 'statusCode' in error && typeof error.statusCode === 'number'

/**
 * Labels of `http_requests_total` for one reply (contract 14).
 *
 * @param cacheHit - the reply came from the cache, not from foreground work
 * @param responseStatusCode - status of a reply without error
 */
export const buildHttpRequestMetricsLabel = (
  feedId: string,
  error?: Error,
  cacheHit?: boolean,
  responseStatusCode = 200,
): Record<string, string | number | undefined> => {
  const labels = { method: 'POST', feed_id: feedId }
  if (error && isLabelled(error)) {
    const { metricsLabel, statusCode, providerStatusCode } = error
    const type = metricsLabel ?? HttpRequestType.ADAPTER_ERROR
    return { ...labels, type, status_code: statusCode, provider_status_code: providerStatusCode }
  }
  if (error) return { ...labels, type: HttpRequestType.ADAPTER_ERROR, status_code: 500 }
  if (cacheHit) return { ...labels, type: HttpRequestType.CACHE_HIT, status_code: responseStatusCode }
  return {
    ...labels,
    type: HttpRequestType.DATA_PROVIDER_HIT,
    status_code: responseStatusCode,
    provider_status_code: 200,
  }
}

/** OB-1: a status as a label. Authors may put anything there, also what a provider sent: what is no status of HTTP is `other`. */
export const statusLabel = (status: number | string | undefined): string | number => {
  if (status === undefined) return 'undefined'
  return /^[1-9]\d\d$/.test(String(status)) ? status : 'other'
}

/** Labels of `data_provider_requests` for one attempt. */
export const dataProviderMetricsLabel = (
  providerStatusCode?: number,
  method = 'get',
): { provider_status_code: number | undefined; method: string } => ({
  provider_status_code: providerStatusCode,
  method: method.toUpperCase(),
})

/** Credits a provider says a request cost: a number, or a numeric string, under `cost` of its answer; else 1. */
export const retrieveCost = <ProviderResponseBody>(data: ProviderResponseBody): number => {
  const cost = memberOf(data, 'cost')
  if (typeof cost !== 'number' && (typeof cost !== 'string' || cost.trim() === '')) return 1
  const credits = Number(cost)
  return Number.isFinite(credits) ? credits : 1
}

/**
 * Counts a Redis command in `redis_commands_sent_count`.
 *
 * @param app - whose it is
 */
export const recordRedisCommandMetric = (
  status: CMD_SENT_STATUS,
  functionName: string,
  app: App = {},
): void => {
  metrics.get('redisCommandsSentCount').inc({ ...app, status, function_name: functionName })
}
