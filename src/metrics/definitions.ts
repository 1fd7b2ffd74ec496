import Counter from 'prom-client/lib/counter'
import Gauge from 'prom-client/lib/gauge'
import { requestDurationBuckets } from './constants'
import { FastHistogram } from './fast-histogram'
import { SeriesCounter, SeriesGauge } from './many-series'

/**
 * Samples have a label with the adapter's name, so that each of several adapters in one process has its own series. This adds nothing to
 * the contract's labels: `app_name` is a default label of every sample, and stays that of those which belong to the process.
 */
type Labels<L extends string> = L | 'app_name'

interface Labelled {
  labels: (...args: never[]) => unknown
  remove: (...args: never[]) => unknown
}

/** Label values that are given by position belong to the contract's labels only, so `app_name` must not count as one of them. */
const byPosition = <M extends Labelled>(metric: M, names: readonly string[]): M => {
  for (const method of ['labels', 'remove'] as const) {
    const original = metric[method].bind(metric) as (labels: unknown) => unknown
    metric[method] = (...args: unknown[]) => {
      if (typeof args[0] === 'object' || args.length !== names.length) return original(args[0])
      return original(Object.fromEntries(names.map((name, at) => [name, args[at]])))
    }
  }
  return metric
}

const counterOfProcess = (name: string, help: string) => new Counter({ name, help })
const gaugeOfProcess = (name: string, help: string) => new Gauge({ name, help })

const counter = <const L extends string>(name: string, labels: readonly L[], help: string) =>
  byPosition(new SeriesCounter<Labels<L>>({ name, help, labelNames: [...labels, 'app_name'] }), labels)

const gauge = <const L extends string>(name: string, labels: readonly L[], help: string) =>
  byPosition(new SeriesGauge<Labels<L>>({ name, help, labelNames: [...labels, 'app_name'] }), labels)

const histogram = (name: string, buckets: number[], help: string): FastHistogram =>
  new FastHistogram({ name, help, buckets })

const FEED_LABELS = ['adapter_endpoint', 'feed_id', 'participant_id'] as const
const CACHE_LABELS = ['feed_id', 'participant_id', 'cache_type'] as const
const ENDPOINT_LABELS = ['adapter_endpoint', 'transport'] as const
const SUBSCRIPTION_LABELS = ['feed_id', 'subscription_key'] as const

const requestMetrics = () => ({
  httpRequestsTotal: counter(
    'http_requests_total',
    ['method', 'status_code', 'retry', 'type', 'feed_id', 'provider_status_code'],
    'Replies to requests, by outcome',
  ),
  httpRequestDurationSeconds: histogram(
    'http_request_duration_seconds',
    requestDurationBuckets,
    'Time from request to reply, in seconds',
  ),
  requestPayloadSize: histogram(
    'request_payload_size',
    [100, 500, 1000, 2000, 5000],
    'Size of request bodies, in bytes',
  ),
})

const providerMetrics = () => ({
  httpRequestsPerBgExecute: gauge(
    'http_requests_per_bg_execute',
    ['adapter_endpoint'],
    'Provider requests of the last background pass',
  ),
  dataProviderRequests: counter(
    'data_provider_requests',
    ['method', 'provider_status_code'],
    'Attempts to request from the data provider',
  ),
  dataProviderRequestDurationSeconds: histogram(
    'data_provider_request_duration_seconds',
    requestDurationBuckets,
    'Time the data provider took to answer, in seconds',
  ),
  requesterQueueSize: gauge('requester_queue_size', [], 'Provider requests waiting for their turn'),
  requesterQueueOverflow: counter(
    'requester_queue_overflow',
    [],
    'Provider requests dropped because too many were waiting',
  ),
  rateLimitCreditsSpentTotal: counter(
    'rate_limit_credits_spent_total',
    ['participant_id', 'feed_id'],
    'Credits that the data provider charged',
  ),
})

