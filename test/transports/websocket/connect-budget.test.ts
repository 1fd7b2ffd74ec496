import { afterEach, describe, expect, it, vi } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import { HandshakeRefusal } from '../../../src/connections/handshake-refusal'
import { wsProvider } from '../../../src/testing/ws-provider'
import { ConnectBudget } from '../../../src/transports/websocket/pacing/connect-budget'

import { FAKED } from './support'

afterEach(() => void vi.useRealTimers())

const URL = 'ws://127.0.0.1:1'
const nothing = () => {}
const opens = () => Promise.resolve()

describe('the connects of a transport', () => {
  it('are left to others by half where a connection is sparing', async () => {
    const budget = new ConnectBudget(
      { count: 4, perMs: 60_000 },
      () => {},
      () => {},
    )
    const url = 'ws://127.0.0.1:1'
    const connect = () => budget.attempt(url, undefined, () => Promise.resolve())
    await connect()
    expect(budget.holdAside(url, true)).toBeUndefined()
    await connect()
    expect(budget.holdAside(url, true)?.code).toBe('RATE_LIMITED')
    expect(budget.holdAside(url)).toBeUndefined()
    await connect()
    expect(budget.holdAside(url)?.code).toBe('RATE_LIMITED')
    expect(budget.holdAt(url)).toBeUndefined()
    budget.stop()
  })

  it('are claimed in the moment in which one is decided on, and given back where the provider has not noticed', async () => {
    let freed = 0
    const budget = new ConnectBudget(
      { count: 3, perMs: 60_000 },
      () => freed++,
      () => {},
    )
    const url = 'ws://127.0.0.1:1'
    const first = budget.claimAside(url)
    const second = budget.claimAside(url)
    expect([first, second].every((claim) => claim !== undefined)).toBe(true)
    expect(budget.claimAside(url)).toBeUndefined()
    expect(budget.hold).toBeUndefined()
    const main = budget.claim()
    expect(budget.hold?.code).toBe('RATE_LIMITED')
    const refused = budget.attempt(url, undefined, () => Promise.reject(new Error('refused')))
    await expect(refused).rejects.toThrow('refused')
    first?.()
    first?.()
    expect(freed).toBe(1)
    main()
    expect(budget.hold).toBeUndefined()
    expect(budget.claimAside(url)).toBeDefined()
    budget.stop()
  })

  it('that are used up are named, with the time until there may be another', async () => {
    vi.useFakeTimers(FAKED)
    const budget = new ConnectBudget({ count: 3, perMs: 10_000 }, nothing, nothing)
    for (let count = 0; count < 3; count++) {
      await budget.attempt(URL, undefined, opens)
      await vi.advanceTimersByTimeAsync(2_000)
    }
    const message = 'the limit of 3 connections in 10 s is used up'
    // A quarter of a second for the way to the provider.
    expect(budget.hold).toEqual({ code: 'RATE_LIMITED', message, delayMs: 4_250 })
    expect(budget.holdAt(URL)).toEqual(budget.hold)
    // One is left to the main connection, and each that is claimed needs its own.
    expect(budget.holdAside(URL)?.delayMs).toBe(6_250)
    budget.claim()
    expect(budget.hold?.delayMs).toBe(6_250)
    await vi.advanceTimersByTimeAsync(10_000)
    for (let count = 0; count < 2; count++) budget.claim()
    expect(budget.hold?.delayMs).toBe(10_000)
    budget.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are not held without a limit, and nobody is told of room', async () => {
    let freed = 0
    const budget = new ConnectBudget(undefined, () => freed++, nothing)
    for (let count = 0; count < 100; count++) budget.claimAside(URL)!()
    expect([budget.hold, budget.holdAside(URL, true), freed]).toEqual([undefined, undefined, 0])
    const options = {}
    await budget.attempt(URL, options, (given) => Promise.resolve(expect(given).toBe(options)))
    budget.stop()
  })

  it('are held where the host has a pause, until what it refused has changed', async () => {
    const budget = new ConnectBudget({ count: 9, perMs: 1_000 }, nothing, nothing)
    const cause = new HandshakeRefusal(401, undefined)
    const refused = budget.attempt(URL, undefined, () => Promise.reject(new Error('refused', { cause })))
    await expect(refused).rejects.toThrow('refused')
    expect(budget.hold).toBeUndefined()
    for (const hold of [budget.holdAt(URL), budget.holdAside(URL)])
      expect(hold?.code).toBe('HANDSHAKE_REFUSED')
    expect(budget.claimAside(URL)).toBeUndefined()
    budget.forgive(URL)
    expect([budget.holdAt(URL), budget.holdAside(URL)]).toEqual([undefined, undefined])
    budget.stop()
  })

  it('count when the provider has accepted the TCP connection, whatever becomes of it, and no sooner', async () => {
    await using provider = await wsProvider()
    provider.refuse(500)
    const budget = new ConnectBudget({ count: 1, perMs: 3_600_000 }, nothing, nothing)
    const dial = (url: string, own: ClientOptions) =>
      budget.attempt(url, own, async (options) => {
        const socket = new WebSocket(url, options)
        await new Promise((_, reject) => socket.on('error', reject))
      })
    await expect(dial(URL, {})).rejects.toThrow('ECONNREFUSED')
    expect(budget.hold).toBeUndefined()
    let finished = 0
    const finishRequest: ClientOptions['finishRequest'] = (request) => {
      finished++
      request.end()
    }
    await expect(dial(provider.url, { finishRequest })).rejects.toThrow('500')
    expect(finished).toBe(1)
    expect(budget.hold?.code).toBe('RATE_LIMITED')
    budget.stop()
  })
})
