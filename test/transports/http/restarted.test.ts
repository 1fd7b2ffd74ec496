import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lateThrows } from '../../../src/service/rejections'
import { serve } from '../../../src/testing/serve'
import { asyncLocalStorage } from '../../../src/util/logging'
import { OwnedStore } from '../../../src/util/owner'
import { type Answer, httpAdapter, httpProvider, oneByOne } from './support'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const silent = () => {}
const logger = { info: silent, debug: silent, trace: silent, warn: silent, error: silent, fatal: silent }
const ETH = { base: 'ETH' }
/** An adapter that failed for the first time begins again after this at the latest. */
const BEGINS_AGAIN_MS = 1_000
/** For longer than any request may take, or waits between two attempts. */
const LONG_MS = 60_000

/** An adapter whose provider answers its requests one by one, as the test says, and which a mistake of its author can restart. */
const rig = async (answer: (n: number) => Answer | Promise<Answer>, more: object = {}) => {
  const provider = await httpProvider((_path, n) => answer(n))
  const config = { ...oneByOne(provider.url), ...more }
  const rateLimiting = { tiers: { free: { rateLimit1s: 50 } } }
  const service = await serve(() => httpAdapter(config, { rateLimiting }), {
    env: {
      CACHE_POLLING_MAX_RETRIES: '0',
      CACHE_MAX_AGE: String(LONG_MS),
      API_TIMEOUT: String(LONG_MS),
      RETRY: '1',
      REQUESTER_SLEEP_BEFORE_REQUEUEING_MS: String(LONG_MS),
    },
    dependencies: { loggerFactory: { child: () => logger } },
  })
  /** Until it is so, or for a second: in steps in which all may react. */
  const until = async (isSo: () => boolean | Promise<boolean>) => {
    for (let steps = 0; steps < 100 && !(await isSo()); steps++) {
      await vi.advanceTimersByTimeAsync(10)
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const store = new OwnedStore('late', service.adapter.name)
  return {
    provider,
    until,
    result: async () => (await service.post(ETH)).json.result as unknown,
    refused: () =>
      service.adapter.endpoints[0]!.responseCache!.refusalsOf('default_single_transport').count('given-up'),
    fail: () =>
      asyncLocalStorage.run(store, () => lateThrows.hear(new Error('nobody hears this'), 'rejection')),
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  }
}

const held = () => {
  let release: (answer: Answer) => void = silent
  return {
    answer: new Promise<Answer>((resolve) => (release = resolve)),
    release: (of: Answer) => release(of),
  }
}

describe('IS-4, CN-10: a request that was under way when its adapter begins again', () => {
  it.each([
    ['waits for its answer', () => new Promise<Answer>(() => {})],
    ['waits for its next attempt', () => ({ status: 500 })],
    [
      'waits for the pause that its provider asked for',
      () => ({ status: 429, headers: { 'retry-after': '2' } }),
    ],
  ])('is given up where it %s, and its feed is asked for anew', async (_where, first) => {
    await using of = await rig((n) => (n === 1 ? first() : { body: { price: n } }))
    await of.result()
    await of.until(() => of.provider.asked.length > 0)
    of.fail()
    await vi.advanceTimersByTimeAsync(BEGINS_AGAIN_MS)
    for (let seconds = 0; seconds < 3; seconds++)
      await of.until(async () => (await of.result()) !== undefined)
    expect(await of.result()).toBeGreaterThan(1)
    expect(of.refused()).toBe(0)
  })

  it('says nothing when its answer comes after all', async () => {
    const { answer, release } = held()
    await using of = await rig((n) => (n === 1 ? answer : { body: { price: n } }))
    await of.result()
    await of.until(() => of.provider.asked.length > 0)
    of.fail()
    release({ status: 404 })
    await of.until(() => false)
    await of.until(async () => (await of.result()) !== undefined)
    expect(await of.result()).toBeGreaterThan(1)
    expect(of.refused()).toBe(0)
  })

  it('is not sent by the run of before, which has waited for a credential', async () => {
    const issued: ((value: { value: string }) => void)[] = []
    const fetch = () => new Promise<{ value: string }>((resolve) => issued.push(resolve))
    await using of = await rig((n) => ({ body: { price: n } }), { credential: { fetch } })
    await of.result()
    await of.until(() => issued.length > 0)
    of.fail()
    issued[0]!({ value: 'key' })
    await of.until(() => false)
    await of.until(async () => (await of.result()) !== undefined)
    expect(await of.result()).toBeGreaterThan(0)
    expect(of.refused()).toBe(0)
  })
})
