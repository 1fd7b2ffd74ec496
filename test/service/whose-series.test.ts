import { afterEach, describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { setupMetrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples, type Sample } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { HttpTransport } from '../../src/transports/http/http-transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { PATIENT } from '../helpers/eventually'
import { httpProvider, inputParameters as ofHttp, oneByOne } from '../transports/http/support'
import { config, ETH, inputParameters as ofStream, subscribe, tick } from '../transports/websocket/support'
import { endAll, freePort, launch, PATIENCE_MS, post } from './service-process'

/** What is the process's, whoever runs in it. */
const OF_PROCESS =
  /^(process_|nodejs_|event_loop_stalls_total|clock_|late_throws_total|bounds_overflow_total|service_process_)/

const ofAdapters = (text: string): Sample[] => parseSamples(text).filter(({ name }) => !OF_PROCESS.test(name))

const ownersOf = (samples: readonly Sample[], name: string): string[] =>
  [
    ...new Set(samples.filter((one) => one.name === name).map(({ labels }) => labels['app_name'] ?? '')),
  ].sort()

const labelsIn = (line: string): string => line.slice(0, line.lastIndexOf(' '))

/** One with a stream and one endpoint that asks, each with a provider of its own. */
const adapterOf = async (name: Uppercase<string>) => {
  const stream = await wsProvider()
  const asked = await httpProvider((_path, n) => (n === 1 ? { status: 500 } : { body: { price: 5 } }))
  const endpoints = [
    new AdapterEndpoint({
      name: 'stream',
      transport: new WebSocketTransport(config(stream.url)),
      inputParameters: ofStream,
    }),
    new AdapterEndpoint({
      name: 'asked',
      transport: new HttpTransport(oneByOne(asked.url)),
      inputParameters: ofHttp,
    }),
  ]
  const service = await serve(() => new Adapter({ name, defaultEndpoint: 'stream', endpoints }), {
    env: { ...PATIENT, RETRY: '0' },
  })
  return {
    stream,
    service,
    stop: async () => {
      await service.stop()
      await stream.stop()
      await asked[Symbol.asyncDispose]()
    },
  }
}

describe('two adapters in one process', () => {
  it('each have series of their own in every metric but those of the process, and none is the service’s', async () => {
    const both = [await adapterOf('ONE'), await adapterOf('TWO')]
    setupMetrics('SERVICE')
    try {
      for (const { stream, service } of both) {
        const answer = service.post(ETH)
        const connection = await stream.connection()
        expect(await connection.next()).toBe(subscribe(ETH)[0])
        connection.send(tick(ETH))
        expect((await answer).statusCode).toBe(200)
        expect((await service.post({ base: 'ETH' }, { endpoint: 'asked' })).statusCode).toBe(502)
        connection.close(1011)
        await (await stream.connection()).next()
      }
      const text = await renderMetrics()
      const samples = ofAdapters(text)
      for (const { name, labels } of samples)
        expect({ name, owner: labels['app_name'] }).toEqual({
          name,
          owner: expect.stringMatching(/^(ONE|TWO)$/) as string,
        })
      for (const { name } of samples)
        expect({ name, of: ownersOf(samples, name) }).toEqual({ name, of: ['ONE', 'TWO'] })
      const names = new Set(samples.map(({ name }) => name))
      for (const name of [
        'ws_connection_attempt',
        'ws_connection_active',
        'ws_connection_closures',
        'http_request_duration_seconds_count',
        'request_payload_size_count',
        'data_provider_requests',
        'data_provider_request_duration_seconds_count',
        'requester_queue_size',
        'http_requests_per_bg_execute',
        'bg_execute_subscription_set_count',
        'cache_warmer_get_count',
        'cache_overflow_count',
      ])
        expect(names).toContain(name)
      // Prometheus refuses a text that says a thing twice.
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      expect(new Set(lines.map(labelsIn)).size).toBe(lines.length)
    } finally {
      for (const { stop } of both) await stop()
    }
  })

  it('count only what is their own', async () => {
    const both = [await adapterOf('FIRST'), await adapterOf('SECOND')]
    try {
      const [first, second] = both
      const answer = first!.service.post(ETH)
      const connection = await first!.stream.connection()
      await connection.next()
      connection.send(tick(ETH))
      await answer
      const of = (metric: string) =>
        Promise.all(['FIRST', 'SECOND'].map((app_name) => second!.service.metric(metric, { app_name })))
      expect(await of('ws_connection_active')).toEqual([1, 0])
      expect(await of('ws_connection_attempt')).toEqual([1, 0])
      expect(await of('http_request_duration_seconds_count')).toEqual([1, 0])
    } finally {
      for (const { stop } of both) await stop()
    }
    const { service, stop } = await adapterOf('THIRD')
    expect(await service.metric('ws_connection_active', { app_name: 'FIRST' })).toBe(0)
    await stop()
  })
})

describe('the service', { timeout: 2 * PATIENCE_MS }, () => {
  afterEach(endAll)

  it.each(['1', '2'])(
    'with WORKERS=%s names the adapter of every series, and itself by INSTANCE in all of them',
    async (workers) => {
      const port = await freePort()
      const service = launch({
        WORKERS: workers,
        ADAPTERS: 'coinbase,kraken',
        METRICS_ENABLED: 'true',
        METRICS_PORT: port,
        INSTANCE: 'eu "1"',
      })
      const url = await service.url()
      for (const name of ['coinbase', 'kraken'])
        expect((await post(`${url}/${name}`, { data: ETH })).status).toBe(504)
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const samples = ofAdapters(text)
      for (const { name } of samples)
        expect({ name, of: ownersOf(samples, name) }).toEqual({ name, of: ['COINBASE', 'KRAKEN'] })
      expect(ownersOf(samples, 'ws_connection_attempt')).toEqual(['COINBASE', 'KRAKEN'])
      // Both providers refuse the connection. Of several processes, the one that holds connections tells, and no other again.
      const down = samples.filter(({ name }) => name === 'feeds_down')
      expect(
        down.map(({ labels, value }) => [labels['app_name'], labels['reason_class'], value]).sort(),
      ).toEqual([
        ['COINBASE', 'network', 1],
        ['KRAKEN', 'network', 1],
      ])
      const instances = parseSamples(text).map(({ labels }) => labels['app_instance'])
      expect([...new Set(instances)]).toEqual(['eu "1"'])
    },
  )
})
