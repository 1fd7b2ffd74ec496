/** What must never be served as good by the package's own adapters, because it means something else. */
import { SETTLED_MS } from './limits.mjs'
import { krakenStatus } from './venues.mjs'
import { pause, within } from '../outside/waiting.mjs'

const QUOTE = { bid: 53_990, ask: 54_010 }

/** A trade that the book says nothing of any more. */
const oldTrade = async (feed) => {
  feed.tick(60_000, QUOTE)
  const wrong = await within(
    3 * SETTLED_MS,
    () => feed.ask(),
    ({ status, result }) => status === 200 && result === 60_000,
  )
  const { status, result } = wrong ?? (await feed.ask())
  const ok = status !== 200 || result === 54_000
  return { ok, saw: status === 200 ? `${result} served as good` : `${status}` }
}

const states = ['cancel_only', 'post_only'].map((system) => ({
  name: `kraken, ${system}`,
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('kraken')
    feed.tick(54_000, QUOTE)
    await feed.value()
    feed.provider.send(krakenStatus(system))
    await pause(SETTLED_MS)
    return oldTrade(feed)
  },
}))

const online = {
  name: 'kraken, online',
  only: 'ours',
  async run(bench) {
    const feed = await bench.feed('kraken')
    feed.tick(54_000, QUOTE)
    await feed.value()
    return oldTrade(feed)
  },
}

const PRICES = { USDe: 1, USDE: 777 }

const letterCase = ['coinbase', 'kraken', 'bitfinex'].flatMap((kind) =>
  [Object.keys(PRICES), Object.keys(PRICES).reverse()].map((bases) => ({
    name: `${kind}, ${bases[0]} first`,
    only: 'ours',
    async run(bench) {
      const feed = await bench.feed(kind)
      for (const base of bases) feed.tick(PRICES[base], {}, feed.venue.symbolOf(base, 'USD'))
      const seen = new Map(bases.map((base) => [base, new Set()]))
      for (let round = 0; round < 8; round++) {
        for (const base of bases) {
          const { status, result } = await feed.ask({ base, quote: 'USD' })
          seen.get(base).add(status === 200 ? result : `${status}`)
        }
        await pause(100)
      }
      // The first answers may come before the first price.
      for (const answers of seen.values()) if (answers.size > 1) answers.delete('504')
      const isOwn = (base) =>
        [...seen.get(base)].every((one) => typeof one === 'string' || one === PRICES[base])
      const saw = bases.map((base) => `${base} ${[...seen.get(base)].join(' and ')}`).join(', ')
      return { ok: bases.every(isOwn), saw }
    },
  })),
)

export const venueLines = [
  {
    name: 'no-trading',
    law: 'FR-1',
    scenario:
      'Kraken takes no orders (`cancel_only`, `post_only`); book 53990/54010, last trade 60000, time of now',
    right: 'an error, or the mid',
    cases: states,
  },
  {
    name: 'last-outside-the-book',
    law: 'FR-1',
    scenario: 'Kraken is online; book 53990/54010, last trade 60000, time of now',
    right: 'the mid',
    cases: [online],
  },
  {
    name: 'letter-case',
    law: 'ID-1',
    scenario: 'an exchange lists `USDe` at 1 and `USDE` at 777',
    right: 'never the price of the other',
    cases: letterCase,
  },
]
