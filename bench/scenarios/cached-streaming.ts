import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { fixedRate } from '../load/fixed-rate'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'adapter' | 'reference'

const CONNECTIONS = 50
const MESSAGES_PER_SECOND = 5_000
/** Far from what any side but the reference can take: latency at rest, not in a jam. */
const REQUESTS_PER_SECOND = 1_000
/** The first request of each connection is among them: in a second they would be one in twenty, and nodes keep their connections. */
const CALM_SECONDS = 3

const whileStreaming = async <R>(bench: Bench, provider: Target, work: () => Promise<R>): Promise<R> => {
  const startedAt = performance.now()
  await provider.tell('startStream', { perSecond: MESSAGES_PER_SECOND })
  const result = await work()
  const sent = await provider.tell<number>('stopStream')
  const wanted = (MESSAGES_PER_SECOND * (performance.now() - startedAt)) / 1_000
  if (sent < wanted * 0.95) bench.note(`the provider sent only ${sent} of ${Math.round(wanted)} messages`)
  return result
}

const measure = async (bench: Bench, count: number, sides: Side[]) => {
  const bases = feeds(count)
  const pairs = await bench.pairs(sides)
  const round = async (side: Side, seconds: number) => {
    const { provider, target } = pairs[side]
    const load = { bases, check: isPriceOf, asNode: true, connections: CONNECTIONS }
    return whileStreaming(bench, provider, async () => {
      const jam = await bench.load(target, load, seconds)
      const calm = await fixedRate(
        { ...load, port: target.port },
        REQUESTS_PER_SECOND,
        bench.times(CALM_SECONDS, 1),
      )
      return { ...jam, calmP99Ms: calm.p99Ms }
    })
  }
  for (const side of sides) {
    await askOnce(pairs[side].target.port, bases, isPriceOf)
    await round(side, bench.times(0.75, 0.5))
  }
  await bench.measured(pairs.ours.target)
  const rounds = await alternate(sides, bench.times(4, 2), (side) => round(side, 0.5))
  await bench.stopPairs(pairs)
  return rounds
}

/** As nodes ask. @param fresh - how often all of it is measured with new processes */
const streaming = (count: number, fresh: number): Scenario => {
  const what = `cached POST, ${count} feeds, every body different, while 5 000 messages/s stream in`
  const floor = 'bare adapter'
  return {
    name: `cached-streaming-${count}`,
    group: 'nodes',
    rows: [
      {
        measure: `${what}, ${CONNECTIONS} connections`,
        unit: 'requests/CPU s',
        floor,
        wanted: [{ of: 'reference', atLeast: 8 }],
        isHeadline: true,
      },
      {
        measure: `${what}, ${CONNECTIONS} connections, p99`,
        unit: 'ms',
        floor,
        wanted: [{ of: 'floor', atMost: 1.5 }],
        isHeadline: true,
      },
      {
        measure: `${what}, p99 at 1 000 requests/s`,
        unit: 'ms',
        floor,
        wanted: [{ of: 'floor', atMost: 1.5 }],
        isHeadline: true,
      },
    ],
    run: async (bench) => {
      const sides = bench.sides<Side>('ours', 'adapter', 'reference')
      const rounds = await repeated(bench.times(fresh, 1), () => measure(bench, count, sides))
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'adapter'),
        figuresOf(rounds, (round) => round.p99Ms, 'adapter'),
        figuresOf(rounds, (round) => round.calmP99Ms, 'adapter'),
      ]
    },
  }
}

export const scenarios = [streaming(100, 2), streaming(5_000, 1)]
