import { type BelievedPrice, type WsRoomOptions } from '../config'
import { Inbox } from '../../../src/testing/inbox'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { Room } from '../room'
import { key, keyOf } from './vectors'

/** Pauses short enough for a test. */
const limits = { minMs: 10, maxMs: 100, factor: 2 }

/** A member of a room without an adapter around it. Enters at once; ends with the test that awaits its disposal. */
export const member = (
  name: string,
  place: WsRoomOptions['place'],
  options: Partial<WsRoomOptions> = {},
  isKnownFeed = (feed: string) => feed.includes('/'),
) => {
  const prices = new Inbox<BelievedPrice>('a price', GUARD_MS)
  const faults = new Inbox<string>('a fault', GUARD_MS)
  const { privateKey, delegation } = keyOf(name)
  const room = new Room(
    {
      place,
      privateKey,
      delegation,
      signers: [key('alice').address_checksum],
      allowPlaintext: true,
      ...options,
    },
    limits,
    {
      connectionStringOf: () => Promise.reject(new Error('no realm here')),
      isKnownFeed,
      onConnected: () => {},
      onPrice: (price) => prices.put(price),
      onFault: (reason) => faults.put(reason),
    },
  )
  room.tend()
  return { room, prices, faults, [Symbol.asyncDispose]: () => room.stop() }
}
