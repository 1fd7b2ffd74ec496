import { type Bench } from '../bench'
import { CONSTANT_FEED, feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { closedLoop } from '../load/closed-loop'
import { type Check, type LoadOptions } from '../load/options'
import { closedLoopOfWrk, hasWrk } from '../load/wrk'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Scenario, Skipped, type Wanted } from '../scenario'

type Side = 'ours' | 'fastify' | 'http' | 'reference'

const SIDES: Side[] = ['ours', 'fastify', 'http', 'reference']
const ROUND_SECONDS = 0.5

const ofTheConstant: Check = (_base, result) => isPriceOf(CONSTANT_FEED, result)

/** How many feeds are asked for, what the requests look like, and over how many connections they come. */
interface Shape extends Required<Pick<LoadOptions, 'asNode' | 'connections'>> {
  count: number
  /** Whether wrk sends them, which fills the core of every side. */
  byWrk?: boolean
}

const measure = async (bench: Bench, sides: Side[], { count, byWrk = false, ...shape }: Shape) => {
  const bases = feeds(count)
  const provider = await bench.provider()
  const targets = {
    ours: await bench.ours(provider),
    fastify: await bench.start('bare-fastify'),
    http: await bench.start('bare-http', { args: [`--feeds=${count}`] }),
    reference: sides.includes('reference') ? await bench.reference(provider) : undefined,
  }
  const load = (side: Side, seconds: number) => {
    const check = side === 'fastify' ? ofTheConstant : isPriceOf
    const loop = byWrk ? closedLoopOfWrk : closedLoop
    return bench.load(targets[side]!, { bases, check, ...shape }, seconds, loop)
  }
  for (const side of sides) {
    if (side === 'ours' || side === 'reference') await askOnce(targets[side]!.port, bases, isPriceOf)
    await load(side, bench.times(1.2, 0.5))
  }
  await bench.measured(targets.ours)
  const rounds = await alternate(sides, bench.times(5, 2), (side) => load(side, ROUND_SECONDS))
  await bench.stop(provider, ...Object.values(targets))
  return rounds
}

/** How many times the floors' and the reference's requests are wanted; nothing where that is not said. */
type Goal = Partial<Record<Exclude<Side, 'ours'>, number>>

const atLeast = (of: 'floor' | 'reference', figure: number | undefined): Wanted[] =>
  figure === undefined ? [] : [{ of, atLeast: figure }]

/** @param fresh - how often all of it is measured with new processes */
const cached = (name: string, shape: Shape, fresh: number, goal: Goal = {}): Scenario => {
  const { count, asNode, connections, byWrk = false } = shape
  const bodies = asNode ? 'every body different in id and meta' : 'constant bodies'
  const what = `cached POST, ${count} feeds, ${bodies}, ${connections} connections${byWrk ? ' of wrk' : ''}`
  const perCpuSecond = { measure: what, unit: 'requests/CPU s', isHeadline: goal.http !== undefined }
  return {
    name,
    group: asNode ? 'nodes' : 'constant',
    rows: [
      {
        ...perCpuSecond,
        floor: 'bare fastify',
        wanted: [...atLeast('floor', goal.fastify), ...atLeast('reference', goal.reference)],
      },
      { ...perCpuSecond, floor: 'bare node:http', wanted: atLeast('floor', goal.http) },
      { measure: `${what}, p99`, unit: 'ms', floor: 'bare fastify', wanted: [] },
    ],
    run: async (bench) => {
      if (byWrk && !hasWrk()) throw new Skipped('there is no wrk on this machine')
      // The reference takes its time: it is there only where something is wanted of it.
      const wanted = SIDES.filter((side) => side !== 'reference' || goal.reference !== undefined)
      const sides = bench.sides(...wanted)
      const rounds = await repeated(bench.times(fresh, 1), () => measure(bench, sides, shape))
      bench.noteBusy(rounds)
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'fastify'),
        figuresOf(rounds, (round) => round.perCpuSecond, 'http'),
        figuresOf(rounds, (round) => round.p99Ms, 'fastify'),
      ]
    },
  }
}

const nodesGoal: Goal = { fastify: 1.4, http: 1, reference: 7.5 }
const constantGoal: Goal = { fastify: 1.3, http: 1.4, reference: 5.5 }

export const scenarios = [
  // As nodes ask: each body has a run's id and a last answer of its own.
  cached('cached-node-100', { count: 100, asNode: true, connections: 50 }, 2, nodesGoal),
  cached('cached-node-5000', { count: 5_000, asNode: true, connections: 50 }, 2, nodesGoal),
  cached('cached-node-100-by-10', { count: 100, asNode: true, connections: 10 }, 1),
  cached('cached-node-100-by-wrk', { count: 100, asNode: true, connections: 50, byWrk: true }, 1),
  cached('cached-100', { count: 100, asNode: false, connections: 50 }, 1, constantGoal),
  cached('cached-5000', { count: 5_000, asNode: false, connections: 50 }, 1, constantGoal),
  cached('cached-100-by-10', { count: 100, asNode: false, connections: 10 }, 1),
]
