import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProcessState } from '../../src/http/process-state'
import { buildAdapterServer } from '../../src/http/server'
import { ownViews } from '../../src/http/views'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { IS_WAITING } from '../../src/transports/capabilities'
import { eventually } from '../helpers/eventually'
import { makeAcme } from '../testing/acme'
import { stillAdapter, StillTransport } from './support'

const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] as const

/** Loops may be silent for two seconds. */
const SHORT = { BACKGROUND_EXECUTE_TIMEOUT: '1000', API_TIMEOUT: '1000', WS_CONNECTION_OPEN_TIMEOUT: '500' }

class FrozenTransport extends StillTransport {
  isFrozen = false
  isExcused = false
  go = () => {}

  override backgroundHandler(): Promise<void> {
    return this.isFrozen ? new Promise((resolve) => (this.go = resolve)) : Promise.resolve()
  }

  [IS_WAITING](): boolean {
    return this.isExcused
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...FAKED], now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('GET /live', () => {
  it('LC-1: answers 503 and names the loop that hangs, since when, until it goes round again', async () => {
    const transport = new FrozenTransport()
    await using service = await serve(stillAdapter({ transport }).adapter, { env: SHORT })
    const ask = async () => {
      const reply = await service.api.inject('/live')
      return [reply.statusCode, reply.json<unknown>()]
    }
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await ask()).toEqual([200, { status: 'live', loops: 1, hanging: [] }])
    transport.isFrozen = true
    await vi.advanceTimersByTimeAsync(1_500)
    expect((await ask())[0]).toBe(200)
    await vi.advanceTimersByTimeAsync(1_000)
    const loop = 'execute loop of TEST, endpoint price, transport default_single_transport'
    const hanging = [{ loop, sinceUnixMs: expect.any(Number) as number, withinMs: 2_000 }]
    expect(await ask()).toEqual([503, { status: 'hanging', loops: 1, hanging }])
    // A run that is given up has not gone round.
    await vi.advanceTimersByTimeAsync(60_000)
    const [status, body] = await ask()
    expect(status).toBe(503)
    const { sinceUnixMs } = (body as { hanging: { sinceUnixMs: number }[] }).hanging[0]!
    expect(Math.abs(sinceUnixMs - 1_060_000)).toBeLessThan(100)
    transport.isFrozen = false
    transport.go()
    await vi.advanceTimersByTimeAsync(20)
    expect((await ask())[0]).toBe(200)
  })

  it('LC-7: answers 200 while a run waits for its turn at the provider, however long that takes', async () => {
    const transport = new FrozenTransport()
    transport.isFrozen = transport.isExcused = true
    await using service = await serve(stillAdapter({ transport }).adapter, { env: SHORT })
    await vi.advanceTimersByTimeAsync(600_000)
    expect((await service.api.inject('/live')).statusCode).toBe(200)
    transport.isExcused = false
    expect((await service.api.inject('/live')).statusCode).toBe(503)
  })

  it('LC-7: answers 200 while the provider refuses every connection', async () => {
    vi.useRealTimers()
    await using provider = await wsProvider()
    provider.refuse()
    await using service = await serve(makeAcme, { env: { WS_API_ENDPOINT: provider.url } })
    const { statusCode } = await service.post({ base: 'ETH', quote: 'USD' })
    expect(statusCode).toBe(504)
    const reply = await service.api.inject('/live')
    expect([reply.statusCode, reply.json()]).toMatchObject([200, { status: 'live' }])
  })

  it('LC-1: shows afterwards that the event loop stood still, and for how long', async () => {
    vi.useRealTimers()
    const { adapter } = stillAdapter()
    const state = new ProcessState()
    await adapter.initialize()
    const app = await buildAdapterServer(adapter, ownViews([adapter], state))
    state.watchEventLoop()
    const ask = async () => (await app.inject('/live')).json<{ stalls?: { forMs: number }[] }>()
    expect(await ask()).not.toHaveProperty('stalls')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
    const { stalls } = await eventually(async () => {
      const body = await ask()
      expect(body.stalls).toMatchObject([{ process: process.pid }])
      return body
    })
    expect(stalls![0]!.forMs).toBeGreaterThan(1_000)
    expect((await app.inject('/live')).statusCode).toBe(200)
    state.stopping()
    await app.close()
    await adapter.disconnect()
  })

  it('LC-1: names the event loop when its timers no longer fire', async () => {
    const { adapter } = stillAdapter()
    const state = new ProcessState()
    await adapter.initialize()
    const app = await buildAdapterServer(adapter, ownViews([adapter], state))
    const set = vi.spyOn(globalThis, 'setInterval')
    state.watchEventLoop()
    const ask = async () => (await app.inject('/live')).json<{ hanging: { loop: string }[] }>().hanging
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await ask()).toEqual([])
    for (const { value } of set.mock.results) clearInterval(value as NodeJS.Timeout)
    vi.advanceTimersByTime(10_001)
    expect((await ask()).map(({ loop }) => loop)).toEqual(['timers of the event loop'])
    state.stopping()
    expect(await ask()).toEqual([])
    await app.close()
    await adapter.disconnect()
  })
})
