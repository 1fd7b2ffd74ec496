import { type Bench, type Pair } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { alternate, figuresOf, repeated, type Rounds } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Figures, type RowPlan, type Scenario } from '../scenario'
import { packageWithout, type Trick } from '../tricks'
import { absorb } from './ingest'
import { firstPrices } from './first-price'

/** Beyond what two processes of the same package differ by. */
const WORTH = 1.03
const WORTH_TIME = 0.97

const asPackage = (trick?: Trick) => [`--package=${packageWithout(trick)}`]

const perCpuSecond = (what: string, worth: number | undefined): RowPlan => ({
  measure: `cached POST, 100 feeds, every body different: ${what}`,
  unit: 'requests/CPU s',
  floor: 'without',
  wanted: worth === undefined ? [] : [{ of: 'floor', atLeast: worth }],
})

/** Sides of one measurement: each trick is held against the side that has all but it. */
type Side = 'ours' | 'same' | 'noLane' | 'noPlans' | 'withStorage'

const requests = async (bench: Bench, packages: Record<Exclude<Side, 'ours' | 'noLane'>, string[]>) => {
  const bases = feeds(100)
  const provider = await bench.provider()
  const env = { FAST_LANE_ENABLED: 'false' }
  const targets = {
    ours: await bench.ours(provider),
    same: await bench.ours(provider, { args: packages.same }),
    noLane: await bench.ours(provider, { env }),
    noPlans: await bench.ours(provider, { args: packages.noPlans, env }),
    withStorage: await bench.ours(provider, { args: packages.withStorage }),
  }
  const load = (side: Side, seconds: number) =>
    bench.load(targets[side], { bases, check: isPriceOf, asNode: true }, seconds)
  const sides = Object.keys(targets) as Side[]
  for (const side of sides) {
    await askOnce(targets[side].port, bases, isPriceOf)
    await load(side, bench.times(1.2, 0.5))
  }
  const rounds = await alternate(sides, bench.times(4, 2), (side) => load(side, 0.5))
  await bench.stop(provider, ...Object.values(targets))
  return rounds
}

const held = <S extends string, R>(
  rounds: Rounds<S, R>,
  having: S,
  without: S,
  of: (round: R) => number,
): Figures => ({ ours: rounds[having].map(of), floor: rounds[without].map(of) })

const floods = async (bench: Bench, count: number, args: string[]) => {
  const bases = feeds(count)
  const start = async (extra: string[]): Promise<Pair> => {
    const provider = await bench.provider()
    return { provider, target: await bench.ours(provider, { args: extra }) }
  }
  const pairs = { ours: await start([]), without: await start(args) }
  let price = 1_000_000
  const flood = (side: keyof typeof pairs) => {
    const { provider, target } = pairs[side]
    return absorb(provider, target, bases[count - 1] as string, bench.times(100_000, 20_000), ++price)
  }
  for (const side of ['ours', 'without'] as const) {
    await askOnce(pairs[side].target.port, bases, isPriceOf)
    await flood(side)
  }
  const rounds = await alternate(['ours', 'without'] as const, bench.times(5, 2), flood)
  await bench.stopPairs(pairs)
  return rounds
}

const bursts = async (bench: Bench, args: string[]) => {
  const provider = await bench.provider()
  const targets = { ours: await bench.ours(provider), without: await bench.ours(provider, { args }) }
  return firstPrices(bench, { provider, targets, count: 500, turns: bench.times(4, 2) })
}

const started = async (bench: Bench, target: Target) => {
  const figures = { cpuMs: target.startCpuSeconds * 1_000, rssMiB: target.rssMiB() }
  await bench.stop(target)
  return figures
}

interface StartOf {
  work: string
  what: string
  trick: Trick
  /** Prepares what all processes need. @returns starts one */
  starter: (bench: Bench) => Promise<(args: string[]) => Promise<Target>>
}

/** A process that starts with all tricks, against one without this one: CPU time and memory. */
const start = (name: string, { work, what, trick, starter }: StartOf): Scenario => ({
  name,
  group: 'tricks',
  rows: [
    {
      measure: `CPU time ${work}: ${what}`,
      unit: 'ms',
      floor: 'without',
      wanted: [{ of: 'floor', atMost: WORTH_TIME }],
    },
    { measure: `memory after it: ${what}`, unit: 'MiB', floor: 'without', wanted: [] },
  ],
  run: async (bench) => {
    const packages = { ours: asPackage(), without: asPackage(trick) }
    const begin = await starter(bench)
    const rounds = await alternate(['ours', 'without'] as const, bench.times(9, 3), async (side) =>
      started(bench, await begin(packages[side])),
    )
    return [
      figuresOf(rounds, ({ cpuMs }) => cpuMs, 'without'),
      figuresOf(rounds, ({ rssMiB }) => rssMiB, 'without'),
    ]
  },
})

export const scenarios: Scenario[] = [
  {
    name: 'trick-requests',
    group: 'tricks',
    rows: [
      perCpuSecond('nothing, the same package twice', undefined),
      perCpuSecond('the fast lane', WORTH),
      perCpuSecond('plans, the fast lane off', WORTH),
      perCpuSecond('no AsyncLocalStorage for WebSocket streams', WORTH),
    ],
    run: async (bench) => {
      const packages = {
        same: asPackage(),
        noPlans: asPackage('plans'),
        withStorage: asPackage('streamsWithoutStorage'),
      }
      const rounds = await repeated(bench.times(2, 1), () => requests(bench, packages))
      bench.noteBusy(rounds)
      const of = (having: Side, without: Side) => held(rounds, having, without, (round) => round.perCpuSecond)
      return [of('ours', 'same'), of('ours', 'noLane'), of('noLane', 'noPlans'), of('ours', 'withStorage')]
    },
  },
  {
    name: 'trick-feed-index',
    group: 'tricks',
    rows: [100, 5_000].map((count) => ({
      measure: `ingest, ${count} feeds: the feed index`,
      unit: 'messages/CPU s',
      floor: 'without',
      wanted: [{ of: 'floor', atLeast: WORTH }],
    })),
    run: async (bench) => {
      const args = asPackage('feedIndex')
      const figures: Figures[] = []
      for (const count of [100, 5_000])
        figures.push(figuresOf(await floods(bench, count, args), (round) => round.perCpuSecond, 'without'))
      return figures
    },
  },
  {
    name: 'trick-gathering',
    group: 'tricks',
    rows: [
      {
        measure: 'first prices of 500 new feeds at once: gathering what becomes wanted',
        unit: 'ms',
        floor: 'without',
        wanted: [{ of: 'floor', atMost: WORTH_TIME }],
      },
    ],
    run: async (bench) => {
      const args = asPackage('gathering')
      const rounds = await repeated(bench.times(3, 1), () => bursts(bench, args))
      return [figuresOf(rounds, (ms) => ms, 'without')]
    },
  },
  start('trick-server', {
    work: 'of a start',
    what: 'fastify in one file, compiled',
    trick: 'serverInOneFile',
    starter: async (bench) => {
      const provider = await bench.provider()
      return (args) => bench.ours(provider, { args })
    },
  }),
  start('trick-late-codecs', {
    work: 'to load Tremor',
    what: 'codecs without prices loaded late',
    trick: 'lateCodecs',
    starter: (bench) => Promise.resolve((args) => bench.start('tremor', { args })),
  }),
]
