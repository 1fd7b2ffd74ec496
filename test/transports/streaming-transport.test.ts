import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../src/metrics/registry'
import { SubscriptionSetFactory } from '../../src/adapter/subscription-set-factory'
import { wakeSignalOf } from '../../src/transports/capabilities'
import { StreamingTransport, type SubscriptionDeltas } from '../../src/transports/streaming-transport'
import { type EndpointContext, type TransportGenerics } from '../../src/transports/transport'
import { LoggerFactoryProvider } from '../../src/util/logging'

type Feed = { name: string }

const feed = (name: string): Feed => ({ name })

const SETTINGS = {
  STREAM_HANDLER_RETRY_MIN_MS: 100,
  STREAM_HANDLER_RETRY_MAX_MS: 5_000,
  STREAM_HANDLER_RETRY_EXP_FACTOR: 3,
}

class Stream extends StreamingTransport<TransportGenerics> {
  readonly passes: SubscriptionDeltas<Feed>[] = []
  fails = false

  getSubscriptionTtlFromConfig(): number {
    return 1_000
  }

  isUnheard = false

  protected override wasUnheard(): boolean {
    return this.isUnheard
  }

  streamHandler(_context: unknown, deltas: SubscriptionDeltas<Feed>): Promise<void> {
    this.passes.push({ desired: [...deltas.desired], new: [...deltas.new], stale: [...deltas.stale] })
    return this.fails ? Promise.reject(new Error('no')) : Promise.resolve()
  }

  get last(): SubscriptionDeltas<Feed> | undefined {
    return this.passes.at(-1)
  }
}

const contextWith = (settings: object) =>
  ({ endpointName: 'price', adapterSettings: settings }) as unknown as EndpointContext<TransportGenerics>

const context = contextWith(SETTINGS)

const initialize = async <T extends Stream>(stream: T): Promise<T> => {
  const dependencies = {
    responseCache: {},
    subscriptionSetFactory: new SubscriptionSetFactory(
      { CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 100 },
      'T',
    ),
  } as unknown as Parameters<Stream['initialize']>[0]
  await stream.initialize(dependencies, SETTINGS as never, 'price', 'default_single_transport')
  return stream
}

const want = (stream: Stream, ...names: string[]) => {
  for (const name of names) void stream.want(feed(name), name)
}

const lines: string[] = []
const child = () => ({
  info: (text: string) => void lines.push(text),
  debug: (text: string) => void lines.push(text),
  error: (_fields: object, text: string) => void lines.push(text),
  warn: () => {},
})

beforeAll(() => {
  metrics.initialize()
  LoggerFactoryProvider.set({ child } as never)
})

