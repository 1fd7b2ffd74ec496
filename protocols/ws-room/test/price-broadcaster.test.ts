import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkChain } from '../auth-chain'
import { sceneIn } from '../packets'
import { parsePrice, priceText, type SentPrice } from '../price'
import { PriceBroadcaster } from '../price-broadcaster'
import { identityOf, key } from './vectors'

const sceneId = 'urn:oracle:prices:v1'
const START = 1_800_000_000_000

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: START }))
afterEach(() => vi.useRealTimers())

const setup = () => {
  const sent: SentPrice[] = []
  const faults: string[] = []
  let outcome: 'sent' | 'full' | 'large' | 'closed' = 'sent'
  const broadcaster = new PriceBroadcaster({
    identity: identityOf('alice', 100_000),
    sceneId,
    repeatEveryMs: 15_000,
    maxAgeMs: 60_000,
    onFault: (fault) => faults.push(fault),
  })
  const outlet = {
    room: 'comms.example.com/rooms/prices',
    update: (body: Uint8Array) => {
      const scene = sceneIn(body)
      expect(scene?.sceneId).toBe(sceneId)
      sent.push(parsePrice(scene!.data)!)
      return outcome
    },
  }
  const answers = (next: typeof outcome) => (outcome = next)
  const take = () => sent.splice(0).map(({ feed, value, seq }) => [feed, value, seq - START])
  return { broadcaster, outlet, sent, take, faults, answers }
}

const price = (value: string, over = {}) => ({ feed: 'ETH/USD', value, observedAt: Date.now(), ...over })

describe('the broadcaster', () => {
  it('signs the whole price for this room', () => {
    const { broadcaster, outlet, sent } = setup()
    broadcaster.joined(outlet)
    broadcaster.publish(price('3150.2500'))
    const [said] = sent
    expect(said).toMatchObject({ feed: 'ETH/USD', value: '3150.2500', observedAt: START, seq: START })
    expect(checkChain(said!.chain, priceText(outlet.room, said!), START)).toEqual({
      ok: true,
      owner: key('alice').address_lower,
    })
  })

  it('keeps the latest value of each feed until there is a room, and says it there', () => {
    const { broadcaster, outlet, take } = setup()
    broadcaster.publish(price('1'))
    broadcaster.publish(price('2'))
    broadcaster.publish(price('7', { feed: 'BTC/USD' }))
    broadcaster.joined(outlet)
    expect(take()).toEqual([
      ['ETH/USD', '2', 0],
      ['BTC/USD', '7', 0],
    ])
    broadcaster.left()
  })

  it('repeats a value under rising numbers for as long as it is fresh', () => {
    const { broadcaster, outlet, take } = setup()
    broadcaster.joined(outlet)
    broadcaster.publish(price('1'))
    vi.advanceTimersByTime(300_000)
    expect(take()).toEqual([0, 1, 2, 3, 4].map((seq) => ['ETH/USD', '1', seq]))
    broadcaster.left()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says nothing outside the room, nor an older value after a newer', () => {
    const { broadcaster, outlet, take } = setup()
    broadcaster.joined(outlet)
    broadcaster.publish(price('1'))
    broadcaster.publish(price('0', { observedAt: START - 1 }))
    broadcaster.left()
    broadcaster.publish(price('2'))
    vi.advanceTimersByTime(60_000)
    expect(take()).toEqual([['ETH/USD', '1', 0]])
  })

  it('gives a message that was dropped its number, so that the loss is seen', () => {
    const { broadcaster, outlet, take, faults, answers } = setup()
    broadcaster.joined(outlet)
    answers('full')
    broadcaster.publish(price('1'))
    answers('sent')
    broadcaster.publish(price('2'))
    expect(take()).toEqual([
      ['ETH/USD', '1', 0],
      ['ETH/USD', '2', 1],
    ])
    answers('large')
    broadcaster.publish(price('3'))
    expect(faults).toEqual(['publish-full', 'publish-large'])
    broadcaster.left()
  })

  it('says nothing any more once its key has expired', () => {
    const { broadcaster, outlet, take, faults } = setup()
    broadcaster.joined(outlet)
    vi.setSystemTime(START + 100_000)
    broadcaster.publish(price('1'))
    expect([take(), faults]).toEqual([[], ['publish-key-expired']])
    broadcaster.left()
  })

  it.each([
    { feed: '' },
    { feed: 'a\nb' },
    { value: '1e3' },
    { value: 1 },
    { observedAt: 1.5 },
    { observedAt: -1 },
  ])('refuses what no receiver would take: %j', (wrong) => {
    const { broadcaster } = setup()
    expect(() => broadcaster.publish(price('1', wrong))).toThrow()
  })

  it('takes a thousand feeds', () => {
    const { broadcaster } = setup()
    for (let feed = 0; feed < 1_000; feed++) broadcaster.publish(price('1', { feed: `F${feed}` }))
    expect(() => broadcaster.publish(price('1', { feed: 'one more' }))).toThrow('No more than 1000 feeds')
    expect(() => broadcaster.publish(price('2', { feed: 'F1' }))).not.toThrow()
  })
})
