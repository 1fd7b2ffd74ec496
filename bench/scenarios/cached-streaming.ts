import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { fixedRate } from '../load/fixed-rate'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'adapter' | 'reference'

const FEEDS = 100
const MESSAGES_PER_SECOND = 5_000
/** Far from what any side but the reference can take: latency at rest, not in a jam. */
const REQUESTS_PER_SECOND = 1_000
const what = `cached POST, ${FEEDS} feeds, while 5 000 messages/s stream in`

const whileStreaming = async <R>(bench: Bench, provider: Target, work: () => Promise<R>): Promise<R> => {
  const startedAt = performance.now()
  await provider.tell('startStream', { perSecond: MESSAGES_PER_SECOND })
  const result = await work()
  const sent = await provider.tell<number>('stopStream')
  const wanted = (MESSAGES_PER_SECOND * (performance.now() - startedAt)) / 1_000
  if (sent < wanted * 0.95) bench.note(`the provider sent only ${sent} of ${Math.round(wanted)} messages`)
  return result
}

const measure = async (bench: Bench, sides: Side[]) => {
  const bases = feeds(FEEDS)
  const pairs = await bench.pairs(sides)
  const round = async (side: Side, seconds: number) => {
    const { provider, target } = pairs[side]
    return whileStreaming(bench, provider, async () => {
      const { perCpuSecond } = await bench.load(target, { bases, check: isPriceOf }, seconds)
      const load = { port: target.port, bases, check: isPriceOf }
      const { p99Ms } = await fixedRate(load, REQUESTS_PER_SECOND, 2 * seconds)
      return { perCpuSecond, p99Ms }
    })
  }
  for (const side of sides) {
    await askOnce(pairs[side].target.port, bases, isPriceOf)
    await round(side, bench.times(0.75, 0.5))
  }
  await bench.measured(pairs.ours.target)
  const rounds = await alternate(sides, bench.times(4, 3), (side) => round(side, bench.times(0.75, 0.5)))
  await bench.stopPairs(pairs)
  return rounds
}

export const scenarios: Scenario[] = [
  {
    name: 'cached-streaming',
    rows: [
      {
        measure: what,
        unit: 'requests/CPU s',
        floor: 'bare adapter',
        wanted: [{ of: 'reference', atLeast: 6 }],
        isHeadline: true,
      },
      {
        measure: `${what}, p99 at 1 000 requests/s`,
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'floor', atMost: 2 }],
      },
    ],
    run: async (bench) => {
      const sides = bench.sides<Side>('ours', 'adapter', 'reference')
      const rounds = await repeated(bench.times(2, 1), () => measure(bench, sides))
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'adapter'),
        figuresOf(rounds, (round) => round.p99Ms, 'adapter'),
      ]
    },
  },
]