const backgroundMetrics = () => ({
  bgExecuteSubscriptionSetCount: gauge(
    'bg_execute_subscription_set_count',
    ['adapter_endpoint', 'transport_type', 'transport'],
    'Wanted feeds at the last background pass',
  ),
  bgExecuteTotal: counter('bg_execute_total', ENDPOINT_LABELS, 'Background passes'),
  bgExecuteErrors: counter('bg_execute_errors', ENDPOINT_LABELS, 'Background passes that failed'),
  bgExecuteDurationSeconds: gauge(
    'bg_execute_duration_seconds',
    ENDPOINT_LABELS,
    'Time the last background pass took, its own sleep included, in seconds',
  ),
  loopsReplaced: counter(
    'background_loops_replaced_total',
    ENDPOINT_LABELS,
    'Background passes that never ended, so that another took their place',
  ),
  lateThrows: counter(
    'late_throws_total',
    ['app_name', 'kind'],
    'Rejections and exceptions that nobody handled, by the adapter whose they were, if it could be named',
  ),
  eventLoopStalls: counterOfProcess(
    'event_loop_stalls_total',
    'How often the event loop stood still for more than a second',
  ),
  streamHandlerErrors: counter('stream_handler_errors', ENDPOINT_LABELS, 'Stream handler passes that failed'),
  cacheWarmerCount: gauge('cache_warmer_get_count', ['isBatched'], 'Feeds that are kept warm'),
  transportPollingFailureCount: counter(
    'transport_polling_failure_count',
    ['adapter_endpoint'],
    'Polls of a transport that failed',
  ),
  transportPollingDurationSeconds: gauge(
    'transport_polling_duration_seconds',
    ['adapter_endpoint', 'succeeded'],
    'Time the last poll of a transport took, in seconds',
  ),
})

const cacheMetrics = () => ({
  cacheDataGetCount: counter('cache_data_get_count', CACHE_LABELS, 'Requests answered from the cache'),
  cacheDataGetValues: gauge('cache_data_get_values', CACHE_LABELS, 'Value last answered from the cache'),
  cacheDataMaxAge: gauge(
    'cache_data_max_age',
    CACHE_LABELS,
    'Time to live at the last write, in milliseconds',
  ),
  cacheDataSetCount: counter('cache_data_set_count', [...CACHE_LABELS, 'status_code'], 'Writes to the cache'),
  cacheDataStalenessSeconds: gauge(
    'cache_data_staleness_seconds',
    CACHE_LABELS,
    'Age of the value last answered, since it was received, in milliseconds despite the name',
  ),
  totalDataStalenessSeconds: gauge(
    'total_data_staleness_seconds',
    CACHE_LABELS,
    "Age of the value last answered, by the provider's own time, in milliseconds despite the name",
  ),
  feedAgeSeconds: gauge(
    'feed_age_seconds',
    FEED_LABELS,
    'Age of the last good value, served or not, since it was received, in seconds; it grows whether or not anybody asks',
  ),
  feedUp: gauge(
    'feed_up',
    FEED_LABELS,
    '1 while there is a good value to serve, else 0; of feeds that have been asked for or written',
  ),
  feedsWanted: gauge('feeds_wanted', ['adapter_endpoint'], 'Feeds that somebody has asked for lately'),
  feedsDown: gauge(
    'feeds_down',
    ['adapter_endpoint', 'reason_class'],
    'Of the feeds that are wanted, those without a good value to serve, by the class of the reason; a class without any has no series',
  ),
  providerTimeDelta: gauge(
    'provider_time_delta',
    ['feed_id'],
    "Our time less the provider's own at the last write, in milliseconds",
  ),
  cacheOverflowCount: counter('cache_overflow_count', [], 'Entries evicted from the full local cache'),
  dataRefused: counter(
    'data_refused_total',
    ['adapter_endpoint', 'transport', 'reason'],
    'Frames and values that were received but not served, by reason',
  ),
  providerDemandRatio: gauge(
    'provider_demand_ratio',
    ['adapter_endpoint', 'transport'],
    'How long the rate limit takes for all requests that are repeated, as a part of CACHE_MAX_AGE; above 1 values go stale',
  ),
  providerHostsFailing: gauge(
    'provider_hosts_failing',
    [],
    'Hosts of data providers whose HTTP requests have failed one after another, so that they get single ones',
  ),
  providerBreakerOpenings: counter(
    'provider_breaker_openings_total',
    [],
    'How often a host of a data provider began to get single requests because they failed one after another',
  ),
  subscriptionsRefused: counter(
    'subscriptions_refused_total',
    ['adapter_endpoint', 'transport'],
    'Requests for feeds that could not become wanted, because SUBSCRIPTION_SET_MAX_ITEMS are',
  ),
  boundsOverflow: counter(
    'bounds_overflow_total',
    ['bound'],
    'What had no room in a list with a limit, or left it because something newer came, by the list (docs/bounds.md)',
  ),
  tlsCertificateEnd: gauge(
    'tls_certificate_not_after_timestamp_seconds',
    ['port'],
    'When the certificate ends that new connections to a port get, in Unix seconds',
  ),
  adapterStarted: gauge(
    'adapter_started_timestamp_seconds',
    ['version', 'configuration_hash'],
    'When the process of an adapter was started, in Unix seconds; the labels say what runs',
  ),
  clockSteps: gaugeOfProcess('clock_steps', 'Steps of the wall clock that were noticed since the start'),
  clockOffsetSeconds: gaugeOfProcess(
    'clock_offset_seconds',
    'How far the wall clock stands from the time from before its last step, while that still matters',
  ),
  dataReported: counter(
    'data_reported_total',
    ['adapter_endpoint', 'transport', 'reason'],
    'Values that were served although a guard would refuse them, by reason',
  ),
  feedLimitsRejected: counter(
    'feed_limits_rejected_total',
    [],
    'Changes of FEED_LIMITS that could not be used, so that the limits before them went on',
  ),
  sourceSwitches: counter(
    'source_switches_total',
    ['adapter_endpoint', 'from', 'to', 'reason'],
    'Feeds of a composite transport that moved from one of its transports to another, because one failed or is preferred',
  ),
  sourceErrors: counter(
    'source_errors_total',
    [...ENDPOINT_LABELS, 'status_code'],
    'Errors that a transport of a composite one gave for a feed, whether or not another one had a value',
  ),
  porBalanceAddressLength: gauge(
    'por_balance_address_length',
    ['feed_id'],
    'Addresses in the last proof-of-reserves request',
  ),
})

