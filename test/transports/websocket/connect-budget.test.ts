import { describe, expect, it } from 'vitest'
import { ConnectBudget } from '../../../src/transports/websocket/pacing/connect-budget'

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
})
