import { describe, expect, it } from 'vitest'
import { createPriceEndpoint } from '../../../endpoints/bitfinex/price'
import { bench, expectedOf, expectPrices, frameOf, titled, type Vector } from '../vectors'
import { refused, subscribed, ticker } from './messages'

const ethUsd = { base: 'ETH', quote: 'USD' }
const btcUsd = { base: 'BTC', quote: 'USD' }

/** The state that a recorded frame depends on: which channel is whose, and what the recorder had switched on. */
const contextOf = ({ context = '', source }: Vector): object[] => {
  const channel = /chanId (\d+) = (t[^;\s]+)/.exec(context)
  const both = context.includes('TIMESTAMP|SEQ_ALL')
  const flags = both ? 98_304 : source.includes('conf flag 65536') ? 65_536 : 0
  const conf = { event: 'conf', status: 'OK', flags }
  return channel === null ? [conf] : [conf, subscribed(channel[2]!, Number(channel[1]))]
}

describe('the frames of Bitfinex', () => {
  it.each(titled('in', 'bitfinex'))('become the price they hold, or none: %s', (_title, vector) => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    const expected = expectedOf(vector)
    subscribe(btcUsd, ...expected)
    for (const frame of contextOf(vector)) receive(frame)
    expectPrices(receive(vector.frame), expected)
  })

  it.each(titled('in', 'coinbase', 'kraken'))(
    'ID-3: are told from those of other venues: %s',
    (_title, one) => {
      const { subscribe, receive } = bench(createPriceEndpoint())
      subscribe(btcUsd, ethUsd)
      expect(receive(one.frame)).toEqual([])
    },
  )

  it('are asked for one by one, written as Bitfinex documents it, and ended by channel', () => {
    const { subscribe, unsubscribe, receive } = bench(createPriceEndpoint())
    const pair = { base: 'BFT', quote: 'USD' }
    const frames = subscribe(pair, btcUsd)
    expect(frames.map((frame) => JSON.stringify(frame))).toEqual([
      frameOf('bitfinex', 'subscribe', 'tBFTUSD'),
      frameOf('bitfinex', 'subscribe', 'tBFTUSD').replace('BFT', 'BTC'),
    ])
    receive(subscribed('tBTCUSD', 71_182))
    expect(JSON.stringify(unsubscribe(btcUsd)[0])).toBe(frameOf('bitfinex', 'unsubscribe'))
  })

  it('ID-3: of a derivative never pass for a spot price', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe({ base: 'BTC', quote: 'USDT' })
    receive(subscribed('tBTCF0:USTF0', 5))
    expect(receive(ticker(5, 1))).toEqual([])
    receive(subscribed('tBTCUST', 6))
    expect(receive(ticker(6, 2))).toHaveLength(1)
  })

  it('ID-3: of an adopted channel are taken, of a channel of another kind are not', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(btcUsd)
    receive(refused('tBTCUSD', 10301, 'subscribe: dup', { chanId: 8, channel: 'book' }))
    expect(receive(ticker(8, 1))).toEqual([])
    receive(refused('tBTCUSD', 10301, 'subscribe: dup', { chanId: 9 }))
    expect(receive(ticker(9, 1))).toHaveLength(1)
  })

  it('have no time unless the flag for it is in force, whatever they end with', () => {
    const { subscribe, receive } = bench(createPriceEndpoint())
    subscribe(btcUsd)
    receive(subscribed('tBTCUSD', 1))
    const timeOf = (flags: number, frame: unknown[]) => {
      receive({ event: 'conf', status: 'OK', flags })
      return receive(frame)[0]?.response.timestamps?.providerIndicatedTimeUnixMs
    }
    const [time, sequence] = [1_700_000_000_000, 1_600_000_000_000]
    const frame = ticker(1, 1000, time)
    expect(timeOf(0, frame)).toBeUndefined()
    expect(timeOf(65_536, frame)).toBeUndefined()
    expect(timeOf(32_768, frame)).toBe(time)
    expect(timeOf(98_304, [...frame.slice(0, 2), sequence, time])).toBe(time)
  })
})
