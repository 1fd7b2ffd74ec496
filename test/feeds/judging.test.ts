import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Admission } from '../../src/feeds/admission'
import { Feed } from '../../src/feeds/feed'
import { type Finding, type Inspector } from '../../src/feeds/inspector'
import { Judging } from '../../src/feeds/judging'
import { LOCAL_LAYER, LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { instant, monotonicMs } from '../../src/util/clock'
import { Witness } from '../../src/util/our-time'

const T = 'rest'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

const valueOf = (result: number, indicated?: number): AdapterResponse => ({
  result,
  data: { result },
  statusCode: 200,
  timestamps: {
    providerDataStreamEstablishedUnixMs: 1,
    providerDataReceivedUnixMs: Date.now(),
    providerIndicatedTimeUnixMs: indicated,
  },
})
const ERROR = { errorMessage: 'down', statusCode: 502 } as unknown as AdapterResponse

/** A cache somewhere else, with a layer in this process. */
class LayeredCache extends LocalCache<AdapterResponse> {
  readonly [LOCAL_LAYER] = new LocalCache<AdapterResponse>(10)

  override get(key: string) {
    return super.get(key)
  }
}

/** A judge whose inspector says what the test wants, and what he has counted. */
const judging = (cache: LocalCache<AdapterResponse> = new LocalCache(10)) => {
  const said = {
    finding: undefined as Finding | undefined,
    isForWantedOnly: false,
    compares: true,
    holdMs: undefined as number | undefined,
    freshness: undefined as object | undefined,
    staleness: undefined as { text: string } | undefined,
    reconsidered: undefined as object | undefined,
  }
  const inspect = vi.fn((..._: unknown[]) => said.finding)
  const inspector = {
    get isForWantedOnly() {
      return said.isForWantedOnly
    },
    compares: () => said.compares,
    inspect,
    holdMs: () => said.holdMs,
    freshnessOf: () => said.freshness,
    staleness: () => said.staleness,
    reconsider: () => said.reconsidered,
    extensionMs: (_feed: Feed, _value: AdapterResponse, ttl: number) => ttl / 2,
    lifetimeMs: (_feed: Feed, _value: AdapterResponse, ttl: number) => Math.min(ttl, 700),
  } as unknown as Inspector
  const counted: unknown[] = []
  const counter = (kind: string) => (transportName: string) => ({
    add: (reason: string, detail: () => unknown) => counted.push([kind, transportName, reason, detail()]),
  })
  const judge = new Judging(
    { cache, refusalsOf: counter('refused'), reportsOf: counter('reported') } as never,
    inspector,
  )
  const feed = new Feed('key', 'feed id', 'price', undefined, new Witness(), 'ETH/USD')
  const accept = (value: AdapterResponse, admission?: Partial<Admission>) =>
    judge.accept(T, feed, value, instant(), admission as Admission | undefined)
  const standard = () => inspect.mock.lastCall?.[2]
  return { judge, said, feed, counted, accept, standard, cache }
}

const refusal = (reason: string, text = 'because') => ({ isServed: false, reason, text }) as Finding
const report = (reasons: string[], flags?: string[]) => ({ isServed: true, reasons, flags }) as Finding

describe('a value', () => {
  it('that nothing is wrong with ends what was wrong before', () => {
    const { accept, feed, counted } = judging()
    feed.accepted(['jump'])
    feed.refusal = { code: 'REFUSED_VALUE', message: 'before', sinceUnixMs: 1 }
    feed.heldUntilMs = 5
    expect(accept(valueOf(5))).toBe(true)
    expect([feed.refusal, feed.flags, feed.heldUntilMs, counted]).toEqual([
      undefined,
      undefined,
      undefined,
      [],
    ])
  })

  it('that is served in spite of something is counted for each reason, and keeps its flags', () => {
    const { accept, said, feed, counted } = judging()
    said.finding = report(['jump', 'frozen'], ['jump'])
    const value = valueOf(5)
    expect(accept(value)).toBe(true)
    const detail = { feed: 'feed id', result: 5, timestamps: value.timestamps }
    expect(counted).toEqual([
      ['reported', T, 'jump', detail],
      ['reported', T, 'frozen', detail],
    ])
    expect(feed.flags).toEqual(['jump'])
  })

  it.each([
    ['too-old', 'STALE_VALUE'],
    ['jump', 'REFUSED_VALUE'],
  ])('that is refused as %s is counted, and named since the first', async (reason, code) => {
    const { accept, said, feed, counted } = judging()
    const since = Date.now()
    said.finding = refusal(reason, 'first')
    expect(accept(valueOf(5, 7))).toBe(false)
    await pass(1_000)
    said.finding = refusal(reason, 'second')
    accept(valueOf(6, 8))
    expect(feed.refusal).toEqual({ code, message: 'second', sinceUnixMs: since })
    expect([feed.refused, feed.acceptedAsOf]).toEqual([2, NaN])
    expect(counted).toMatchObject([
      ['refused', T, reason, { feed: 'feed id', result: 5 }],
      ['refused', T, reason, { feed: 'feed id', result: 6 }],
    ])
  })

  it('that nobody asked for is refused where only such are taken, without a look at it', () => {
    const { judge, accept, said, feed, counted, standard } = judging()
    said.isForWantedOnly = true
    expect(accept(valueOf(5))).toBe(true)
    let isWanted = true
    judge.setWanted(T, (key) => key === 'key' && isWanted)
    expect(accept(valueOf(5))).toBe(true)
    isWanted = false
    judge.setWanted('another', () => true)
    said.finding = report(['never asked'])
    expect(accept(valueOf(5))).toBe(false)
    expect(feed.refusal).toMatchObject({
      code: 'REFUSED_VALUE',
      message: 'The last value was refused: unwanted',
    })
    expect(counted).toMatchObject([['refused', T, 'unwanted', {}]])
    said.isForWantedOnly = false
    said.finding = undefined
    expect(accept(valueOf(5))).toBe(true)
    expect(standard()).toBeDefined()
  })

  it('that is an error is taken as it is, unless the feed is withdrawn', () => {
    const { accept, said, feed, judge } = judging()
    said.finding = refusal('jump')
    expect(accept(ERROR)).toBe(true)
    expect(judge.isOutOfLimits(feed, ERROR, instant())).toBe(false)
    feed.rule = { withdrawal: undefined } as never
    expect([accept(ERROR), judge.isOutOfLimits(feed, ERROR, instant())]).toEqual([true, false])
    feed.rule = { withdrawal: 'gone' } as never
    expect([accept(ERROR), judge.isOutOfLimits(feed, ERROR, instant())]).toEqual([false, true])
  })

  it('that had to wait is looked at again only where its feed has limits', () => {
    const { judge, feed, said } = judging()
    const isOut = () => judge.isOutOfLimits(feed, valueOf(5), instant())
    said.reconsidered = { reason: 'out-of-range' }
    expect(isOut()).toBe(false)
    feed.rule = { withdrawal: undefined } as never
    expect(isOut()).toBe(true)
    said.reconsidered = undefined
    expect(isOut()).toBe(false)
  })
})

describe('what a value is compared with', () => {
  it('is what is served, and the last accepted time', async () => {
    const { accept, standard, cache, said } = judging()
    accept(valueOf(4, 7))
    expect(standard()).toEqual({ served: undefined, acceptedAsOf: NaN })
    const served = valueOf(4, 7)
    await cache.set('key', served, 1_000)
    accept(valueOf(5))
    expect(standard()).toEqual({ served, acceptedAsOf: 7 })
    // A value without a time leaves the last one.
    accept({ result: 6, data: {}, statusCode: 200 } as never)
    accept(valueOf(6, 9))
    expect(standard()).toEqual({ served, acceptedAsOf: 7 })
    said.compares = false
    accept(valueOf(7))
    expect(standard()).toEqual({ served: undefined, acceptedAsOf: undefined })
  })

  it('is what the admission of its cache says, and is told to that', () => {
    const { accept, standard, feed } = judging()
    const noteAccepted = vi.fn()
    const last = { served: valueOf(1), acceptedAsOf: 3 }
    accept(valueOf(4, 7), { lastAccepted: () => last, noteAccepted })
    expect(standard()).toBe(last)
    expect(noteAccepted).toHaveBeenCalledWith(feed, valueOf(4, 7))
    expect(feed.acceptedAsOf).toBeNaN()
    accept(valueOf(4, 8), { lastAccepted: () => undefined } as never)
    expect([standard(), feed.acceptedAsOf]).toEqual([{ served: undefined, acceptedAsOf: NaN }, 8])
    accept(valueOf(4, 9), {})
    expect([standard(), feed.acceptedAsOf]).toEqual([{ served: undefined, acceptedAsOf: 8 }, 9])
  })

  it('is no value where none is kept in this process, and none is held back there', async () => {
    class RemoteCache extends LocalCache<AdapterResponse> {
      override get(key: string) {
        return super.get(key)
      }
    }
    const cache = new RemoteCache(10)
    const { accept, standard, said, feed } = judging(cache)
    await cache.set('key', valueOf(5), 10_000)
    said.finding = refusal('jump')
    said.holdMs = 1_000
    expect(accept(valueOf(9))).toBe(false)
    expect(standard()).toEqual({ served: undefined, acceptedAsOf: NaN })
    expect([feed.heldUntilMs, cache.read('key')?.expirationTimestamp]).toEqual([
      monotonicMs() + 1_000,
      Date.now() + 10_000,
    ])
  })
})

describe('the value before one that is held back', () => {
  const held = async (cache: LocalCache<AdapterResponse>, layer: LocalCache<AdapterResponse>) => {
    const made = judging(cache)
    const shortened = vi.spyOn(cache, 'setTTL')
    await layer.set('key', valueOf(5), 10_000)
    made.said.finding = refusal('jump')
    return { ...made, shortened }
  }

  it('ends sooner, and no later one that is refused puts that off', async () => {
    const cache = new LocalCache<AdapterResponse>(10)
    const { accept, said, feed, judge, shortened } = await held(cache, cache)
    expect(accept(valueOf(9))).toBe(false)
    expect([feed.heldUntilMs, cache.read('key')!.expirationTimestamp]).toEqual([
      undefined,
      Date.now() + 10_000,
    ])
    said.holdMs = 1_000
    accept(valueOf(9))
    await pass(500)
    accept(valueOf(9))
    expect(await judge.allowedTtl(feed, 90_000)).toBe(500)
    expect(await judge.allowedTtl(feed, 400)).toBe(400)
    expect([feed.heldUntilMs, shortened.mock.calls]).toEqual([monotonicMs() + 500, []])
    await pass(500)
    expect(cache.read('key')).toBeUndefined()
  })

  it('ends sooner for the other processes, too, when it does so here', async () => {
    const cache = new LayeredCache(10)
    const { accept, said, shortened } = await held(cache, cache[LOCAL_LAYER])
    said.holdMs = 1_000
    accept(valueOf(9))
    expect(shortened.mock.calls).toEqual([['key', 1_000]])
    await pass(100)
    accept(valueOf(9))
    expect(shortened).toHaveBeenCalledTimes(1)
  })
})

describe('how long a value may be served', () => {
  it('is as long as is asked for, where no freshness is enforced, without a look at it', async () => {
    const { judge, feed, cache } = judging()
    const looked = vi.spyOn(cache, 'get')
    await cache.set('key', valueOf(5), 10_000)
    expect(await judge.allowedTtl(feed, 800)).toBe(800)
    expect(looked).not.toHaveBeenCalled()
  })

  it('is what its freshness leaves of that; and all of it where nothing is known to be too old', async () => {
    const { judge, feed, cache, said } = judging()
    said.freshness = {}
    expect(await judge.allowedTtl(feed, 800)).toBe(800)
    feed.refusal = { code: 'STALE_VALUE', message: 'of a value that came', sinceUnixMs: 1 }
    expect(await judge.allowedTtl(feed, 800)).toBe(800)
    await cache.set('key', valueOf(5), 10_000)
    expect(await judge.allowedTtl(feed, 800)).toBe(400)
  })

  it('FR-6: is nothing where it was too old when it was loaded, which is told until a better one is loaded', async () => {
    const { judge, feed, said } = judging()
    said.freshness = {}
    const since = Date.now()
    said.staleness = { text: 'too old' }
    expect(judge.allowedAtLoad(feed, valueOf(5))).toBe(0)
    await pass(1_000)
    expect(judge.allowedAtLoad(feed, valueOf(5))).toBe(0)
    expect(feed.refusal).toEqual({ code: 'STALE_VALUE', message: 'too old', sinceUnixMs: since })
    expect(await judge.allowedTtl(feed, 800)).toBe(0)
    said.staleness = undefined
    expect(judge.allowedAtLoad(feed, valueOf(5))).toBe(700)
    expect([feed.refusal, await judge.allowedTtl(feed, 800)]).toEqual([undefined, 800])
  })

  it('FR-6: is told by a load to be so, and changes nothing of what was refused here', () => {
    const { judge, feed } = judging()
    const refused = { code: 'REFUSED_VALUE', message: 'here', sinceUnixMs: 1 } as const
    feed.refusal = refused
    expect(judge.allowedAtLoad(feed, valueOf(5))).toBe(700)
    expect(feed.refusal).toBe(refused)
  })

  it('is not limited at a load for an error, or for what has no times', () => {
    const { judge, feed, said } = judging()
    said.staleness = { text: 'too old' }
    const timed = { ...valueOf(5), errorMessage: 'down' } as unknown as AdapterResponse
    for (const value of [timed, { result: 5 }, { result: 5, timestamps: null }])
      expect(judge.allowedAtLoad(feed, value as never)).toBe(Infinity)
    expect(feed.refusal).toBeUndefined()
  })
})
