import * as client from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpRequestType } from '../../src/metrics/constants'
import {
  buildHttpRequestMetricsLabel,
  CMD_SENT_STATUS,
  dataProviderMetricsLabel,
  recordRedisCommandMetric,
  retrieveCost,
} from '../../src/metrics/labels'
import { metrics } from '../../src/metrics/registry'

afterEach(() => {
  metrics.clear()
})

const adapterError = (fields: object): Error => Object.assign(new Error('x'), fields)

describe('buildHttpRequestMetricsLabel', () => {
  it('takes type and codes from an adapter error', () => {
    const error = adapterError({
      metricsLabel: HttpRequestType.DP_ERROR,
      statusCode: 502,
      providerStatusCode: 429,
    })
    expect(buildHttpRequestMetricsLabel('feed', error, false, 200)).toEqual({
      method: 'POST',
      feed_id: 'feed',
      type: 'dataProviderError',
      status_code: 502,
      provider_status_code: 429,
    })
  })

  it('exposes a missing provider status as the text undefined', async () => {
    metrics.initialize()
    const error = adapterError({ metricsLabel: HttpRequestType.INPUT_ERROR, statusCode: 400 })
    const labels = buildHttpRequestMetricsLabel('N/A', error)
    metrics
      .get('httpRequestsTotal')
      .labels(labels as Record<string, string | number>)
      .inc()
    expect(await client.register.getSingleMetricAsString('http_requests_total')).toContain(
      'http_requests_total{method="POST",feed_id="N/A",type="inputError",status_code="400",provider_status_code="undefined"} 1',
    )
  })

  it('counts any other error as an adapter error with status 500', () => {
    const labels = { method: 'POST', feed_id: 'feed', type: 'adapterError', status_code: 500 }
    expect(buildHttpRequestMetricsLabel('feed', new Error('x'))).toEqual(labels)
    expect(buildHttpRequestMetricsLabel('feed', adapterError({ statusCode: 413 }))).toEqual(labels)
  })

  it('tells cache hits from foreground work', () => {
    expect(buildHttpRequestMetricsLabel('feed', undefined, true, 200)).toEqual({
      method: 'POST',
      feed_id: 'feed',
      type: 'cacheHit',
      status_code: 200,
    })
    expect(buildHttpRequestMetricsLabel('feed', undefined, false, 200)).toEqual({
      method: 'POST',
      feed_id: 'feed',
      type: 'dataProviderHit',
      status_code: 200,
      provider_status_code: 200,
    })
  })
})

describe('provider labels', () => {
  it('name the method in upper case and GET by default', () => {
    expect(dataProviderMetricsLabel(200, 'post')).toEqual({ provider_status_code: 200, method: 'POST' })
    expect(dataProviderMetricsLabel()).toEqual({ provider_status_code: undefined, method: 'GET' })
  })

  it('take the cost from a number or a numeric text, else one credit', () => {
    expect(retrieveCost({ cost: 2 })).toBe(2)
    expect(retrieveCost({ cost: '3' })).toBe(3)
    expect(retrieveCost({ cost: 0 })).toBe(0)
    for (const body of [
      {},
      { cost: 'many' },
      { cost: '' },
      { cost: NaN },
      { cost: [4] },
      null,
      undefined,
      'cost',
    ]) {
      expect(retrieveCost(body)).toBe(1)
    }
  })
})

describe('recordRedisCommandMetric', () => {
  it('counts a command by outcome and function', async () => {
    metrics.initialize()
    recordRedisCommandMetric(CMD_SENT_STATUS.SUCCESS, 'zadd')
    expect(await client.register.getSingleMetricAsString('redis_commands_sent_count')).toContain(
      'redis_commands_sent_count{status="SUCCESS",function_name="zadd"} 1',
    )
  })
})
