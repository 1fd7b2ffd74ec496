import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dial } from '../../src/connections/dial'
import { type Link } from '../../src/connections/link'
import { LinkKeeper, type SessionEnd } from '../../src/connections/link-keeper'
import { type Delay, Retry, type RetryRule } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { eventually, GUARD_MS } from '../helpers/eventually'
import { lingeringPeer } from '../helpers/lingering-peer'
import { selfSigned } from '../http/certificate'
import { call, listening, reading, silentLoggers } from './support'

const PATIENCE_MS = 1_000
const RETRY_MS = 100

/** From here on the test moves the clock. */
const holdClock = () =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeAll(() => {
  LoggerFactoryProvider.set(silentLoggers)
  metrics.initialize()
})
afterEach(() => void vi.useRealTimers())

/** Whether it has settled, as far as can be seen now. */
const follow = (promise: Promise<unknown>) => {
  const seen = { isSettled: false }
  void promise.then(() => (seen.isSettled = true))
  return seen
}

describe('CN-2: a link whose peer has announced its end and keeps the connection', () => {
  it.each([
    ['', undefined],
    [' over TLS', selfSigned()],
  ])('says so at once, and is over a second later, with the code of the peer%s', async (_, tls) => {
    holdClock()
    await using peer = await lingeringPeer(undefined, tls)
    const link = await call(peer.url, { tls: tls && { ca: tls.cert } })
    const { closes } = reading(link)
    const theirs = await peer.connection(0)
    theirs.announceClose(4_001, 'enough')
    await link.closing
    expect(link.isOpen).toBe(false)
    expect(link.send('too late')).toBe('closed')
    const end = follow(link.closed)
    await advance(PATIENCE_MS - 1)
    await theirs.answered
    expect(end.isSettled).toBe(false)
    await advance(1)
    expect(await link.closed).toEqual({ code: 4_001, reason: 'enough' })
    expect(closes.all).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is over a second later when the peer has ended its half of TCP, and reads nothing of what waits for it', async () => {
    holdClock()
    await using peer = await lingeringPeer()
    const link = await call(peer.url, { maxBufferedBytes: 100_000_000 })
    reading(link)
    const theirs = await peer.connection(0)
    theirs.stopReading()
    while (link.bufferedBytes < 10_000_000) link.send(Buffer.alloc(1_000_000))
    theirs.endHalf()
    await link.closing
    await advance(PATIENCE_MS)
    expect((await link.closed).code).toBe(1006)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is over a second after the ping that notices it, when the peer reads nothing of what waits for it', async () => {
    holdClock()
    await using peer = await lingeringPeer()
    const link = await call(peer.url, { maxBufferedBytes: 100_000_000, pingEveryMs: 5_000 })
    reading(link)
    const theirs = await peer.connection(0)
    theirs.stopReading()
    while (link.bufferedBytes < 10_000_000) link.send(Buffer.alloc(1_000_000))
    theirs.announceClose(1_001)
    await eventually(() => expect(link.isOpen).toBe(false))
    await advance(5_000 + PATIENCE_MS)
    expect((await link.closed).code).toBe(1_001)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is none of the peers of its listener any more', async () => {
    await using server = await listening()
    const client = await call(server.url)
    const accepted = await server.links.next()
    reading(accepted)
    const seen: number[] = []
    void accepted.closing.then(() => seen.push(server.listener.peers.size))
    await client.close()
    await accepted.closed
    expect(seen).toEqual([0])
  })
})

describe('a keeper of such a link', () => {
  const steady: RetryRule<SessionEnd, Delay> = { next: () => ({ delayMs: RETRY_MS, next: steady }) }
  const keeperOf = (url: string, states: string[] = []) =>
    new LinkKeeper<Link>({
      url,
      open: (signal) => dial({ url, maxPayloadBytes: 1_000, openTimeoutMs: GUARD_MS }, signal),
      retry: new Retry(steady),
      onOpen: (link) => link.listen({ message: () => {} }),
      onState: (state) => states.push(state),
    })

  it('names the outage from the announcement on, and has another a second and a pause later', async () => {
    holdClock()
    await using peer = await lingeringPeer()
    const states: string[] = []
    const keeper = keeperOf(peer.url, states)
    keeper.start()
    const theirs = await peer.connection(0)
    await eventually(() => expect(keeper.state).toBe('open'))
    await advance(10_000)
    const announcedAt = Date.now()
    theirs.announceClose(1_001)
    await eventually(() => expect(keeper.state).toBe('closing'))
    const sinceUnixMs = announcedAt
    expect(keeper.outage()).toEqual({
      code: 'CONNECTION_CLOSED',
      message: 'The connection is being closed',
      sinceUnixMs,
    })
    expect(keeper.status()).toMatchObject({ state: 'closing', sinceUnixMs })
    await advance(PATIENCE_MS)
    await eventually(() => expect(keeper.state).toBe('waiting'))
    expect(keeper.outage()).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: 'The connection ended (code 1001): no reason given',
      sinceUnixMs,
      nextAttemptUnixMs: announcedAt + PATIENCE_MS + RETRY_MS,
    })
    await advance(RETRY_MS)
    await peer.connection(1)
    await eventually(() => expect(keeper.state).toBe('open'))
    expect(keeper.outage()).toBeUndefined()
    expect(states).toEqual(['connecting', 'open', 'closing', 'waiting', 'connecting', 'open'])
    const stopped = keeper.stop()
    // It does not answer our farewell either.
    await advance(2_000)
    await stopped
    expect(vi.getTimerCount()).toBe(0)
  })

  it('can be stopped meanwhile, and leaves nothing', async () => {
    holdClock()
    await using peer = await lingeringPeer()
    const keeper = keeperOf(peer.url)
    keeper.start()
    ;(await peer.connection(0)).announceClose(1_000)
    await eventually(() => expect(keeper.state).toBe('closing'))
    const stopped = keeper.stop()
    await advance(PATIENCE_MS)
    await stopped
    expect(keeper.state).toBe('stopped')
    expect(vi.getTimerCount()).toBe(0)
    expect(peer.connections).toHaveLength(1)
  })
})
