import * as client from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { metricDefinitions } from '../../src/metrics/definitions'
import { metrics } from '../../src/metrics/registry'

/** Key, name, type and labels as in contract 14, and then ours. */
const CONTRACT = `
httpRequestsTotal http_requests_total counter method,status_code,retry,type,feed_id,provider_status_code
httpRequestDurationSeconds http_request_duration_seconds histogram
requestPayloadSize request_payload_size histogram
httpRequestsPerBgExecute http_requests_per_bg_execute gauge adapter_endpoint
dataProviderRequests data_provider_requests counter method,provider_status_code
dataProviderRequestDurationSeconds data_provider_request_duration_seconds histogram
requesterQueueSize requester_queue_size gauge
requesterQueueOverflow requester_queue_overflow counter
bgExecuteSubscriptionSetCount bg_execute_subscription_set_count gauge adapter_endpoint,transport_type,transport
bgExecuteTotal bg_execute_total counter adapter_endpoint,transport
bgExecuteErrors bg_execute_errors counter adapter_endpoint,transport
bgExecuteDurationSeconds bg_execute_duration_seconds gauge adapter_endpoint,transport
cacheDataGetCount cache_data_get_count counter feed_id,participant_id,cache_type
cacheDataGetValues cache_data_get_values gauge feed_id,participant_id,cache_type
cacheDataMaxAge cache_data_max_age gauge feed_id,participant_id,cache_type
cacheDataSetCount cache_data_set_count counter feed_id,participant_id,cache_type,status_code
cacheDataStalenessSeconds cache_data_staleness_seconds gauge feed_id,participant_id,cache_type
totalDataStalenessSeconds total_data_staleness_seconds gauge feed_id,participant_id,cache_type
providerTimeDelta provider_time_delta gauge feed_id
cacheOverflowCount cache_overflow_count counter
redisConnectionsOpen redis_connections_open counter
redisRetriesCount redis_retries_count counter
redisCommandsSentCount redis_commands_sent_count counter status,function_name
streamHandlerErrors stream_handler_errors counter adapter_endpoint,transport
cacheWarmerCount cache_warmer_get_count gauge isBatched
wsConnectionAttempt ws_connection_attempt counter
wsConnectionActive ws_connection_active gauge
wsConnectionErrors ws_connection_errors counter message
wsConnectionClosures ws_connection_closures counter url,code
wsConnectionFailoverCount ws_connection_failover_count gauge transport_name,url
wsSubscriptionActive ws_subscription_active gauge feed_id,subscription_key
wsSubscriptionTotal ws_subscription_total counter feed_id,subscription_key
wsMessageTotal ws_message_total counter feed_id,subscription_key,direction
transportPollingFailureCount transport_polling_failure_count counter adapter_endpoint
transportPollingDurationSeconds transport_polling_duration_seconds gauge adapter_endpoint,succeeded
rateLimitCreditsSpentTotal rate_limit_credits_spent_total counter participant_id,feed_id
porBalanceAddressLength por_balance_address_length gauge feed_id
dataRefused data_refused_total counter adapter_endpoint,transport,reason
providerDemandRatio provider_demand_ratio gauge adapter_endpoint,transport
providerHostsFailing provider_hosts_failing gauge
providerBreakerOpenings provider_breaker_openings_total counter
subscriptionsRefused subscriptions_refused_total counter adapter_endpoint,transport
boundsOverflow bounds_overflow_total counter bound
loopsReplaced background_loops_replaced_total counter adapter_endpoint,transport
lateThrows late_throws_total counter kind
eventLoopStalls event_loop_stalls_total counter
tlsCertificateEnd tls_certificate_not_after_timestamp_seconds gauge port
adapterStarted adapter_started_timestamp_seconds gauge version,configuration_hash
feedAgeSeconds feed_age_seconds gauge adapter_endpoint,feed_id,participant_id
feedsWanted feeds_wanted gauge adapter_endpoint
feedsDown feeds_down gauge adapter_endpoint,reason_class
feedUp feed_up gauge adapter_endpoint,feed_id,participant_id
clockSteps clock_steps gauge
clockOffsetSeconds clock_offset_seconds gauge
dataReported data_reported_total counter adapter_endpoint,transport,reason
feedLimitsRejected feed_limits_rejected_total counter
transportCircuitOpen transport_circuit_open gauge adapter_endpoint,transport
transportCircuitEvents transport_circuit_events_total counter adapter_endpoint,transport,state
transportPushes transport_pushes_total counter adapter_endpoint,transport,outcome
wsUrlSwitches ws_url_switches_total counter adapter_endpoint,transport,reason
sourceSwitches source_switches_total counter adapter_endpoint,from,to,reason
sourceErrors source_errors_total counter adapter_endpoint,transport,status_code
wsRoomUpdatesLost ws_room_updates_lost_total counter adapter_endpoint,transport
wsRoomKeyExpires ws_room_key_expires_timestamp_seconds gauge adapter_endpoint,transport
`

