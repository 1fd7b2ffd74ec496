import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type WebSocket from 'ws'
import { ClientSocket, type Opening, type Place } from '../../src/connections/client-socket'
import { UNCOUNTED } from '../../src/connections/connection-stats'
import { Retry } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { wsProvider } from '../../src/testing/ws-provider'
import { steadyBackoff } from '../../src/util/backoff'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { lingeringPeer } from '../helpers/lingering-peer'
import { condemn } from '../../src/connections/socket'
import { eventually, GUARD_MS } from '../helpers/eventually'
import { silentLoggers } from './support'

const LOST = { code: 'CONNECTION_CLOSED', message: 'It closed' }

beforeAll(() => {
  LoggerFactoryProvider.set(silentLoggers)
  metrics.initialize()
})
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
})
afterEach(() => void vi.useRealTimers())

/** A connection at a place of its own, that notes what it is told while it is the one in use, and what comes too late. */
const at = () => {
  const place: Place = {}
  const seen = { current: [] as string[], late: [] as string[], gone: 0, due: 0 }
  /** Attempts and changes of whether there is an active connection. */
  const counts: (string | boolean)[] = []
  const stats = {
    ...UNCOUNTED,
    attempted: () => void counts.push('attempt'),
    active: (isActive: boolean) =>
      void (counts.findLast((one) => one !== 'attempt') !== isActive && counts.push(isActive)),
  }
  const client = new ClientSocket<void>(place, new Retry(steadyBackoff(100)), () => seen.gone++, stats)
  const listeners = () => {
    const isCurrent = client.currency()
    const note = (what: string) => (isCurrent() ? seen.current : seen.late).push(what)
    return {
      message: ({ data }: WebSocket.MessageEvent) => void note((data as Buffer).toString()),
      error: () => {},
      close: () => {
        note('close')
        if (isCurrent()) client.lost(LOST, undefined, () => seen.due++)
      },
    }
  }
  const open = (url: string, of: Partial<Opening> = {}) =>
    client.open({ url, timeoutMs: GUARD_MS, listeners, onOpen: () => {}, ...of })
  return { place, seen, counts, client, listeners, open }
}

/** Of a peer that keeps its connection the end is not waited for longer than a second. */
const stopLate = async (...clients: { stop(): Promise<void> }[]) => {
  const stopped = Promise.all(clients.map((client) => client.stop()))
  await vi.advanceTimersByTimeAsync(1_000)
  await stopped
}

