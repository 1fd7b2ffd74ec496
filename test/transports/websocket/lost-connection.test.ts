import { beforeAll, describe, expect, it } from 'vitest'
import { type WebsocketTransportGenerics } from '../../../src/transports/websocket/config'
import { Losses } from '../../../src/transports/websocket/lost-connection'
import { OutageLines } from '../../../src/connections/outage-lines'
import { LoggerFactoryProvider, makeLogger } from '../../../src/util/logging'
import { WakeSignal } from '../../../src/util/wake-signal'

type Of = ConstructorParameters<typeof Losses<WebsocketTransportGenerics>>[0]

beforeAll(() => LoggerFactoryProvider.set())

/** What becomes of a loss, where its owner would lay it to single feeds. */
const outcome = ({ isOurDoing = false, isAuth = false }): string[] => {
  const done: string[] = []
  const losses = new Losses<WebsocketTransportGenerics>({
    host: { lastMessageReceivedAt: 1, connectionOpenedAt: 0 },
    client: { lost: () => done.push('lost'), lostWithoutFault: () => done.push('without fault') },
    failover: { add: () => done.push('counted'), lost: () => void done.push('URL blamed'), openForMs: 5 },
    credential: { closed: () => isAuth },
    wake: new WakeSignal(),
    outages: new OutageLines({}, makeLogger('Test')),
    isLaidToFeeds: () => true,
  } as unknown as Of)
  losses.take({ code: 1008, reason: 'none', url: 'ws://a', context: {} as never, isOurDoing })
  return done
}

describe('a connection that was lost soon after feeds were subscribed', () => {
  it('is laid to them where the provider closed it', () => {
    expect(outcome({})).toEqual(['without fault'])
  })

  it('is not laid to them where we ended it, because it did not answer or did not read', () => {
    expect(outcome({ isOurDoing: true })).toEqual(['counted', 'URL blamed', 'lost'])
  })

  it('is not laid to them, nor to its URL, where the provider refused the credential', () => {
    expect(outcome({ isAuth: true })).toEqual(['counted', 'lost'])
  })
})
