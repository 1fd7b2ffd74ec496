import { expect, it } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../helpers/eventually'
import { config, start, type Tick } from './support'

const TICKS = 100_000
const FEEDS = 50
/** Some messages have many ticks, some have one. */
const SIZES = [997, 1, 3, 499]

it('RS-3: of a hundred thousand ticks at once the last of each feed is served, and none before an earlier one', async () => {
  await using provider = await wsProvider()
  await using service = await start(config(provider.url))
  const params = (feed: number) => ({ base: `F${feed}`, quote: 'USD' })
  void service.post(params(0))
  const connection = await provider.connection()
  const served: number[] = []
  let isOver = false
  const looking = (async () => {
    while (!isOver) {
      const { json } = await service.post(params(7))
      if (json.result !== undefined) served.push(json.result as number)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  for (let sent = 0, turn = 0; sent < TICKS; turn++) {
    const size = Math.min(SIZES[turn % SIZES.length]!, TICKS - sent)
    const ticks = Array.from({ length: size }, (_, n): Tick => ({
      ...params((sent + n) % FEEDS),
      price: sent + n + 1,
    }))
    connection.send({ ticks })
    sent += size
    if (turn % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const last = (feed: number) => TICKS - FEEDS + feed + 1
  await service.until(params(FEEDS - 1), ({ json }) => json.result === TICKS)
  isOver = true
  await looking
  for (let feed = 0; feed < FEEDS; feed++)
    expect((await service.post(params(feed))).json.result).toBe(last(feed))
  expect(served.length).toBeGreaterThan(0)
  expect(served).toEqual([...served].sort((a, b) => a - b))
  await eventually(() => expect(connection.isOpen).toBe(true))
})
