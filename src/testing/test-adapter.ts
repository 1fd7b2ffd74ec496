import { type FastifyInstance, type LightMyRequestResponse as Response } from 'fastify'
import { type Adapter } from '../adapter/adapter'
import { type Cache } from '../feeds/cache'
import { type AdapterResponse, type PartialAdapterResponse } from '../feeds/responses'
import { type SettingsDefinitionMap } from '../config/settings'
import { renderMetrics } from '../metrics/render'
import { startAdapter } from '../service/started-adapter'
import { type AdapterDependencies } from '../transports/transport'
import { assertEqualResponses, type Assertions } from './assertions'
import { MockCache } from './mock-cache'
import { keepPace } from './pace'
import { type InstalledTestClock, runAllUntil, waitUntilResolved } from './test-clock'
import { TestMetrics } from './test-metrics'

/** The object that holds a test's clock, and gets its adapter: the `t.context` of ava, or any other. */
export interface TestContext {
  clock?: InstalledTestClock
  /** `start` writes the adapter here, and replaces what was here. */
  testAdapter?: unknown
}

type Expected = PartialAdapterResponse & { statusCode: number }

/** An adapter that was started for a test, without listening (contract 15). */
export class TestAdapter<T extends SettingsDefinitionMap = SettingsDefinitionMap> {
  /** Set if the adapter uses a {@link MockCache}. */
  mockCache?: MockCache

  constructor(
    public api: FastifyInstance,
    public adapter: Adapter<T>,
    public metricsApi?: FastifyInstance,
    public clock?: InstalledTestClock,
    cache?: Cache,
  ) {
    if (cache instanceof MockCache) this.mockCache = cache
  }

  /** Starts an adapter with a {@link MockCache}, unless the dependencies have another cache. */
  static async startWithMockedCache<T extends SettingsDefinitionMap = SettingsDefinitionMap>(
    adapter: Adapter<T>,
    context: TestContext,
    dependencies?: Partial<AdapterDependencies>,
  ): Promise<TestAdapter<T> & { mockCache: MockCache }> {
    const { CACHE_MAX_ITEMS } = adapter.settings
    const cache = dependencies?.cache ?? new MockCache(CACHE_MAX_ITEMS)
    const testAdapter = await TestAdapter.start(adapter, context, { ...dependencies, cache })
    return testAdapter as TestAdapter<T> & { mockCache: MockCache }
  }

  /**
   * Starts an adapter, and writes the test adapter into the context.
   *
   * @throws Error when the adapter serves no requests (`EA_MODE=writer`), and whatever starting throws
   */
  static async start<T extends SettingsDefinitionMap = SettingsDefinitionMap>(
    adapter: Adapter<T>,
    context: TestContext,
    dependencies?: Partial<AdapterDependencies>,
  ): Promise<TestAdapter<T>> {
    const cache = dependencies?.cache
    adapter.givesReasons = false
    adapter.isCourteous = false
    if (context.clock !== undefined) {
      keepPace(adapter)
      if (cache instanceof MockCache) cache.waiters.keepsPace = true
    }
    const { api, metricsApi } = await startAdapter(adapter, dependencies)
    if (api === undefined) throw new Error('EA was not able to start properly')
    const testAdapter = new TestAdapter(api, adapter, metricsApi, context.clock, cache)
    context.testAdapter = testAdapter
    return testAdapter
  }

  /** Sends a request. A fake clock is moved until the answer is there. */
  async request(data?: object, headers?: Record<string, string>): Promise<Response> {
    const ask = () =>
      this.api.inject({
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/json', ...headers },
        payload: JSON.stringify({ data }),
      })
    return this.clock === undefined ? ask() : waitUntilResolved(this.clock, ask)
  }

  /** Sends a request that gets a 504, moves the clock until the cache is filled, sends it again and checks the answer. */
  async startBackgroundExecuteThenGetResponse(
    t: Assertions,
    params: { requestData: object; expectedResponse?: Expected; expectedCacheSize?: number },
  ): Promise<Response> {
    this.clockAndCache('startBackgroundExecuteThenGetResponse')
    const missed = await this.request(params.requestData)
    t.is(missed.statusCode, 504)
    await this.waitForCache(params.expectedCacheSize)
    const response = await this.request(params.requestData)
    if (params.expectedResponse === undefined) t.is(response.statusCode, 200)
    else assertEqualResponses(t, response.json<AdapterResponse>(), params.expectedResponse)
    return response
  }

  /** Moves the clock until the cache holds at least so many values. */
  async waitForCache(expectedSize = 1): Promise<void> {
    const { clock, cache } = this.clockAndCache('waitForCache')
    await runAllUntil(clock, () => cache.cache.size >= expectedSize)
  }

  /** @throws Error when the adapter was started without metrics */
  async getMetrics(): Promise<TestMetrics> {
    if (this.metricsApi === undefined) throw new Error('The adapter was started without metrics')
    return new TestMetrics(await renderMetrics())
  }

  async getHealth(): Promise<Response> {
    return this.api.inject({ url: '/health' })
  }

  private clockAndCache(method: string): { clock: InstalledTestClock; cache: MockCache } {
    const { clock, mockCache: cache } = this
    if (clock === undefined || cache === undefined)
      throw new Error(`"${method}" needs a fake clock in the context and a mocked cache`)
    return { clock, cache }
  }
}
