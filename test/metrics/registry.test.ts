import * as client from 'prom-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Metrics, metrics, setupMetrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'

afterEach(() => {
  metrics.clear()
  vi.unstubAllEnvs()
})

const exposed = (name: string): Promise<string> => client.register.getSingleMetricAsString(name)

const samples = async (name: string): Promise<string[]> =>
  (await exposed(name)).split('\n').filter((line) => !line.startsWith('#'))

const simple = () =>
  new Metrics(() => ({
    feeds: new client.Gauge({ name: 'feeds', help: 'Feeds', labelNames: ['feed_id'] }),
    total: new client.Counter({ name: 'total', help: 'Total' }),
  }))

describe('Metrics', () => {
  it('refuses to give a metric before it was initialized', () => {
    const own = simple()
    expect(() => own.get('feeds')).toThrow(new Error('Metric "feeds" was not initialized before use'))
    expect(own.getMetricsDefinition()).toBeUndefined()
    own.initialize()
    expect(own.get('feeds')).toBe(own.getMetricsDefinition()?.feeds)
  })

  it('creates the metrics once, however often it is initialized', () => {
    const own = simple()
    own.initialize()
    const { total } = own.getMetricsDefinition() ?? {}
    own.initialize()
    expect(own.get('total')).toBe(total)
  })

  it('starts anew after it was cleared, and fails nobody meanwhile', async () => {
    const own = simple()
    own.initialize()
    own.get('total').inc(3)
    own.clear()
    expect(await client.register.metrics()).toBe('\n')
    own.get('total').inc()
    own.initialize()
    expect(await samples('total')).toEqual(['total 0'])
  })

  it('counts directly as ever while a metric has no publisher', async () => {
    const own = simple()
    own.initialize()
    own.get('total').inc()
    await exposed('total')
    own.get('total').inc()
    expect(await samples('total')).toEqual(['total 2'])
  })

  it('asks publishers at each scrape, and forgets the series that nobody writes any more', async () => {
    const own = simple()
    const feeds = new Map([
      ['eth', 1],
      ['btc', 2],
    ])
    own.publish('feeds', (gauge) => {
      for (const [feed_id, value] of feeds) gauge.set({ feed_id }, value)
    })
    own.initialize()
    expect(await samples('feeds')).toEqual(['feeds{feed_id="eth"} 1', 'feeds{feed_id="btc"} 2'])
    feeds.delete('eth')
    feeds.set('btc', 5)
    expect(await samples('feeds')).toEqual(['feeds{feed_id="btc"} 5'])
  })

  it('adds up what several publishers count, without adding up scrapes', async () => {
    const own = simple()
    own.initialize()
    own.publish('total', (counter) => counter.inc(2))
    own.publish('total', (counter) => counter.inc(3))
    await exposed('total')
    expect(await samples('total')).toEqual(['total 5'])
  })

  it('takes away what a publisher wrote when it is taken away, and no other', async () => {
    const own = simple()
    own.initialize()
    const publish = (feed_id: string) => own.publish('feeds', (gauge) => gauge.set({ feed_id }, 1))
    const endEth = publish('eth')
    const endBtc = publish('btc')
    await exposed('feeds')
    endEth()
    endEth()
    expect(await samples('feeds')).toEqual(['feeds{feed_id="btc"} 1'])
    endBtc()
    expect(await samples('feeds')).toEqual([])
    own.get('feeds').set({ feed_id: 'sol' }, 4)
    expect(await samples('feeds')).toEqual(['feeds{feed_id="sol"} 4'])
  })

  it('keeps a publisher that was registered twice until both are taken away', async () => {
    const own = simple()
    own.initialize()
    const publisher = (counter: client.Counter): void => counter.inc()
    const end = own.publish('total', publisher)
    own.publish('total', publisher)
    expect(await samples('total')).toEqual(['total 2'])
    end()
    expect(await samples('total')).toEqual(['total 1'])
  })

  it('publishes into a histogram as well', async () => {
    metrics.publish('requestPayloadSize', (histogram) => histogram.observe(700))
    metrics.initialize()
    await exposed('request_payload_size')
    expect(await samples('request_payload_size')).toContain('request_payload_size_bucket{le="1000"} 1')
    expect(await samples('request_payload_size')).toContain('request_payload_size_count 1')
  })
})

