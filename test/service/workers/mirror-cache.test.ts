import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AdapterResponse } from '../../../src/feeds/responses'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { Backlog } from '../../../src/service/workers/backlog'
import { MirrorCache } from '../../../src/service/workers/mirror-cache'
import { PublishedCache } from '../../../src/service/workers/published-cache'
import { instant } from '../../../src/util/clock'

const NOW = 1_700_000_000_000

const success = (result: number, timeUnixMs?: number) =>
  ({
    result,
    data: { result },
    statusCode: 200,
    timestamps: { providerDataReceivedUnixMs: NOW, providerIndicatedTimeUnixMs: timeUnixMs },
  }) as unknown as AdapterResponse

const failure = (errorMessage: string) =>
  ({ errorMessage, statusCode: 502, timestamps: {} }) as unknown as AdapterResponse

/** As text, without the reason that an error gets when it is sent on. */
const bare = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify({ ...(value as object), reason: undefined })

/** A writer's cache and a worker's copy of it. */
class Pair {
  readonly mirror: MirrorCache
  writer!: PublishedCache<AdapterResponse>
  private backlog!: Backlog
  private session = 0

  constructor(private readonly capacity = 100) {
    this.mirror = new MirrorCache(capacity)
    this.replaceWriter()
  }

  replaceWriter(): void {
    this.session++
    this.writer = new PublishedCache('ACME', this.capacity, (source, key) => this.backlog.add(source, key))
    this.reconnect()
  }

  reconnect(): void {
    this.backlog = new Backlog([this.writer])
    this.mirror.begin(String(this.session))
    this.publish()
    this.mirror.complete()
  }

  publish(): void {
    for (let batch = this.backlog.take(); batch !== undefined; batch = this.backlog.take())
      for (const entry of batch.entries) this.mirror.apply(entry, instant())
  }

  write(key: string, value: AdapterResponse, ttl = 10_000): void {
    this.writer.store(key, value, ttl, instant())
    this.publish()
  }
}

beforeEach(() => {
  LoggerFactoryProvider.set()
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a copy of the cache of a writer', () => {
  it('CA-2: has what was written, until the very millisecond at which it ends there', async () => {
    const pair = new Pair()
    pair.write('k', success(1))
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 1 })
    expect(await pair.mirror.get('k')).toMatchObject({ result: 1 })
    vi.setSystemTime(NOW + 9_999)
    expect(pair.mirror.read('k')).toBeDefined()
    vi.setSystemTime(NOW + 10_000)
    expect(pair.mirror.read('k')).toBeUndefined()
  })

  it('has the text of a response as the writer made it', () => {
    const pair = new Pair()
    pair.write('k', success(1))
    expect(pair.mirror.read('k')?.body).toBe(JSON.stringify(success(1)))
  })

  it('ER-6: wakes whoever waits for a value, also for one that has just ended', async () => {
    const pair = new Pair()
    const first = pair.mirror.waiters.wait('k', 60_000)
    pair.write('k', success(1))
    expect(await first).toMatchObject({ result: 1 })
    // The same text again, after the copy has ended unseen.
    vi.setSystemTime(NOW + 10_000)
    const second = pair.mirror.waiters.wait('k', 60_000)
    pair.write('k', success(1))
    expect(await second).toMatchObject({ result: 1 })
  })

  it('CA-2: ends a value when its life is made shorter there', () => {
    const pair = new Pair()
    pair.write('k', success(1))
    pair.writer.shorten('k', 5)
    pair.publish()
    vi.setSystemTime(NOW + 4)
    expect(pair.mirror.read('k')).toBeDefined()
    vi.setSystemTime(NOW + 5)
    expect(pair.mirror.read('k')).toBeUndefined()
  })

  it('has errors like values', () => {
    const pair = new Pair()
    pair.write('k', failure('no'))
    expect(pair.mirror.read('k')?.value).toMatchObject({ errorMessage: 'no', statusCode: 502 })
    pair.write('k', success(2))
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 2 })
    pair.write('k', failure('later'))
    // contract 17.4: an error never replaces a live success
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 2 })
  })

  it('CA-1: whatever is done to the one, the other has the same in the end, at every time', () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const ttl = fc.integer({ min: 1, max: 50 })
    const step = fc.oneof(
      fc.record({ type: fc.constant('store' as const), key, ttl, result: fc.nat({ max: 5 }) }),
      fc.record({ type: fc.constant('fail' as const), key, ttl }),
      fc.record({ type: fc.constant('ttl' as const), key, ttl }),
      fc.record({ type: fc.constant('delete' as const), key }),
      fc.record({ type: fc.constant('pass' as const), ms: ttl }),
      fc.record({ type: fc.constant('publish' as const) }),
      fc.record({ type: fc.constant('reconnect' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        vi.setSystemTime(NOW)
        const pair = new Pair()
        for (const one of steps) {
          const now = instant()
          if (one.type === 'store') pair.writer.store(one.key, success(one.result), one.ttl, now)
          else if (one.type === 'fail') pair.writer.store(one.key, failure('no'), one.ttl, now)
          else if (one.type === 'ttl') void pair.writer.setTTL(one.key, one.ttl)
          else if (one.type === 'delete') void pair.writer.delete(one.key)
          else if (one.type === 'pass') vi.setSystemTime(now.unixMs + one.ms)
          else if (one.type === 'publish') pair.publish()
          else pair.reconnect()
          for (const name of ['a', 'b', 'c']) {
            const { expirationTimestamp = Infinity } = pair.mirror.read(name) ?? {}
            expect(expirationTimestamp).toBeGreaterThan(Date.now())
          }
        }
        pair.publish()
        for (const name of ['a', 'b', 'c']) {
          const [theirs, ours] = [pair.writer.read(name), pair.mirror.read(name)]
          expect(ours?.expirationTimestamp).toBe(theirs?.expirationTimestamp)
          expect(bare(ours?.value)).toBe(bare(theirs?.value))
          expect(ours?.body && bare(JSON.parse(ours.body))).toBe(bare(theirs?.value))
        }
      }),
    )
  })

  it('forgets after a break what the same writer has deleted meanwhile', () => {
    const pair = new Pair()
    pair.write('kept', success(1))
    pair.write('deleted', success(2))
    // Behind the back of the backlog: the change was lost with the connection.
    pair.writer.cache.delete('deleted')
    pair.reconnect()
    expect(pair.mirror.read('kept')?.value).toMatchObject({ result: 1 })
    expect(pair.mirror.read('deleted')).toBeUndefined()
  })

  it('IS-2: is as it was after a body that is no JSON', () => {
    const pair = new Pair()
    pair.write('k', success(1))
    expect(() => pair.mirror.apply(['k', NOW + 5_000, Infinity, '{'], instant())).toThrow(SyntaxError)
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 1 })
  })
})

