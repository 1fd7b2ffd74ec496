import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../helpers/eventually'
import { type LingeringConnection, lingeringPeer } from '../../helpers/lingering-peer'
import { config, counter, ETH, FAKED, linesAt, logged, type Running, start } from './support'

/** With the pause that every background loop makes. */
const NEXT_PASS_MS = 1_010
const PATIENCE_MS = 1_000

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

/** What clients are told; waits until it has this code. */
const reasonIn = (service: Running, code: string) =>
  eventually(async () => {
    const { json } = await service.post(ETH)
    const { reason } = json.error as { reason?: { code: string } }
    expect(reason?.code).toBe(code)
    return reason
  })

/** A service that has a connection to a peer of this kind. */
const connected = async (
  onOpen?: (connection: LingeringConnection) => void,
  changes: Partial<ReturnType<typeof config>['handlers']> = {},
  passEveryMs = 1_000,
  env: Record<string, string> = {},
) => {
  const peer = await lingeringPeer(onOpen)
  const of = config(peer.url)
  const closed = counter()
  Object.assign(of.handlers, { close: closed.hit }, changes)
  // Clients are told at once what there is.
  const service = await start(of, {
    CACHE_POLLING_MAX_RETRIES: '0',
    BACKGROUND_EXECUTE_MS_WS: String(passEveryMs),
    ...env,
  })
  await service.post(ETH)
  const theirs = await peer.connection(0)
  return {
    peer,
    service,
    theirs,
    closed,
    [Symbol.asyncDispose]: async () => {
      const stopped = service.stop()
      // It answers no farewell.
      await eventually(() => expect(service.transport.wsConnection).toBeUndefined())
      await advance(PATIENCE_MS)
      await stopped
      await peer[Symbol.asyncDispose]()
    },
  }
}

describe('CN-2: a connection whose peer has announced its end and keeps it', () => {
  // Naive: for as long as the library waits for the end of TCP, thirty seconds, there are neither values nor a reason.
  it('is named to clients at once, and replaced a second and a pause later', async () => {
    await using at = await connected()
    const { peer, service, theirs, closed } = at
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    await advance(100)
    const sinceUnixMs = Date.now()
    theirs.announceClose(1_012, 'restart')
    expect(await reasonIn(service, 'CONNECTION_CLOSED')).toEqual({
      code: 'CONNECTION_CLOSED',
      class: 'network',
      message: 'The connection is being closed',
      sinceUnixMs,
    })
    // contract 10.4
    expect(service.transport.connectionClosed()).toBe(false)
    await advance(PATIENCE_MS - 1)
    expect(closed.count).toBe(0)
    const gone = closed.more(1)
    await advance(1)
    await gone
    expect(linesAt('warn')).toEqual([
      `WebSocket closed abnormally (code: 1012, reason: restart). Failover counter incremented to 2. URL: ${peer.url}`,
    ])
    expect(await reasonIn(service, 'CONNECTION_CLOSED')).toMatchObject({
      message: 'The provider closed the connection (code: 1012, reason: restart)',
      sinceUnixMs,
    })
    expect(await service.metric('ws_connection_closures', { code: '1012', url: peer.url })).toBe(1)
    expect(await service.metric('ws_connection_active')).toBe(0)
    await advance(100)
    await peer.connection(1)
    await reasonIn(service, 'NO_DATA')
    expect(peer.connections).toHaveLength(2)
  })

  it('fails its attempt when an open handler is at work, long before the time for opening is over', async () => {
    let opened = 0
    await using at = await connected((theirs) => opened++ === 0 && theirs.announceClose(1_013), {
      open: () => (opened === 1 ? new Promise<void>(() => {}) : undefined),
    })
    const { peer, service, theirs } = at
    await theirs.answered
    await advance(PATIENCE_MS)
    expect(await reasonIn(service, 'CONNECTION_CLOSED')).toMatchObject({
      message: 'The provider closed the connection before it was open (code: 1013, reason: none)',
    })
    await advance(1_000)
    await peer.connection(1)
  })

  it('is replaced too when the announcement came with the handshake', async () => {
    let opened = 0
    await using at = await connected((theirs) => opened++ === 0 && theirs.announceClose(1_001))
    const { peer, service, closed } = at
    await reasonIn(service, 'CONNECTION_CLOSED')
    const gone = closed.more(1)
    await advance(PATIENCE_MS)
    await gone
    await advance(100)
    await peer.connection(1)
    await reasonIn(service, 'NO_DATA')
  })

  it('touches nothing any more when it was replaced before its second was over', async () => {
    await using at = await connected(undefined, {}, 100)
    const { peer, service, theirs, closed } = at
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    // A younger connection would not be replaced at once.
    await advance(2_000)
    theirs.announceClose(1_011)
    await reasonIn(service, 'CONNECTION_CLOSED')
    const old = service.transport.wsConnection
    // The URL is another now: it is left without waiting for its end.
    service.transport.currentUrl = 'ws://127.0.0.1/elsewhere'
    const gone = closed.more(1)
    await advance(200)
    await peer.connection(1)
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    expect(service.transport.wsConnection).not.toBe(old)
    await advance(PATIENCE_MS)
    await gone
    expect(linesAt('warn', 'error')).toEqual([])
    await reasonIn(service, 'NO_DATA')
    expect(await service.metric('ws_connection_active')).toBe(1)
  })
})

describe('CN-2: a connection that its author closed', () => {
  it('is replaced about a second after the pass that notices it, when the peer does not answer', async () => {
    await using at = await connected()
    const { peer, service, closed } = at
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    service.transport.wsConnection?.close(1_000)
    await advance(NEXT_PASS_MS)
    await reasonIn(service, 'CONNECTION_CLOSED')
    const gone = closed.more(1)
    await advance(PATIENCE_MS)
    await gone
    await advance(100)
    await peer.connection(1)
    await reasonIn(service, 'NO_DATA')
  })
})

describe('CN-2: a connection whose peer has begun a frame', () => {
  it('is replaced when nothing usable came for too long, however long it takes to end the frame', async () => {
    await using at = await connected(undefined, {}, 1_000, { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000' })
    const { peer, service, theirs } = at
    await eventually(() => expect(service.transport.wsConnection?.readyState).toBe(1))
    theirs.beginFrame()
    await advance(5_000 + 2 * NEXT_PASS_MS)
    await peer.connection(1)
    await reasonIn(service, 'NO_DATA')
    await advance(PATIENCE_MS)
  })
})
