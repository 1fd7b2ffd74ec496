import { install } from '@sinonjs/fake-timers'
import { axios } from '../../helpers/axios'
import nock from 'nock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestAdapter, type TestContext } from '../../../src/testing/test-adapter'
import { withEnv, type ChangedEnv } from '../../../src/testing/env'
import { httpAdapter, inBatches, oneByOne } from './support'

const HOST = 'http://provider.example'

/** What the versions of that library fake by default that adapters use. */
const FAKED: NonNullable<Parameters<typeof install>[0]>['toFake'] = [
  'setTimeout',
  'clearTimeout',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'Date',
  'hrtime',
  'performance',
]

let clock: ReturnType<typeof install>
let env: ChangedEnv
let context: Partial<TestContext>

beforeAll(() => nock.disableNetConnect())
afterAll(() => {
  nock.enableNetConnect()
  nock.restore()
})

beforeEach(() => {
  env = withEnv({ METRICS_ENABLED: 'false', EA_PORT: '0' })
  // contract 16.2: as adapters' tests install it, before they start the adapter
  clock = install({ toFake: FAKED })
  context = { clock }
})

afterEach(async () => {
  clock.uninstall()
  vi.restoreAllMocks()
  await (context.testAdapter as TestAdapter | undefined)?.api.close()
  env.restore()
  nock.cleanAll()
})

/** As adapters' tests do: the sockets are real, and fake time may run out before they have done their part. */
const answered = async (testAdapter: TestAdapter, data: object) => {
  for (let tries = 0; tries < 50; tries++) {
    const response = await testAdapter.request(data)
    if (response.statusCode !== 504) return response
  }
  throw new Error('Never answered')
}

describe('on a fake clock, with nock (contract 16.2)', () => {
  it('answers as soon as the provider has', async () => {
    nock(HOST).get('/ETH').reply(200, { price: 5 }).persist()
    const testAdapter = await TestAdapter.startWithMockedCache(httpAdapter(oneByOne(HOST)), context)
    const response = await answered(testAdapter, { base: 'ETH' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: 5, statusCode: 200 })
    expect(testAdapter.mockCache.cache.size).toBe(1)
  })

  it('keeps to the rate limit, which fake time alone moves', async () => {
    const asked: number[] = []
    const request = axios.request.bind(axios)
    vi.spyOn(axios, 'request').mockImplementation((config) => {
      asked.push(clock.now)
      return request(config)
    })
    nock(HOST)
      .get('/batch')
      .query(true)
      .reply(200, (path) => {
        const bases = new URL(path, HOST).searchParams.get('bases')!.split(',')
        return Object.fromEntries(bases.map((base) => [base, bases.length]))
      })
      .persist()
    const rateLimiting = { tiers: { free: { rateLimit1m: 6 } } }
    const testAdapter = await TestAdapter.startWithMockedCache(
      httpAdapter(inBatches(HOST), { rateLimiting }),
      context,
    )
    expect((await answered(testAdapter, { base: 'ETH' })).json()).toMatchObject({ result: 1 })
    const before = asked.length
    expect((await answered(testAdapter, { base: 'BTC' })).statusCode).toBe(200)
    while (asked.length < before + 3) await clock.nextAsync()
    const gaps = asked.slice(1).map((at, n) => at - asked[n]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000)
  })

  it('takes a rate limit away that a test takes away before the start (contract 16.5)', async () => {
    nock(HOST).get('/ETH').reply(200, { price: 1 }).get('/BTC').reply(200, { price: 2 }).persist()
    const adapter = httpAdapter(oneByOne(HOST), { rateLimiting: { tiers: { free: { rateLimit1h: 1 } } } })
    adapter.rateLimiting = undefined
    const testAdapter = await TestAdapter.startWithMockedCache(adapter, context)
    expect((await answered(testAdapter, { base: 'ETH' })).json()).toMatchObject({ result: 1 })
    expect((await answered(testAdapter, { base: 'BTC' })).json()).toMatchObject({ result: 2 })
  })

  it('caches an error of the provider', async () => {
    nock(HOST).get('/ETH').reply(404, { reason: 'unknown' }).persist()
    const testAdapter = await TestAdapter.startWithMockedCache(httpAdapter(oneByOne(HOST)), context)
    const response = await answered(testAdapter, { base: 'ETH' })
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchObject({
      errorMessage: 'Provider request failed with status 404: {"reason":"unknown"}',
    })
  })
})
