import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type WebSocket from 'ws'
import { ClientSocket, type Opening, type Place } from '../../src/connections/client-socket'
import { Retry } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { wsProvider } from '../../src/testing/ws-provider'
import { steadyBackoff } from '../../src/util/backoff'
import { LoggerFactoryProvider } from '../../src/util/logging'
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
  const client = new ClientSocket<void>(place, new Retry(steadyBackoff(100)), () => seen.gone++)
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
  return { place, seen, client, open }
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
})