describe('setupMetrics', () => {
  it('labels every sample with adapter name and version, and those of the process from the first scrape on', async () => {
    vi.stubEnv('npm_package_version', '1.2.3')
    metrics.initialize()
    setupMetrics('TEST')
    setupMetrics('TEST')
    expect(await client.register.metrics()).not.toContain('process_cpu')
    const text = await renderMetrics()
    expect(text).toContain('ws_connection_active{app_name="TEST",app_version="1.2.3"} 0')
    expect(text).toMatch(/^process_cpu_user_seconds_total\{app_name="TEST",app_version="1.2.3"\}/m)
    expect(text).toMatch(/^nodejs_version_info\{/m)
    expect(text).toMatch(/^nodejs_heap_size_limit_bytes\{.*\} \d{8,}$/m)
  })

  it('shows a missing name as N/A and a missing version as undefined', async () => {
    vi.stubEnv('npm_package_version', undefined)
    metrics.initialize()
    setupMetrics('')
    expect(await samples('redis_retries_count')).toEqual([
      'redis_retries_count{app_name="N/A",app_version="undefined"} 0',
    ])
  })

  it('lets a sample with an app_name of its own override the default, and only that one', async () => {
    vi.stubEnv('npm_package_version', '1')
    metrics.initialize()
    setupMetrics('HOST')
    metrics.get('bgExecuteTotal').inc({ adapter_endpoint: 'price', transport: 'ws', app_name: 'GUEST' })
    metrics.get('bgExecuteTotal').inc({ adapter_endpoint: 'price', transport: 'ws' }, 2)
    const lines = await samples('bg_execute_total')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('app_name="GUEST"')
    expect(lines[0]).not.toContain('HOST')
    expect(lines[0]).toMatch(/ 1$/)
    expect(lines[1]).toContain('app_name="HOST"')
    expect(lines[1]).toMatch(/ 2$/)
  })
})

describe('an adapter', () => {
  it('is shown with 0 from its beginning on, in place of the process', async () => {
    vi.stubEnv('npm_package_version', '1')
    metrics.initialize()
    setupMetrics('HOST')
    expect(await samples('ws_connection_active')).toEqual([
      'ws_connection_active{app_name="HOST",app_version="1"} 0',
    ])
    metrics.begin('GUEST')
    expect(await samples('ws_connection_active')).toEqual([
      'ws_connection_active{app_name="GUEST",app_version="1"} 0',
    ])
    metrics.get('wsConnectionActive').inc({ app_name: 'GUEST' }, 3)
    metrics.begin('GUEST')
    expect(await samples('ws_connection_active')).toEqual([
      'ws_connection_active{app_name="GUEST",app_version="1"} 3',
    ])
  })

  it('has one sample with what is counted under its name and what is counted under the same default', async () => {
    vi.stubEnv('npm_package_version', '1')
    metrics.initialize()
    const rendered = async (name: string) =>
      (await renderMetrics()).split('\n').filter((line) => line.startsWith(`${name}{`))
    setupMetrics('HOST')
    metrics.begin('HOST')
    metrics.get('wsConnectionActive').inc({ app_name: 'HOST' }, 3)
    metrics.get('wsConnectionActive').inc()
    expect(await rendered('ws_connection_active')).toEqual([
      'ws_connection_active{app_name="HOST",app_version="1"} 4',
    ])
    const labels = { adapter_endpoint: 'price', transport: 'ws' }
    metrics.get('bgExecuteTotal').inc({ ...labels, app_name: 'HOST' }, 2)
    metrics.get('bgExecuteTotal').inc(labels)
    metrics.get('bgExecuteDurationSeconds').set({ ...labels, app_name: 'HOST' }, 2)
    metrics.get('bgExecuteDurationSeconds').set(labels, 5)
    const values = async (name: string) => (await rendered(name)).map((line) => line.split(' ').at(-1))
    expect(await values('bg_execute_total')).toEqual(['3'])
    expect(await values('bg_execute_duration_seconds')).toEqual(['5'])
  })
})
