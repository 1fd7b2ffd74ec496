import { LRUCache } from 'lru-cache'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Patience } from '../../src/feeds/patience'
import { Waiters } from '../../src/feeds/waiters'
import { type Bound, overflowed, overflowing } from '../../src/metrics/bounds'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { BurstRateLimiter } from '../../src/outbound-http/burst-rate-limiter'
import { Origins } from '../../src/outbound-http/origins'
import { ProviderPause } from '../../src/outbound-http/provider-pause'
import { parseSamples, sampleValue } from '../../src/testing/samples'
import { Requests } from '../../src/transports/websocket/batches/batch-requests'
import { AdapterRateLimitError } from '../../src/validation/errors'
import { filesBelow, read } from '../helpers/repository'

beforeEach(() => {
  metrics.initialize()
  metrics.get('boundsOverflow').reset()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.clearAllTimers()
  vi.useRealTimers()
})

const counted = async (bound: Bound) =>
  sampleValue(parseSamples(await renderMetrics()), 'bounds_overflow_total', { bound })

describe('what has no room in a list with a limit', () => {
  it('is counted when a client cannot wait, and not before', async () => {
    const waiters = new Waiters<number>()
    for (let n = 0; n < 100_000; n++) void waiters.wait(`k${n}`, 1_000)
    expect(await counted('waiting_clients')).toBeUndefined()
    expect(await waiters.wait('one more', 1_000)).toBeUndefined()
    expect(await counted('waiting_clients')).toBe(1)
  })

  it('is counted when the request of a batch is forgotten', async () => {
    const requests = new Requests()
    for (let id = 0; id < 1_003; id++) requests.add(id, ['A'])
    expect(await counted('batch_requests')).toBe(3)
  })

  it('is counted when a host shares the state of others', async () => {
    const origins = new Origins(() => new ProviderPause({ maxWaiters: 1, overflow: () => new Error('full') }))
    for (let n = 0; n < 1_002; n++) origins.of({ url: `http://host${n}/` })
    expect(await counted('provider_hosts')).toBe(2)
    origins.stop()
  })

  it('is counted when a host takes the place of one that was not asked for five minutes', () => {
    const made: string[] = []
    const origins = new Origins((name) => {
      made.push(name)
      return new ProviderPause({ maxWaiters: 1, overflow: () => new Error('full') })
    })
    const ask = (n: number) => origins.of({ url: `http://host${n}/` })
    for (let n = 0; n < 1_000; n++) ask(n)
    vi.advanceTimersByTime(300_000)
    for (let n = 1; n < 1_000; n++) ask(n)
    const { pause } = ask(1_000)
    expect([made.length, made.at(-1)]).toEqual([1_001, 'http://host1000'])
    expect(ask(1_000).pause).toBe(pause)
    expect(ask(0).pause).toBe(ask(2_000).pause)
    expect(origins.names).toHaveLength(1_001)
    origins.stop()
  })

  it('is counted when a request of an author waits no longer for the rate limiter', async () => {
    const limiter = new BurstRateLimiter().initialize([], { rateLimit1h: 1 })
    await limiter.waitForRateLimit()
    const refused: unknown[] = []
    for (let n = 0; n < 10_002; n++)
      limiter.waitForRateLimit().catch((error: unknown) => void refused.push(error))
    await vi.advanceTimersByTimeAsync(0)
    expect(refused.map((error) => error instanceof AdapterRateLimitError)).toEqual([true, true])
    expect(await counted('rate_limit_waiters')).toBe(2)
    limiter.stop()
  })

  it('is counted when an error is not held back', async () => {
    const patience = new Patience(1_000, () => {})
    for (let n = 0; n < 50_001; n++) patience.begin(`feed ${n}`)
    expect(await counted('composite_feeds')).toBe(1)
    patience.stop()
  })

  it('is counted when something newer takes the place of a remembered request, and not when it is replaced or removed', async () => {
    const memo = new LRUCache<string, number>({ max: 2, dispose: overflowing('remembered_requests') })
    memo.set('a', 1).set('a', 2).set('b', 3)
    memo.delete('a')
    expect(await counted('remembered_requests')).toBeUndefined()
    memo.set('c', 4).set('d', 5)
    expect(await counted('remembered_requests')).toBe(1)
  })

  it('does not fail where metrics were never created', () => {
    expect(() => overflowed('known_feeds')).not.toThrow()
  })
})

describe('docs/bounds.md', () => {
  it('has each list that is counted, and none that is not', () => {
    const [, union = ''] = /type Bound =([^]*?)\n\n/.exec(read('src/metrics/bounds.ts')) ?? []
    const bounds = [...union.matchAll(/'(\w+)'/g)].map(([, bound]) => bound!).sort()
    const rows = read('docs/bounds.md').split('\n')
    const named = rows.flatMap((row) => [...row.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, name]) => name!))
    const metricNames = read('test/metrics/definitions.test.ts')
    const documented = new Set(named.filter((name) => !metricNames.includes(` ${name} `)))
    expect([...documented].sort()).toEqual(bounds)
    const code = filesBelow('src', /\.ts$/).map(read).join('\n')
    const counted = /\boverflow(?:ed|ing)\('(\w+)'|\bbound: '(\w+)'/g
    const used = new Set([...code.matchAll(counted)].map(([, one, other]) => (one ?? other)!))
    expect([...used].sort()).toEqual(bounds)
  })
})
