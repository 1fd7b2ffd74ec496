import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AdapterResponse } from '../../../src/feeds/responses'
import { type SubscriptionSet } from '../../../src/feeds/subscription-set'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { type Reason } from '../../../src/validation/reason'
import { encodeFrame, FrameReader } from '../../../src/service/workers/frames'
import { type FeedName, type WantedFeed } from '../../../src/service/workers/messages'
import { MirrorCache } from '../../../src/service/workers/mirror-cache'
import { type PublishedCache } from '../../../src/service/workers/published-cache'
import { Publisher } from '../../../src/service/workers/publisher'
import { WantedSetFactory } from '../../../src/service/workers/wanted-set'
import { WriterLink } from '../../../src/service/workers/writer-link'
import { eventually, GUARD_MS } from '../../helpers/eventually'
import { instant } from '../../../src/util/clock'

const TTL = 60_000
const settings = { CACHE_TYPE: 'local', SUBSCRIPTION_SET_MAX_ITEMS: 1_000 }
const name: FeedName = { adapter: 'ACME', endpoint: 'price', transport: 'ws', params: { base: 'ETH' } }

let directory: string
/** Where the socket is: the directory, or one below it. */
let place: string
const ends: (() => unknown)[] = []

beforeEach(() => {
  LoggerFactoryProvider.set()
  place = directory = mkdtempSync(join(tmpdir(), 'link-test-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

const path = () => join(place, 'link.sock')

/** Whoever is asked has all the time that it needs. */
const holdClock = () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  ends.push(() => vi.useRealTimers())
}

const success = (result: number | string) =>
  ({ result, data: { result }, statusCode: 200, timestamps: {} }) as unknown as AdapterResponse

/** Calls back for each feed that is wanted. */
class Writer {
  readonly wanted: WantedFeed[] = []
  readonly cache: PublishedCache
  onWant: () => void = () => {}
  explain: (feed: FeedName) => Reason | undefined = () => undefined
  watch: (feed: FeedName, waitMs: number, tell: (reason: Reason) => void) => () => void = () => () => {}
  private readonly publisher = new Publisher({
    want: (feed) => {
      this.wanted.push(feed)
      this.onWant()
    },
    explain: (feed) => this.explain(feed),
    watch: (feed, waitMs, tell) => this.watch(feed, waitMs, tell),
    look: (at) => Promise.resolve(at),
  })

  constructor(capacity = 1_000) {
    this.cache = this.publisher.cacheFor('ACME', capacity)
  }

  async listen(): Promise<this> {
    await this.publisher.listen(path())
    ends.push(() => this.stop())
    return this
  }

  write(key: string, value: AdapterResponse, ttl = TTL): void {
    this.cache.store(key, value, ttl, instant())
  }

  /** Until `count` feeds in all were wanted. */
  async hasHeardOf(count: number): Promise<WantedFeed[]> {
    while (this.wanted.length < count) await new Promise<void>((resolve) => (this.onWant = resolve))
    return this.wanted
  }

  stop(): void {
    this.publisher.stop()
  }
}

class Worker {
  readonly cache: MirrorCache
  readonly link = new WriterLink(path())
  readonly set: SubscriptionSet<object>

  constructor(capacity = 1_000) {
    this.cache = new MirrorCache(capacity)
    this.link.mirror('ACME', this.cache)
    this.set = new WantedSetFactory(settings, 'ACME', this.link).buildSet<object>('price', 'ws')
    ends.push(() => this.link.stop())
  }

  async start(): Promise<this> {
    this.link.start()
    await this.link.synchronised
    return this
  }

  /** Waits for the write of a key, as a request does. */
  async next(key: string): Promise<AdapterResponse> {
    const value = await this.cache.waiters.wait(key, GUARD_MS)
    if (value === undefined) throw new Error(`Nothing was written to ${key}`)
    return value
  }
}

describe('the link between a writer and its workers', () => {
  it('begins with all that the writer has, as it is', async () => {
    const writer = await new Writer().listen()
    for (let at = 0; at < 700; at++) writer.write(`k${at}`, success(at))
    const worker = await new Worker().start()
    for (let at = 0; at < 700; at++) {
      const entry = worker.cache.read(`k${at}`)
      expect(entry?.value).toMatchObject({ result: at })
      expect(entry?.expirationTimestamp).toBe(writer.cache.read(`k${at}`)?.expirationTimestamp)
    }
  })

  it('wakes whoever waits in any worker, by the write', async () => {
    const writer = await new Writer().listen()
    const workers = await Promise.all([new Worker().start(), new Worker().start()])
    const waiting = workers.map((worker) => worker.next('k'))
    writer.write('k', success(1))
    expect(await Promise.all(waiting)).toEqual([success(1), success(1)])
  })

  it('sends the newest of each key once at the end of a turn, in whatever order they were written', async () => {
    const writer = await new Writer().listen()
    const socket = connect(path())
    ends.push(() => socket.destroy())
    const reader = new FrameReader()
    const messages: unknown[] = []
    const after = async (count: number) => {
      while (messages.length < count)
        messages.push(...reader.push(((await once(socket, 'data')) as [Buffer])[0]))
    }
    await after(2)
    for (let at = 0; at < 100; at++) for (const key of ['a', 'b']) writer.write(key, success(at))
    await after(3)
    expect(messages.map((message) => (message as { type: string }).type)).toEqual([
      'hello',
      'synchronised',
      'entries',
    ])
    expect(messages[2]).toMatchObject({
      adapter: 'ACME',
      entries: [
        ['a', expect.any(Number), expect.any(Number), JSON.stringify(success(99))],
        ['b', expect.any(Number), expect.any(Number), JSON.stringify(success(99))],
      ],
    })
  })

  it('tells the writer of a feed that is newly wanted, parameters that have no value included', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    void worker.set.add({ base: 'ETH', quote: undefined }, TTL, 'k')
    const [feed] = await writer.hasHeardOf(1)
    expect(feed).toStrictEqual({ ...name, params: { base: 'ETH', quote: undefined }, key: 'k', ttlMs: TTL })
  })

  it('IS-1: one feed that cannot be sent does not cost its neighbours', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    void worker.set.add({ base: 'BTC' }, TTL, 'a')
    void worker.set.add({ base: () => {} }, TTL, 'bad')
    void worker.set.add({ base: 'ETH' }, TTL, 'b')
    expect((await writer.hasHeardOf(2)).map(({ key }) => key)).toEqual(['a', 'b'])
  })

  it('says why there is no value, in the words of the writer', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    const reason = { code: 'NOT_CONNECTED', message: 'refused', sinceUnixMs: 5 }
    writer.explain = (feed) => (feed.transport === 'ws' ? reason : undefined)
    holdClock()
    const [known, unknown] = await Promise.all([
      worker.link.explain(name),
      worker.link.explain({ ...name, transport: 'http' }),
    ])
    expect(known).toEqual(reason)
    expect(unknown).toBeUndefined()
  })

  it('ER-5: tells who waits that it is useless, once and when the writer says so, after what it wrote before', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    const reason = { code: 'CONNECTION_REFUSED', message: 'refused', sinceUnixMs: 7 }
    let say: (reason: Reason) => void = () => {}
    const ended = vi.fn()
    const asked = new Promise<[FeedName, number]>((resolve) => {
      writer.watch = (feed, waitMs, tell) => {
        say = tell
        resolve([feed, waitMs])
        return ended
      }
    })
    const feed = { adapter: 'ACME', endpoint: 'price', transport: 'ws', params: {} }
    const heard = vi.fn()
    const told = new Promise<void>((resolve) => {
      worker.link.watch(feed, 60_000, (why) => {
        heard(why, worker.cache.read('k')?.value)
        resolve()
      })
    })
    expect(await asked).toEqual([feed, 60_000])
    writer.write('k', success(1))
    say(reason)
    say(reason)
    await told
    expect(heard.mock.calls).toEqual([[reason, success(1)]])
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('ends the watch of a wait in the writer when its time is over, and when its worker has gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ends.push(() => vi.useRealTimers())
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    const ended = vi.fn()
    let count = 0
    writer.watch = () => {
      count++
      return ended
    }
    const feed = { adapter: 'ACME', endpoint: 'price', transport: 'ws', params: {} }
    for (const waitMs of [1_000, 60_000]) worker.link.watch(feed, waitMs, () => {})
    await eventually(() => expect(count).toBe(2))
    vi.advanceTimersByTime(1_000)
    expect(ended).toHaveBeenCalledTimes(1)
    worker.link.stop()
    await eventually(() => expect(ended).toHaveBeenCalledTimes(2))
  })

  it('ER-1: says that there is no writer while there is none, also to who was asking just then', async () => {
    const worker = new Worker()
    expect(await worker.link.explain(name)).toMatchObject({
      code: 'WRITER_DOWN',
      sinceUnixMs: expect.any(Number),
    })
    const writer = await new Writer().listen()
    await worker.start()
    expect(worker.link.outage).toBeUndefined()
    writer.explain = () => {
      writer.stop()
      return undefined
    }
    holdClock()
    expect(await worker.link.explain(name)).toMatchObject({ code: 'WRITER_DOWN' })
  })

  it('comes back by itself: to a new writer, which hears of all that is wanted, and serves what it has', async () => {
    const first = await new Writer().listen()
    const worker = await new Worker().start()
    void worker.set.add({ base: 'ETH' }, TTL, 'k')
    const waiting = worker.next('k')
    await first.hasHeardOf(1)
    first.write('k', success(1))
    first.write('other', success(7))
    await waiting
    first.stop()
    const second = await new Writer().listen()
    expect((await second.hasHeardOf(1)).map(({ key }) => key)).toEqual(['k'])
    // What the first one wrote is there until it ends.
    expect(worker.cache.read('other')?.value).toMatchObject({ result: 7 })
    const fresh = worker.next('k')
    second.write('k', success(2))
    expect(await fresh).toMatchObject({ result: 2 })
  })

  it('takes the place of a socket that a dead writer left behind', async () => {
    const left: Server = createServer()
    ends.push(() => left.close())
    await new Promise<void>((resolve) => left.listen(path(), resolve))
    await new Writer().listen()
    await new Worker().start()
  })

  it('says when it cannot be made', async () => {
    place = join(directory, 'gone')
    await expect(
      new Publisher({
        want: () => {},
        explain: () => undefined,
        watch: () => () => {},
        look: () => Promise.resolve(),
      }).listen(path()),
    ).rejects.toThrow()
  })

  it('ends in the middle of everything, without a word to the log of those who asked for it', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    for (let at = 0; at < 1_000; at++) writer.write(`k${at}`, success(at))
    const why = worker.link.explain(name)
    worker.link.stop()
    writer.stop()
    expect(await why).toMatchObject({ code: 'WRITER_DOWN' })
    const neverConnected = new Worker()
    neverConnected.link.start()
    neverConnected.link.stop()
  })
})