describe('after another writer took over', () => {
  it('FR-1: what the last one wrote is served until it ends, and not a millisecond longer', () => {
    const pair = new Pair()
    pair.write('k', success(1))
    pair.replaceWriter()
    vi.setSystemTime(NOW + 9_999)
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 1 })
    vi.setSystemTime(NOW + 10_000)
    expect(pair.mirror.read('k')).toBeUndefined()
  })

  it('17.4: an error of the new one waits until what the last one wrote has ended', () => {
    const pair = new Pair()
    pair.write('k', success(1))
    pair.replaceWriter()
    vi.setSystemTime(NOW + 1)
    pair.write('k', failure('no connection'), 20_000)
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 1 })
    vi.setSystemTime(NOW + 10_000)
    expect(pair.mirror.read('k')?.value).toMatchObject({ errorMessage: 'no connection' })
    vi.setSystemTime(NOW + 20_001)
    expect(pair.mirror.read('k')).toBeUndefined()
  })

  it('TM-1: a value of an earlier time waits as well, and one of a later time does not', () => {
    const pair = new Pair()
    pair.write('k', success(1, NOW))
    pair.replaceWriter()
    pair.write('k', success(2, NOW - 1), 20_000)
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 1 })
    pair.write('k', success(3, NOW + 1))
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 3 })
    // From here on it is this writer's, which decides by itself.
    pair.write('k', success(4, NOW))
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 4 })
  })

  it('what waits is what the writer has last, and nothing when it has nothing', () => {
    const pair = new Pair()
    pair.write('k', success(1, NOW))
    pair.replaceWriter()
    pair.write('k', failure('first'), 20_000)
    pair.write('k', failure('second'), 20_000)
    void pair.writer.setTTL('k', 15_000)
    pair.publish()
    vi.setSystemTime(NOW + 10_000)
    expect(pair.mirror.read('k')).toMatchObject({
      value: { errorMessage: 'second' },
      expirationTimestamp: NOW + 15_000,
    })
    pair.replaceWriter()
    pair.write('k', success(2, NOW))
    pair.replaceWriter()
    pair.write('k', failure('third'), 20_000)
    void pair.writer.delete('k')
    pair.publish()
    vi.setSystemTime(NOW + 20_000)
    expect(pair.mirror.read('k')).toBeUndefined()
  })

  it('RS-1: no more waits than there is room for', () => {
    const pair = new Pair(10)
    for (let at = 0; at < 10; at++) pair.write(`k${at}`, success(at))
    pair.replaceWriter()
    for (let at = 0; at < 10; at++) pair.write(`k${at}`, failure('no'), 20_000)
    expect(pair.mirror.cache.size).toBe(10)
    vi.setSystemTime(NOW + 10_000)
    for (let at = 0; at < 10; at++)
      expect(pair.mirror.read(`k${at}`)?.value).toMatchObject({ errorMessage: 'no' })
  })
})

describe('a value that cannot be sent', () => {
  it.each([
    ['has no JSON', { result: 1n } as unknown as AdapterResponse],
    ['is far too long', success('x'.repeat(17 * 1024 * 1024) as unknown as number)],
  ])('%s: is served by no worker, nor an older one in its place, and the next one is', (_name, value) => {
    const pair = new Pair()
    pair.write('k', success(1))
    pair.write('k', value)
    expect(pair.mirror.read('k')).toBeUndefined()
    pair.write('k', success(2))
    expect(pair.mirror.read('k')?.value).toMatchObject({ result: 2 })
  })
})