describe('a connection at a place', () => {
  it('has its socket there from its opening on, and none after it was let go', async () => {
    await using provider = await wsProvider()
    const { place, seen, client, open } = at()
    const there: unknown[] = []
    const socket = await open(provider.url, { onOpen: () => void there.push(place.wsConnection) })
    expect(there).toEqual([socket])
    client.retire()
    expect(place.wsConnection).toBeUndefined()
    expect(seen.gone).toBe(1)
    expect(await (await provider.connection()).closed).toMatchObject({ code: 1000 })
    await client.stop()
  })

  it('CN-1: hears a socket that it has replaced no more as the one in use', async () => {
    await using provider = await wsProvider()
    const { place, seen, client, open } = at()
    await open(provider.url)
    const old = await provider.connection(0)
    old.freeze()
    const socket = await open(provider.url)
    old.thaw()
    old.send('late')
    await old.closed
    await eventually(() => expect(seen.late).toEqual(['late', 'close']))
    expect(seen).toMatchObject({ current: [], gone: 0 })
    expect(place.wsConnection).toBe(socket)
    expect(client.outage).toBeUndefined()
    ;(await provider.connection(1)).send('in time')
    await eventually(() => expect(seen.current).toEqual(['in time']))
    await client.stop()
  })

  it('CN-6: gives an attempt up for the next one, and leaves one socket', async () => {
    await using provider = await wsProvider()
    const { client, open } = at()
    const hanging = open(provider.url, { open: () => new Promise(() => {}) }).catch((error: unknown) => error)
    await provider.connection(0)
    await open(provider.url)
    expect(await hanging).toMatchObject({ reason: { code: 'CONNECTION_CLOSED' } })
    await (
      await provider.connection(0)
    ).closed
    expect(provider.openCount).toBe(1)
    await client.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits after a loss, tells when the time has come, and says so to clients', async () => {
    await using provider = await wsProvider()
    const { seen, client, open } = at()
    await open(provider.url)
    const lostAt = Date.now()
    ;(await provider.connection()).close(1011)
    await eventually(() => expect(seen.gone).toBe(1))
    const { nextAttemptUnixMs = 0, ...outage } = client.outage!
    expect(outage).toEqual({ ...LOST, sinceUnixMs: lostAt })
    expect(nextAttemptUnixMs).toBeGreaterThan(lostAt)
    expect(await client.isDueWithin(0)).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    expect(seen.due).toBe(1)
    expect(await client.isDueWithin(0)).toBe(true)
    expect(client.outage).toEqual({ ...LOST, sinceUnixMs: lostAt })
    await open(provider.url)
    expect(client.outage).toBeUndefined()
    await client.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes a socket that others put there for open', async () => {
    await using provider = await wsProvider()
    const [one, other] = [at(), at()]
    const socket = await one.open(provider.url)
    other.client.failed(new Error('none of its own'))
    expect(other.client.outage).toMatchObject({ code: 'CONNECTION_FAILED' })
    other.place.wsConnection = socket
    other.client.look()
    expect(other.client.outage).toBeUndefined()
    await Promise.all([one.client.stop(), other.client.stop()])
  })

  it('is one of several, which know nothing of each other', async () => {
    await using provider = await wsProvider()
    const several = [at(), at(), at()]
    for (const { open } of several) await open(provider.url)
    ;(await provider.connection(1)).close(1011)
    await eventually(() => expect(several[1]!.client.outage).toBeDefined())
    for (const [n, connection] of provider.connections.entries()) connection.send(`to ${n}`)
    await eventually(() =>
      expect(several.map(({ seen }) => seen.current)).toEqual([['to 0'], ['close'], ['to 2']]),
    )
    expect(several.map(({ client }) => client.outage?.code)).toEqual([undefined, LOST.code, undefined])
    await Promise.all(several.map(({ client }) => client.stop()))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('opens nothing after it was stopped', async () => {
    await using provider = await wsProvider()
    const { client, open } = at()
    await client.stop()
    await expect(open(provider.url)).rejects.toThrow('The transport stopped')
    expect(provider.handshakes).toBe(0)
  })

  it('counts its attempts, and whether it has an active connection', async () => {
    await using provider = await wsProvider()
    const { counts, client, open } = at()
    await open(provider.url)
    await open(provider.url)
    client.retire()
    provider.refuse()
    await open(provider.url).catch(() => {})
    await client.stop()
    expect(counts).toEqual(['attempt', true, 'attempt', false, 'attempt'])
  })

  it('tells of an attempt while it is running', async () => {
    await using provider = await wsProvider()
    const { client, open } = at()
    expect(client.opening).toBeUndefined()
    const opened = open(provider.url)
    await Promise.resolve()
    const { opening } = client
    expect(await opening).toBe(await opened)
    expect(client.opening).toBeUndefined()
    await client.stop()
  })

  it('CN-1: tells those who act for it whether it is still the same', async () => {
    await using provider = await wsProvider()
    const { client, open } = at()
    const isSame = [client.currency()]
    const socket = await open(provider.url)
    isSame.push(client.currency())
    client.retire()
    isSame.push(client.currency())
    expect(isSame.map((is) => is())).toEqual([false, false, true])
    client.use(socket)
    await client.stop()
    expect(isSame[2]!()).toBe(false)
  })

  it('CN-7: where there may be no other, is dialled when every former one has gone', async () => {
    await using provider = await wsProvider()
    const { client, open, seen } = at()
    await open(provider.url)
    const first = await provider.connection(0)
    first.freeze()
    const second = open(provider.url, { isAlone: true })
    // Its goodbye is not answered: it is waited for, and then cut.
    await vi.advanceTimersByTimeAsync(999)
    expect(provider.handshakes).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await second
    expect(provider.handshakes).toBe(2)
    expect(seen.gone).toBe(0)
    first.thaw()
    await client.stop()
  })

  it('CN-7: is not dialled any more where it was retired or stopped meanwhile', async () => {
    await using provider = await wsProvider()
    for (const end of ['retire', 'stop'] as const) {
      const { client, open } = at()
      await open(provider.url)
      const { handshakes } = provider
      const second = open(provider.url, { isAlone: true })
      const ended = client[end]()
      await expect(second).rejects.toThrow('The transport stopped')
      expect(provider.handshakes).toBe(handshakes)
      await ended
      await client.stop()
    }
  })

  it('leaves its place when its opening fails, after it was there', async () => {
    await using provider = await wsProvider()
    const { client, open, place, seen, counts } = at()
    const onOpen = () => {
      throw new Error('no room')
    }
    await expect(open(provider.url, { onOpen })).rejects.toThrow('no room')
    expect([place.wsConnection, seen.gone, counts]).toEqual([undefined, 1, ['attempt', true, false]])
    await client.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps the one in use where another cannot be opened', async () => {
    await using provider = await wsProvider()
    const { client, open, place, seen } = at()
    const socket = await open(provider.url)
    provider.refuse()
    await expect(open(provider.url)).rejects.toThrow()
    expect([place.wsConnection, seen.gone]).toEqual([socket, 0])
    await client.stop()
  })

  it('says what is wrong, until it is looked at while it is open', async () => {
    await using provider = await wsProvider()
    const { client, open, place } = at()
    await open(provider.url)
    client.trouble({ code: 'URL_FAILED', message: 'No URL' })
    expect(client.outage).toMatchObject({ code: 'URL_FAILED' })
    client.look()
    expect(client.outage).toBeUndefined()
    client.held({ code: 'HANDSHAKE_REFUSED', message: 'a pause', delayMs: 500 })
    expect(client.outage).toMatchObject({ code: 'HANDSHAKE_REFUSED', nextAttemptUnixMs: Date.now() + 500 })
    client.retire()
    client.failed(new Error('no'))
    client.look()
    expect([place.wsConnection, client.outage?.code]).toEqual([undefined, 'CONNECTION_FAILED'])
    await client.stop()
  })

  it('is not taken for open while an attempt is under way, or when it has closed', async () => {
    await using provider = await wsProvider()
    const [one, other] = [at(), at()]
    const socket = await one.open(provider.url)
    provider.hang()
    const opening = other.open(provider.url).catch((error: unknown) => error)
    other.client.failed(new Error('before'))
    other.client.use(socket)
    expect(other.client.outage).toBeDefined()
    other.place.wsConnection = undefined
    await other.client.stop()
    await opening
    const third = at()
    ;(await provider.connection(0)).close(1000)
    await eventually(() => expect(socket.readyState).toBe(3))
    third.client.failed(new Error('before'))
    third.client.use(socket)
    expect(third.client.outage).toBeDefined()
    await one.client.stop()
  })

  it('may be opened again at once after an end that was not its fault', async () => {
    await using provider = await wsProvider()
    const { client, open, seen } = at()
    await open(provider.url)
    client.lostWithoutFault({ code: 'CONNECTION_CLOSED', message: 'The provider restarts' })
    expect(client.outage).toEqual({
      code: 'CONNECTION_CLOSED',
      message: 'The provider restarts',
      sinceUnixMs: Date.now(),
    })
    expect([await client.isDueWithin(0), seen.gone]).toEqual([true, 1])
    await client.stop()
  })

  it('CN-12: names why it was given up, where we have ended it', async () => {
    await using provider = await wsProvider()
    const { client, open, seen } = at()
    const socket = await open(provider.url)
    condemn(socket, 'Nothing came for a minute')
    await eventually(() => expect(seen.gone).toBe(1))
    expect(client.outage).toMatchObject({ code: 'UNRESPONSIVE', message: 'Nothing came for a minute' })
    await client.stop()
  })

  it('is not one any more when its end was announced', async () => {
    await using peer = await lingeringPeer()
    const { client, open, counts } = at()
    await open(peer.url)
    const theirs = await peer.connection(0)
    theirs.announceClose(1001)
    await theirs.answered
    await eventually(() => expect(client.outage?.code).toBe('CONNECTION_CLOSED'))
    expect(counts).toEqual(['attempt', true, false])
    await stopLate(client)
  })

  it('is not one any more when its author has closed it, which is seen when it is looked at', async () => {
    await using provider = await wsProvider()
    const { client, open, counts } = at()
    const socket = await open(provider.url)
    const theirs = await provider.connection(0)
    theirs.freeze()
    socket.close()
    expect(client.outage).toBeUndefined()
    client.look()
    expect(client.outage).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(counts).toEqual(['attempt', true, false])
    theirs.thaw()
    await client.stop()
  })

  describe('that is given to another owner', () => {
    it('is heard by that one alone, and the one before it is closed politely', async () => {
      await using provider = await wsProvider()
      const [from, to] = [at(), at()]
      await to.open(provider.url)
      const socket = await from.open(provider.url)
      expect(from.client.release()).toBe(socket)
      const isOfNobody = from.client.currency()
      to.client.adopt(socket, to.listeners)
      ;(await provider.connection(1)).send('news')
      await eventually(() => expect(to.seen.current).toEqual(['news']))
      expect(from.seen).toMatchObject({ current: [], late: [], gone: 1 })
      expect([from.place.wsConnection, to.place.wsConnection]).toEqual([undefined, socket])
      expect([from.counts, to.counts]).toEqual([
        ['attempt', true, false],
        ['attempt', true, 'attempt'],
      ])
      expect(await (await provider.connection(0)).closed).toMatchObject({ code: 1000 })
      expect([isOfNobody(), from.client.release()]).toEqual([true, undefined])
      await Promise.all([from, to].map(({ client }) => client.stop()))
      expect(vi.getTimerCount()).toBe(0)
    })

    it('ends the attempt of that one, and what acted for the former', async () => {
      await using provider = await wsProvider()
      const [from, to] = [at(), at()]
      const socket = await from.open(provider.url)
      const [wasFrom, wasTo] = [from.client.currency(), to.client.currency()]
      provider.hang()
      const attempt = to.open(provider.url).catch((error: unknown) => error)
      await Promise.resolve()
      from.client.release()
      to.client.adopt(socket, to.listeners)
      expect(await attempt).toMatchObject({ message: 'The transport stopped' })
      expect([wasFrom(), wasTo(), to.place.wsConnection]).toEqual([false, false, socket])
      await Promise.all([from, to].map(({ client }) => client.stop()))
    })

    it('CN-2: is watched by that one for the announcement of its end', async () => {
      await using peer = await lingeringPeer()
      const [from, to] = [at(), at()]
      const socket = await from.open(peer.url)
      from.client.release()
      to.client.adopt(socket, to.listeners)
      const theirs = await peer.connection(0)
      theirs.announceClose(1001)
      await theirs.answered
      await eventually(() => expect(to.client.outage?.code).toBe('CONNECTION_CLOSED'))
      expect([from.client.outage, to.counts]).toEqual([undefined, ['attempt', true, false]])
      await stopLate(from.client, to.client)
    })

    it('is one that is open, and was opened here', async () => {
      await using provider = await wsProvider()
      const [one, other] = [at(), at()]
      expect(one.client.release()).toBeUndefined()
      const socket = await one.open(provider.url)
      other.client.use(socket)
      expect(other.client.release()).toBeUndefined()
      socket.close()
      expect(one.client.release()).toBeUndefined()
      await Promise.all([one, other].map(({ client }) => client.stop()))
    })
  })

  it('closes politely what was never in its place', async () => {
    await using provider = await wsProvider()
    const [one, other] = [at(), at()]
    const socket = await one.open(provider.url)
    one.client.release()
    other.client.dismiss(socket)
    expect(await (await provider.connection(0)).closed).toMatchObject({ code: 1000 })
    await other.client.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