describe('a worker that is slow, or lies', () => {
  const BODY = 'x'.repeat(10_000)

  /** A connection that takes nothing until it is told to. */
  const stuck = async (): Promise<Socket> => {
    const socket = connect(path())
    ends.push(() => socket.destroy())
    await once(socket, 'connect')
    socket.pause()
    return socket
  }

  it('RS-1: costs the writer no more than what is under way, and gets the newest of everything in the end', async () => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    const socket = await stuck()
    const rounds = 300
    for (let round = 1; round <= rounds; round++) {
      for (let at = 0; at < 100; at++) writer.write(`k${at}`, success(`${round} ${BODY}`))
      await new Promise(setImmediate)
    }
    // 300 MB were written; whoever keeps up has had it all, and the other is sent what there is now.
    const latest = new Map<string, string>()
    let receivedBytes = 0
    const reader = new FrameReader()
    const isDone = () =>
      latest.size === 100 && [...latest.values()].every((body) => body.includes(`"${rounds} x`))
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        receivedBytes += chunk.length
        for (const message of reader.push(chunk)) {
          const { entries = [] } = message as { entries?: [string, number, number, string][] }
          for (const [key, , , body] of entries) latest.set(key, body)
        }
        if (isDone()) resolve()
      })
      socket.resume()
    })
    expect(receivedBytes).toBeLessThan(20 * 1024 * 1024)
    expect(worker.cache.read('k0')?.value).toMatchObject({ result: `${rounds} ${BODY}` })
  })

  it('RS-1: is cut off when ever more has to be forgotten, and others are not', async () => {
    const writer = await new Writer(100).listen()
    const worker = await new Worker().start()
    const socket = await stuck()
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => {})
    for (let at = 0; at < 20_000; at++) {
      writer.write(`k${at}`, success(BODY))
      void writer.cache.delete(`k${at}`)
      if (at % 50 === 0) await new Promise(setImmediate)
    }
    socket.resume()
    await closed
    const waiting = worker.next('last')
    writer.write('last', success(1))
    expect(await waiting).toMatchObject({ result: 1 })
  })

  it.each<[string, () => Buffer]>([
    ['bytes that are no frame', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame that is no message', () => Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('abc')])],
    ['a message that there is not', () => encodeFrame({ type: 'entries', adapter: 'ACME', entries: [] })],
    ['a feed without parameters', () => encodeFrame({ type: 'wanted', feeds: [{ ...name, params: 1 }] })],
  ])('IS-2: is cut off for %s, and others are not', async (_name, bytes) => {
    const writer = await new Writer().listen()
    const worker = await new Worker().start()
    const socket = connect(path())
    ends.push(() => socket.destroy())
    socket.on('error', () => {}).resume()
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.write(bytes())
    await closed
    void worker.set.add({ base: 'ETH' }, TTL, 'k')
    expect(await writer.hasHeardOf(1)).toHaveLength(1)
  })
})

