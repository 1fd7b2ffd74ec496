import { describe, expect, it } from 'vitest'
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
