import { describe, expect, it } from 'vitest'
import { ConnectBudget } from '../../../src/transports/websocket/pacing/connect-budget'
import { Lane, type LaneParts } from '../../../src/transports/websocket/care/lane'
import { type WebsocketTransportGenerics } from '../../../src/transports/websocket/config'
import { OPEN } from '../../../src/connections/socket'

type Parts = LaneParts<WebsocketTransportGenerics>

/** A lane whose builder makes one message a call, as long as feeds are left, and which has room again when it is told. */
const laneWith = (feeds: string[]) => {
  const sent: unknown[] = []
  let left: string[] = []
  let makeRoom = (): void => {}
  const parts = {
    transport: {
      wsConnection: { readyState: OPEN },
      subscriptionMessageBuilder: (_context: unknown, { new: fresh }: { new: unknown[] }) => {
        if (fresh.length > 0) left = [...feeds]
        return left.splice(0, 1)
      },
      sendMessages: (_context: unknown, messages: unknown[]) => Promise.resolve(void sent.push(...messages)),
    },
    isHolding: () => left.length > 0,
    room: () => new Promise<void>((resolve) => (makeRoom = resolve)),
  } as unknown as Parts
  const lane = new Lane<WebsocketTransportGenerics>(() => parts, {} as never)
  return { lane, sent, makeRoom: () => makeRoom() }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a lane', () => {
  it('has not changed its subscriptions before all messages of the change are sent', async () => {
    const { lane, sent, makeRoom } = laneWith(['A', 'B', 'C'])
    let isDone = false
    const changed = lane.change([{}]).then(() => (isDone = true))
    for (const soFar of [['A'], ['A', 'B']]) {
      await turn()
      expect(sent).toEqual(soFar)
      expect(isDone).toBe(false)
      makeRoom()
    }
    await changed
    expect(sent).toEqual(['A', 'B', 'C'])
  })
})

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