describe('a writer that hangs, or lies', () => {
  it('ER-1: is said to be silent, to who asks it why there is no value', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).resume()
      socket.write(
        Buffer.concat([{ type: 'hello', session: 's' }, { type: 'synchronised' }].map(encodeFrame)),
      )
      ends.push(() => socket.destroy())
    })
    ends.push(() => server.close())
    await new Promise<void>((resolve) => server.listen(path(), resolve))
    const worker = await new Worker().start()
    holdClock()
    const reason = worker.link.explain(name)
    await vi.advanceTimersByTimeAsync(500)
    expect(await reason).toMatchObject({ code: 'WRITER_SILENT' })
  })

  it.each<[string, () => Buffer]>([
    ['bytes that are no frame', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a message that there is not', () => encodeFrame({ type: 'wanted', feeds: [] })],
    [
      'a body that is no JSON',
      () => encodeFrame({ type: 'entries', adapter: 'ACME', entries: [['k', Date.now() + TTL, 1e15, '{']] }),
    ],
  ])('IS-2: is left for %s, and asked again', async (_name, bytes) => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.on('error', () => {}).resume()
      socket.write(encodeFrame({ type: 'hello', session: 's' }))
      socket.write(connections === 1 ? bytes() : encodeFrame({ type: 'synchronised' }))
      ends.push(() => socket.destroy())
    })
    ends.push(() => server.close())
    await new Promise<void>((resolve) => server.listen(path(), resolve))
    const worker = await new Worker().start()
    expect(connections).toBe(2)
    expect(worker.cache.read('k')).toBeUndefined()
  })
})
