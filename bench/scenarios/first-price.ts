import { setTimeout as pause } from 'node:timers/promises'
import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askAtOnce, askOnce } from '../load/ask'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

const BURST = 500
/** Longer than subscriptions may be held back to go out together. */
const BETWEEN_MS = 25

/** What asks for feeds, how many of them at once, and how often. */
interface Crowd<S extends string> {
  provider: Target
  targets: Record<S | 'ours', Target>
  count: number
  turns: number
}

/** Asks each side for so many feeds that nobody asked for before, all at once. @returns ms until the last is answered */
export const firstPrices = async <S extends string>(bench: Bench, crowd: Crowd<S>) => {
  const { provider, targets, count, turns } = crowd
  const sides = Object.keys(targets) as (S | 'ours')[]
  for (const side of sides) await askOnce(targets[side].port, feeds(1), isPriceOf)
  await bench.measured(targets.ours)
  const rounds = await alternate(sides, turns, async (side, turn) => {
    await pause(BETWEEN_MS)
    return askAtOnce(targets[side].port, feeds(count, 1 + turn * count), isPriceOf)
  })
  await bench.stop(...Object.values<Target>(targets), provider)
  return rounds
}

const measure = async (bench: Bench, count: number, turns: number) => {
  const provider = await bench.provider()
  const targets = { ours: await bench.ours(provider), adapter: await bench.adapter(provider) }
  return firstPrices(bench, { provider, targets, count, turns })
}

export const scenarios: Scenario[] = [
  {
    name: 'first-price',
    rows: [
      {
        measure: 'first price of a new feed',
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [
          { of: 'floor', atMost: 3 },
          { of: 'ours', atMost: 12 },
        ],
        isHeadline: true,
      },
      {
        measure: `first prices of ${BURST} new feeds at once, until the last`,
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'floor', atMost: 1.5 }],
        isHeadline: true,
      },
    ],
    run: async (bench) => {
      const fresh = bench.times(3, 1)
      const single = await repeated(fresh, () => measure(bench, 1, bench.times(40, 20)))
      const burst = await repeated(fresh, () => measure(bench, BURST, bench.times(4, 2)))
      return [figuresOf(single, (ms) => ms, 'adapter'), figuresOf(burst, (ms) => ms, 'adapter')]
    },
  },
]