const redisMetrics = () => ({
  redisConnectionsOpen: counter('redis_connections_open', [], 'Connections to Redis that were opened'),
  redisRetriesCount: counter('redis_retries_count', [], 'Attempts to reconnect to Redis'),
  redisCommandsSentCount: counter(
    'redis_commands_sent_count',
    ['status', 'function_name'],
    'Commands sent to Redis, by outcome',
  ),
})

const connectorMetrics = () => ({
  transportCircuitOpen: gauge(
    'transport_circuit_open',
    ENDPOINT_LABELS,
    'Whether a connector can send (1) or not (0)',
  ),
  transportCircuitEvents: counter(
    'transport_circuit_events_total',
    [...ENDPOINT_LABELS, 'state'],
    'Changes of a connector between being able to send and not, by the state it came to',
  ),
  transportPushes: counter(
    'transport_pushes_total',
    [...ENDPOINT_LABELS, 'outcome'],
    'Pushes into a destination, by what became of them: committed, unchanged or unknown',
  ),
})

const webSocketMetrics = () => ({
  wsConnectionAttempt: counter('ws_connection_attempt', [], 'Attempts to open a WebSocket'),
  wsConnectionActive: gauge('ws_connection_active', [], 'WebSockets that are open'),
  wsConnectionErrors: counter('ws_connection_errors', ['message'], 'Errors of WebSocket connections'),
  wsConnectionClosures: counter(
    'ws_connection_closures',
    ['url', 'code'],
    'WebSockets closed, by close code',
  ),
  wsConnectionFailoverCount: gauge(
    'ws_connection_failover_count',
    ['transport_name', 'url'],
    'Failed connections in a row, by which the URL is chosen',
  ),
  wsUrlSwitches: counter(
    'ws_url_switches_total',
    [...ENDPOINT_LABELS, 'reason'],
    'Moves of a WebSocket transport from one of its URLs to another, by the reason for which the former was left',
  ),
  wsSubscriptionActive: gauge('ws_subscription_active', SUBSCRIPTION_LABELS, 'Feeds subscribed by WebSocket'),
  wsSubscriptionTotal: counter(
    'ws_subscription_total',
    SUBSCRIPTION_LABELS,
    'Subscriptions made by WebSocket',
  ),
  wsMessageTotal: counter(
    'ws_message_total',
    [...SUBSCRIPTION_LABELS, 'direction'],
    'WebSocket messages sent and received',
  ),
})

const roomMetrics = () => ({
  wsRoomUpdatesLost: counter(
    'ws_room_updates_lost_total',
    ENDPOINT_LABELS,
    'Updates of a room that were numbered and never came',
  ),
  wsRoomKeyExpires: gauge(
    'ws_room_key_expires_timestamp_seconds',
    ENDPOINT_LABELS,
    'When the key that a room is entered with expires, in Unix seconds',
  ),
})

/** Creates every metric, in prom-client's global registry (contract 14). */
export const metricDefinitions = () => ({
  ...requestMetrics(),
  ...providerMetrics(),
  ...backgroundMetrics(),
  ...cacheMetrics(),
  ...redisMetrics(),
  ...webSocketMetrics(),
  ...connectorMetrics(),
  ...roomMetrics(),
})

export type MetricDefinitions = ReturnType<typeof metricDefinitions>
