import { Adapter, AdapterEndpoint, EndpointContext } from '@chainlink/external-adapter-framework/adapter'
import { HttpTransport } from '@chainlink/external-adapter-framework/transports'
import { SubscriptionTransport } from '@chainlink/external-adapter-framework/transports/abstract/subscription'
import { SingleNumberResultResponse, sleep } from '@chainlink/external-adapter-framework/util'
import {
  assertEqualResponses,
  NopTransport,
  runAllUntil,
  runAllUntilSettled,
  runAllUntilTime,
  runPeriodicAsyncBackgroundExecution,
  TestAdapter,
  waitUntilResolved,
} from '@chainlink/external-adapter-framework/util/testing-utils'
import { InputParameters } from '@chainlink/external-adapter-framework/validation'
import { AdapterConfig } from '@chainlink/external-adapter-framework/config'
import { TypeFromDefinition } from '@chainlink/external-adapter-framework/validation/input-params'
import FakeTimers, { InstalledClock } from '@sinonjs/fake-timers'
import nock from 'nock'

/** The part of ava's `t` that the helpers use. */
const t = {
  is: (actual: unknown, expected: unknown) => expect(actual).toBe(expected),
  deepEqual: (actual: unknown, expected: unknown) => expect(actual).toEqual(expected),
  fail: (message?: string) => {
    throw new Error(message)
  },
} as never

const config = new AdapterConfig({})
const inputParameters = new InputParameters({
  from: { type: 'string', required: true, description: 'From' },
  to: { type: 'string', required: true, description: 'To' },
})

type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: typeof config.settings
}

class Counting extends SubscriptionTransport<Types> {
  passes: number[] = []
  async backgroundHandler(
    _context: EndpointContext<Types>,
    entries: TypeFromDefinition<Types['Parameters']>[],
  ): Promise<void> {
    this.passes.push(entries.length)
    await sleep(100)
  }
  getSubscriptionTtlFromConfig(): number {
    return 5_000
  }
}

const http = () =>
  new HttpTransport<Types & { Provider: { RequestBody: never; ResponseBody: { price: number } } }>({
    prepareRequests: (params) => ({
      params,
      request: { baseURL: 'https://rest.ava.example', url: '/price' },
    }),
    parseResponse: (params, { data }) =>
      params.map((param) => ({
        params: param,
        response: {
          result: data.price,
          data: { result: data.price },
          timestamps: { providerIndicatedTimeUnixMs: Date.now() - 100 },
        },
      })),
  })

describe('helpers of tests on a fake clock', () => {
  const counting = new Counting()
  const context = {} as { testAdapter: TestAdapter; clock: InstalledClock }
  const data = { from: 'ETH', to: 'USD' }

  beforeAll(async () => {
    process.env.METRICS_ENABLED = 'true'
    process.env.npm_package_version = '1.2.3'
    nock('https://rest.ava.example').persist().get('/price').reply(200, { price: 5 })
    context.clock = FakeTimers.install({
      now: 1_700_000_000_000,
      toFake: ['setTimeout', 'clearTimeout', 'Date', 'setInterval', 'clearInterval'],
    })
    const adapter = new Adapter({
      name: 'AVA',
      defaultEndpoint: 'price',
      config,
      endpoints: [
        new AdapterEndpoint({ name: 'price', transport: http(), inputParameters }),
        new AdapterEndpoint({ name: 'count', transport: counting, inputParameters }),
        new AdapterEndpoint({ name: 'nop', transport: new NopTransport() }),
      ],
      rateLimiting: { tiers: { only: { rateLimit1m: 60 } } },
    })
    await TestAdapter.startWithMockedCache(adapter, context)
  })

  afterAll(async () => {
    context.clock.uninstall()
    await context.testAdapter.api.close()
    nock.restore()
    nock.cleanAll()
  })

  it('put themselves into the context', () => {
    expect(context.testAdapter).toBeInstanceOf(TestAdapter)
    expect(context.testAdapter.clock).toBe(context.clock)
    expect(context.testAdapter.mockCache!.capacity).toBe(10_000)
  })

  it('give up on what never comes, after the time that polling takes', async () => {
    const before = Date.now()
    const response = await context.testAdapter.request({ ...data, endpoint: 'nop' })
    expect(response.statusCode).toBe(504)
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_200)
    expect(Date.now() - before).toBeLessThan(2_600)
  })

  it('ask, wait and ask again', async () => {
    process.env.UNUSED = '1'
    const testAdapter = context.testAdapter
    const first = await testAdapter.request(data)
    await runAllUntil(context.clock, () => testAdapter.mockCache!.cache.size > 0)
    const response = await testAdapter.request(data)
    expect(first.statusCode === 200 || first.statusCode === 504).toBe(true)
    assertEqualResponses(t, response.json(), { result: 5, data: { result: 5 }, statusCode: 200 })
    expect(response.json().meta).toEqual({
      adapterName: 'AVA',
      transportName: 'default_single_transport',
      metrics: { feedId: '{"from":"eth","to":"usd"}' },
    })
  })

  it('read metrics', async () => {
    const { testAdapter } = context
    await testAdapter.request(data)
    const metrics = await testAdapter.getMetrics()
    const feed_id = "{'from':'eth','to':'usd'}"
    expect(metrics.map.size).toBeGreaterThan(10)
    metrics.assertPositiveNumber(t, {
      name: 'cache_data_set_count',
      labels: {
        feed_id,
        participant_id: `AVA-price-default_single_transport-${feed_id}`,
        cache_type: 'local',
      },
    })
    metrics.assert(t, {
      name: 'cache_data_get_values',
      labels: {
        participant_id: `AVA-price-default_single_transport-${feed_id}`,
        feed_id,
        cache_type: 'local',
      },
      expectedValue: 5,
    })
    metrics.assert(t, {
      name: 'bg_execute_subscription_set_count',
      labels: {
        adapter_endpoint: 'count',
        transport_type: 'Counting',
        transport: 'default_single_transport',
      },
      expectedValue: 0,
    })
    expect(() => metrics.get(t, { name: 'no_such_metric' })).toThrow(/no_such_metric/)
  })

  it('see a custom transport run every 10 ms beside its own sleep', async () => {
    await waitUntilResolved(context.clock, async () =>
      context.testAdapter.api.inject({
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/json' },
        payload: { endpoint: 'count', data },
      }),
    )
    const before = counting.passes.length
    await runAllUntilTime(context.clock, 1_100)
    expect(counting.passes.length - before).toBe(10)
    await runPeriodicAsyncBackgroundExecution(context.clock, {
      interval: 110,
      times: 3,
      stepValidation: (iteration) => counting.passes.length >= before + 11 + iteration,
    })
    expect(counting.passes.at(-1)).toBe(1)
    await runAllUntilTime(context.clock, 5_000)
    expect(counting.passes.at(-1)).toBe(0)
  })

  it('settle promises', async () => {
    expect(
      await runAllUntilSettled(
        context.clock,
        sleep(50_000).then(() => 'slept'),
      ),
    ).toBe('slept')
  })

  it('settle promises that are rejected', async () => {
    await expect(
      runAllUntilSettled(
        context.clock,
        sleep(10).then(() => Promise.reject(new Error('woke up'))),
      ),
    ).rejects.toThrow('woke up')
  })
})
