import { type Bench } from '../bench'
import { CONSTANT_FEED, feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { type Check, type LoadOptions } from '../load/round'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Scenario, type Wanted } from '../scenario'

type Side = 'ours' | 'fastify' | 'http' | 'reference'

const ROUND_SECONDS = 0.5

const ofTheConstant: Check = (_base, result) => isPriceOf(CONSTANT_FEED, result)

/** What the requests look like, and over how many connections they come. */
type Shape = Pick<LoadOptions, 'asNode' | 'connections'>

const measure = async (bench: Bench, count: number, sides: Side[], shape: Shape) => {
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
    return bench.load(targets[side]!, { bases, check, ...shape }, seconds)
  }
  for (const side of sides) {
    if (side === 'ours' || side === 'reference') await askOnce(targets[side]!.port, bases, isPriceOf)
    await load(side, bench.times(1.5, 1))
  }
  await bench.measured(targets.ours)
  const rounds = await alternate(sides, bench.times(6, 4), (side) => load(side, ROUND_SECONDS))
  await bench.stop(provider, ...Object.values(targets))
  return rounds
}

/** How many times the floors' and the reference's requests are wanted. */
interface Goal {
  fastify: number
  http: number
  reference: number
}

const cached = (
  name: string,
  what: string,
  of: { count: number; sides: Side[]; shape?: Shape; goal: Goal },
): Scenario => {
  const { count, sides, shape = {}, goal } = of
  const perCpuSecond = { measure: what, unit: 'requests/CPU s' }
  const beatsReference: Wanted[] = sides.includes('reference')
    ? [{ of: 'reference', atLeast: goal.reference }]
    : []
  return {
    name,
    rows: [
      {
        ...perCpuSecond,
        floor: 'bare fastify',
        wanted: [{ of: 'floor', atLeast: goal.fastify }, ...beatsReference],
        isHeadline: true,
      },
      { ...perCpuSecond, floor: 'bare node:http', wanted: [{ of: 'floor', atLeast: goal.http }] },
      { measure: `${what}, p99`, unit: 'ms', floor: 'bare fastify', wanted: [] },
    ],
    run: async (bench) => {
      const present = bench.sides(...sides)
      const rounds = await repeated(bench.times(2, 1), () => measure(bench, count, present, shape))
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'fastify'),
        figuresOf(rounds, (round) => round.perCpuSecond, 'http'),
        figuresOf(rounds, (round) => round.p99Ms, 'fastify'),
      ]
    },
  }
}

const ALL: Side[] = ['ours', 'fastify', 'http', 'reference']

/** As nodes ask: each body has a run's id and a last answer of its own. */
const ofNodes = (count: number): Scenario =>
  cached(`cached-node-${count}`, `cached POST, ${count} feeds, every body different in id and meta`, {
    count,
    sides: ALL,
    shape: { asNode: true, connections: 50 },
    goal: { fastify: 1.4, http: 1, reference: 7.5 },
  })

const constant = (count: number, sides: Side[]): Scenario =>
  cached(`cached-${count}`, `cached POST, ${count} feed${count > 1 ? 's' : ''}, constant bodies`, {
    count,
    sides,
    goal: { fastify: 1.3, http: 0.85, reference: 5.5 },
  })

export const scenarios = [
  ofNodes(100),
  ofNodes(5_000),
  constant(1, ['ours', 'fastify', 'http']),
  constant(100, ALL),
  constant(5_000, ALL),
]
