import { expect, it } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { leaveConnection } from '../../../src/transports/capabilities'
import { config, counter, ETH, start } from './support'

it('SB-2: a transport that has left its connection in the middle of a pass subscribes again on another one', async () => {
  await using provider = await wsProvider()
  const opened = counter()
  const first = opened.more(1)
  let goOn = () => {}
  const held = new Promise<void>((resolve) => (goOn = resolve))
  const open = async () => {
    opened.hit()
    if (opened.count === 1) await held
  }
  await using service = await start(config(provider.url, { handlers: { open } as never }))
  await service.transport.want(ETH, 'eth')
  await first
  leaveConnection(service.transport)
  // What the pass does that has begun is not to be believed: its connection is gone.
  goOn()
  const second = await provider.connection(1)
  expect(await second.next()).toBe('+ETH/USD')
})
