import { type Bench } from '../bench'
import { machineMs } from '../clock'
import { feeds } from '../feeds'
import { askOnce, watch } from '../load/ask'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { delaysOf, percentile } from '../measure/statistics'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'adapter'

const sides: Side[] = ['ours', 'adapter']

const TICKS_PER_SECOND = 250
const FEED = feeds(1)[0] as string

const measure = async (bench: Bench) => {
  const pairs = await bench.pairs(sides)
  for (const { target } of Object.values(pairs))
    await askOnce(target.port, [FEED], (_base, result) => typeof result === 'number')
  const round = async (side: Side, seconds: number) => {
    const { provider, target } = pairs[side]
    const sending = provider.tell<number[]>('sendTimes', { perSecond: TICKS_PER_SECOND, seconds })
    const seen = await watch(target.port, FEED, seconds + 0.2, machineMs)
    const delays = delaysOf(await sending, seen)
    return { p50Ms: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99) }
  }
  for (const side of sides) await round(side, 1)
  await bench.measured(pairs.ours.target)
  const rounds = await alternate(sides, bench.times(3, 2), (side) => round(side, 2))
  await bench.stopPairs(pairs)
  return rounds
}

const what = "from a provider's send to a POST that shows it"

export const scenarios: Scenario[] = [
  {
    name: 'freshness',
    rows: [
      {
        measure: `${what}, p99`,
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'floor', atMost: 1.3 }],
        isHeadline: true,
      },
      { measure: `${what}, median`, unit: 'ms', floor: 'bare adapter', wanted: [] },
    ],
    run: async (bench) => {
      const rounds = await repeated(bench.times(2, 1), () => measure(bench))
      return [
        figuresOf(rounds, (round) => round.p99Ms, 'adapter'),
        figuresOf(rounds, (round) => round.p50Ms, 'adapter'),
      ]
    },
  },
]
