import { describe, expectTypeOf, it } from 'vitest'
import { type Adapter, type AdapterEndpoint, AdapterEndpoint as Endpoint } from '../../src/public/adapter'
import { type Clock } from '@sinonjs/fake-timers'
import { type FastifyInstance } from 'fastify'
import { LocalCache } from '../../src/public/cache/local'
import { type SettingsDefinitionFromConfig } from '../../src/public/config'
import { LoggerFactoryProvider } from '../../src/public/util'
import {
  assertEqualResponses,
  makeStub,
  type MockCache,
  NopTransport,
  type NopTransportTypes,
  runAllUntilSettled,
  TestAdapter,
  type TestMetrics,
} from '../../src/public/util/testing-utils'

/** As ava types its `t`, in short. */
interface Ava<Context> {
  context: Context
  is: {
    <Actual, Expected extends Actual>(
      actual: Actual,
      expected: Expected,
      message?: string,
    ): actual is Expected
    skip(actual: unknown, expected: unknown, message?: string): void
  }
  deepEqual: {
    <Actual, Expected extends Actual>(
      actual: Actual,
      expected: Expected,
      message?: string,
    ): actual is Expected
    skip(actual: unknown, expected: unknown, message?: string): void
  }
  fail: { (message?: string): never; skip(message?: string): void }
}

declare const adapter: Adapter<{ KEY: { description: string; type: 'string' } }>
declare const t: Ava<{ testAdapter: TestAdapter }>
declare const metrics: TestMetrics
declare const clock: Clock
declare const log: (...args: unknown[]) => void

/** Never called: it has to compile. */
export const asInTests = async () => {
  const own = await TestAdapter.startWithMockedCache(adapter, { testAdapter: {} })
  const kept: Pick<TestAdapter, 'request' | 'waitForCache' | 'mockCache'> = own
  await TestAdapter.start(adapter, t.context, { cache: own.mockCache })
  await TestAdapter.start(adapter, {})
  type Own = TestAdapter<SettingsDefinitionFromConfig<typeof adapter.config>>
  const typed: Own[] = [
    await TestAdapter.startWithMockedCache(adapter, {}),
    await TestAdapter.startWithMockedCache(adapter, { clock }),
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- as tests write it
    await TestAdapter.startWithMockedCache(adapter, { clock, testAdapter: {} as TestAdapter<never> }),
    await TestAdapter.startWithMockedCache(adapter, { testAdapter: undefined }, { cache: new LocalCache(9) }),
  ]
  await TestAdapter.start(adapter, { testAdapter: typed[0] })
  LoggerFactoryProvider.set({
    child: () => ({ fatal: log, error: log, warn: log, info: log, debug: log, trace: log }),
  })
  await own.startBackgroundExecuteThenGetResponse(t, {
    requestData: {},
    expectedResponse: { result: 1, data: null, statusCode: 200 },
  })
  assertEqualResponses(t, (await kept.request()).json(), { result: 1, data: null, statusCode: 200 })
  metrics.assert(t, { name: 'x', labels: { a: 'b' }, expectedValue: 1 })
  // @ts-expect-error -- a clock is more than a number
  await runAllUntilSettled(5, Promise.resolve())
  // @ts-expect-error -- an expected response has a status
  assertEqualResponses(t, (await kept.request()).json(), { result: 1, data: null })
  return own
}

describe('the types of the testing utilities', () => {
  it('know the cache, the server and the settings', () => {
    type Started = Awaited<ReturnType<typeof asInTests>>
    expectTypeOf<Started['mockCache']>().toEqualTypeOf<MockCache>()
    expectTypeOf<TestAdapter['mockCache']>().toEqualTypeOf<MockCache | undefined>()
    expectTypeOf<Started['api']>().toEqualTypeOf<FastifyInstance>()
    expectTypeOf<Started['adapter']['config']['settings']['KEY']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<MockCache['waitForNextSet']>().returns.resolves.toBeUnknown()
  })

  it('let a transport that does nothing stand in an endpoint, and a subclass answer', () => {
    expectTypeOf(new Endpoint({ name: 'nop', transport: new NopTransport() })).toEqualTypeOf<
      AdapterEndpoint<NopTransportTypes>
    >()
  })

  it('leave a stub its type', () => {
    expectTypeOf(makeStub('x', { a: { b: 1 } })).toEqualTypeOf<{ a: { b: number } }>()
  })
})