beforeEach(() => {
  lines.length = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

const pass = async (stream: Stream) => {
  const running = stream.backgroundExecute(context)
  await vi.advanceTimersByTimeAsync(0)
  return running
}

describe('a stream', () => {
  it('is told what became wanted and unwanted since its handler last succeeded', async () => {
    const stream = await initialize(new Stream())
    await pass(stream)
    expect(stream.last).toEqual({ desired: [], new: [], stale: [] })
    want(stream, 'a', 'b')
    await pass(stream)
    expect(stream.last).toEqual({ desired: [feed('a'), feed('b')], new: [feed('a'), feed('b')], stale: [] })
    expect(stream.localSubscriptions).toEqual([feed('a'), feed('b')])
    await vi.advanceTimersByTimeAsync(600)
    want(stream, 'b', 'c')
    await vi.advanceTimersByTimeAsync(600)
    await pass(stream)
    expect(stream.last).toEqual({ desired: [feed('b'), feed('c')], new: [feed('c')], stale: [feed('a')] })
    await pass(stream)
    expect(stream.last).toEqual({ desired: [feed('b'), feed('c')], new: [], stale: [] })
  })

  it('is told again what it failed to do, together with what came since', async () => {
    const stream = await initialize(new Stream())
    want(stream, 'a')
    stream.fails = true
    await pass(stream)
    expect(stream.localSubscriptions).toEqual([])
    await vi.advanceTimersByTimeAsync(100)
    want(stream, 'b')
    stream.fails = false
    await pass(stream)
    expect(stream.last?.new).toEqual([feed('a'), feed('b')])
  })

  it('learns of stale feeds in the order in which they were subscribed', async () => {
    const stream = await initialize(new Stream())
    want(stream, 'a', 'b', 'c')
    await pass(stream)
    await vi.advanceTimersByTimeAsync(500)
    want(stream, 'a')
    await vi.advanceTimersByTimeAsync(1_100)
    await pass(stream)
    expect(stream.last?.stale).toEqual([feed('a'), feed('b'), feed('c')])
  })

  it('goes by what somebody else wrote into localSubscriptions', async () => {
    const stream = await initialize(new Stream())
    want(stream, 'a', 'b')
    await pass(stream)
    stream.localSubscriptions = []
    await pass(stream)
    expect(stream.last?.new).toEqual([feed('a'), feed('b')])
    stream.localSubscriptions = [feed('b'), feed('x')]
    stream.fails = true
    await pass(stream)
    await vi.advanceTimersByTimeAsync(100)
    stream.fails = false
    await pass(stream)
    expect(stream.last).toMatchObject({ new: [feed('a')], stale: [feed('x')] })
    await pass(stream)
    expect(stream.last).toMatchObject({ new: [], stale: [] })
  })

  it('goes by the list that a subclass hands over, and by the set again when it no longer does', async () => {
    class Choosy extends Stream {
      isChoosy = true
      override backgroundHandler(of: EndpointContext<TransportGenerics>, desired: Feed[]): Promise<void> {
        return super.backgroundHandler(
          of,
          this.isChoosy ? desired.filter(({ name }) => name !== 'b') : desired,
        )
      }
    }
    const stream = await initialize(new Choosy())
    want(stream, 'a', 'b', 'c')
    await pass(stream)
    expect(stream.last).toMatchObject({ desired: [feed('a'), feed('c')], new: [feed('a'), feed('c')] })
    await pass(stream)
    expect(stream.last).toMatchObject({ new: [], stale: [] })
    stream.isChoosy = false
    await pass(stream)
    expect(stream.last?.new).toEqual([feed('b')])
    await pass(stream)
    expect(stream.last).toMatchObject({ new: [], stale: [] })
  })

  it('works on a set that is not ours, and on a clock that stands still', async () => {
    const stream = new Stream()
    const dependencies = {
      responseCache: {},
      subscriptionSetFactory: { buildSet: () => ({ getAll: () => Promise.resolve([feed('a')]) }) },
    } as unknown as Parameters<Stream['initialize']>[0]
    await stream.initialize(dependencies, SETTINGS as never, 'price', 'x')
    vi.setSystemTime(5)
    stream.fails = true
    await pass(stream)
    stream.fails = false
    // Timers move, the clock is put back each time.
    await vi.advanceTimersByTimeAsync(100)
    vi.setSystemTime(5)
    await pass(stream)
    expect(stream.last?.new).toEqual([feed('a')])
    await pass(stream)
    expect(stream.last?.new).toEqual([])
  })

  it('is woken by a newly wanted feed, and by no other request', async () => {
    const stream = await initialize(new Stream())
    const wake = wakeSignalOf(stream)
    wake?.clear()
    want(stream, 'a')
    expect(wake?.isPending).toBe(true)
    wake?.clear()
    want(stream, 'a')
    expect(wake?.isPending).toBe(false)
  })
})

describe('the back-off of a stream', () => {
  it('17.19: follows min(MIN * FACTOR^n, MAX), spreads only downwards, and starts anew after a success', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 100, max: 1_000 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 3_000, max: 9_000 }),
        async (min, factor, max) => {
          const stream = await initialize(new Stream())
          const of = contextWith({
            STREAM_HANDLER_RETRY_MIN_MS: min,
            STREAM_HANDLER_RETRY_MAX_MS: max,
            STREAM_HANDLER_RETRY_EXP_FACTOR: factor,
          })
          stream.fails = true
          for (let n = 0; n < 5; n++) {
            const nominal = Math.min(min * factor ** n, max)
            await stream.backgroundExecute(of)
            expect(stream.passes).toHaveLength(n + 1)
            expect(stream.retryTime - Date.now()).toBe(nominal)
            expect(stream.retryCount).toBe(n + 1)
            await vi.advanceTimersByTimeAsync(Math.floor(nominal * 0.75) - 1)
            const early = stream.backgroundExecute(of)
            await vi.advanceTimersByTimeAsync(0)
            expect(stream.passes).toHaveLength(n + 1)
            await vi.advanceTimersByTimeAsync(Math.ceil(nominal * 0.25) + 2)
            await early
          }
          stream.fails = false
          await stream.backgroundExecute(of)
          expect(stream.retryCount).toBe(0)
          expect(vi.getTimerCount()).toBe(0)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('17.19: is ended by its timer alone: what is newly wanted meanwhile waits with the rest', async () => {
    const stream = await initialize(new Stream())
    stream.fails = true
    await pass(stream)
    stream.fails = false
    want(stream, 'a')
    await vi.advanceTimersByTimeAsync(74)
    const early = stream.backgroundExecute(context)
    await vi.advanceTimersByTimeAsync(0)
    expect(stream.passes).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(27)
    await early
    await pass(stream)
    expect(stream.last).toMatchObject({ new: [feed('a')] })
  })

  it('grows gently while failures do not reach the provider, and goes on from there when they do', async () => {
    const stream = await initialize(new Stream())
    const of = contextWith({
      STREAM_HANDLER_RETRY_MIN_MS: 100,
      STREAM_HANDLER_RETRY_MAX_MS: 1_000,
      STREAM_HANDLER_RETRY_EXP_FACTOR: 3,
    })
    stream.fails = true
    const waits: number[] = []
    const fail = async (isUnheard: boolean) => {
      stream.isUnheard = isUnheard
      await stream.backgroundExecute(of)
      waits.push(Math.round(stream.retryTime - Date.now()))
      await vi.advanceTimersByTimeAsync(waits.at(-1)!)
    }
    for (const isUnheard of [true, true, true, false, true, false, false]) await fail(isUnheard)
    expect(waits).toEqual([100, 125, 156, 195, 586, 732, 1_000])
    stream.fails = false
    await stream.backgroundExecute(of)
    stream.fails = true
    await fail(true)
    expect(waits.at(-1)).toBe(100)
    await stream.shutdown()
  })

  it('is logged and counted', async () => {
    const stream = await initialize(new Stream())
    const { hashMap } = metrics.get('streamHandlerErrors') as unknown as {
      hashMap: Record<string, { value: number }>
    }
    const count = () => Object.values(hashMap).reduce((sum, { value }) => sum + value, 0)
    const before = count()
    stream.fails = true
    await pass(stream)
    expect(count() - before).toBe(1)
    expect(lines[0]).toContain('failed: Error: no')
    expect(lines[1]).toBe('Waiting up to 100 ms before attempt 2 of price')
    await stream.shutdown()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends when the transport stops, and a failure after that begins none', async () => {
    const stream = await initialize(new Stream())
    stream.fails = true
    await pass(stream)
    const waiting = stream.backgroundExecute(context)
    await stream.shutdown()
    await waiting
    expect(vi.getTimerCount()).toBe(0)
    const stopped = await initialize(new Stream())
    stopped.fails = true
    await stopped.shutdown()
    await pass(stopped)
    expect(stopped.retryCount).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not begun by a handler that hung for so long that another pass has begun', async () => {
    const stream = await initialize(new Stream())
    let hang = (_error: Error) => {}
    stream.streamHandler = () => new Promise<void>((_, reject) => (hang = reject))
    const hung = stream.backgroundExecute(context)
    await vi.advanceTimersByTimeAsync(0)
    stream.streamHandler = () => Promise.resolve()
    want(stream, 'a')
    await pass(stream)
    hang(new Error('late'))
    await hung
    expect(stream.retryCount).toBe(0)
    expect(stream.localSubscriptions).toEqual([feed('a')])
  })
})