/** All others have the label that says which adapter's a series is. */
const OF_PROCESS = ['eventLoopStalls', 'clockSteps', 'clockOffsetSeconds']

const rows = CONTRACT.trim()
  .split('\n')
  .map((line) => {
    const [key = '', name = '', type = '', labels = ''] = line.split(' ')
    return { key, name, type, labels: labels.split(',').filter(Boolean) }
  })

interface Inspected {
  name: string
  type: string
  labelNames: string[]
  buckets?: number[]
}

beforeEach(() => {
  client.register.clear()
})

afterEach(() => {
  metrics.clear()
})

describe('metric definitions', () => {
  it('are the metrics of the contract, and ours', () => {
    expect(Object.keys(metricDefinitions()).sort()).toEqual(rows.map(({ key }) => key).sort())
  })

  it.each(rows)('give $key its name, type and labels', ({ key, name, type, labels }) => {
    const metric = (metricDefinitions() as unknown as Record<string, Inspected>)[key]
    expect(metric).toMatchObject({ name, type })
    expect(metric?.labelNames.filter((label) => label !== 'app_name').sort()).toEqual([...labels].sort())
    expect(metric?.labelNames.includes('app_name')).toBe(!OF_PROCESS.includes(key))
  })

  it('use the buckets of the contract', () => {
    const { httpRequestDurationSeconds, dataProviderRequestDurationSeconds, requestPayloadSize } =
      metricDefinitions() as unknown as Record<string, Inspected>
    const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    expect(httpRequestDurationSeconds?.buckets).toEqual(seconds)
    expect(dataProviderRequestDurationSeconds?.buckets).toEqual(seconds)
    expect(requestPayloadSize?.buckets).toEqual([100, 500, 1000, 2000, 5000])
  })

  it('take label values by position as if there were no app_name', async () => {
    metrics.initialize()
    metrics.get('streamHandlerErrors').labels('price', 'ws').inc(2)
    metrics.get('providerTimeDelta').labels('eth').set(5)
    expect(await client.register.getSingleMetricAsString('stream_handler_errors')).toContain(
      'stream_handler_errors{adapter_endpoint="price",transport="ws"} 2',
    )
    expect(await client.register.getSingleMetricAsString('provider_time_delta')).toContain(
      'provider_time_delta{feed_id="eth"} 5',
    )
    metrics.get('providerTimeDelta').remove('eth')
    expect(await client.register.getSingleMetricAsString('provider_time_delta')).not.toContain('eth')
    expect(() => metrics.get('streamHandlerErrors').labels('price')).toThrow('Invalid number of arguments')
  })

  it('do not show the failover counter before its first increment', async () => {
    metrics.initialize()
    expect(await client.register.getSingleMetricAsString('ws_connection_failover_count')).not.toContain('{')
  })
})
