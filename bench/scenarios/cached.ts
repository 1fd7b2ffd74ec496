import { type Bench } from '../bench'
import { CONSTANT_FEED, feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { type Check } from '../load/round'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Scenario, type Wanted } from '../scenario'

type Side = 'ours' | 'fastify' | 'http' | 'reference'

const ROUND_SECONDS = 0.5

const ofTheConstant: Check = (_base, result) => isPriceOf(CONSTANT_FEED, result)

const measure = async (bench: Bench, count: number, sides: Side[]) => {
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
    return bench.load(targets[side]!, { bases, check }, seconds)
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

const cached = (count: number, sides: Side[]): Scenario => {
  const what = `cached POST, ${count} feed${count > 1 ? 's' : ''}`
  const perCpuSecond = { measure: what, unit: 'requests/CPU s' }
  const beatsReference: Wanted[] = sides.includes('reference') ? [{ of: 'reference', atLeast: 5.5 }] : []
  return {
    name: `cached-${count}`,
    rows: [
      {
        ...perCpuSecond,
        floor: 'bare fastify',
        wanted: [{ of: 'floor', atLeast: 1.3 }, ...beatsReference],
        isHeadline: true,
      },
      { ...perCpuSecond, floor: 'bare node:http', wanted: [{ of: 'floor', atLeast: 0.85 }] },
      { measure: `${what}, p99`, unit: 'ms', floor: 'bare fastify', wanted: [] },
    ],
    run: async (bench) => {
      const present = bench.sides(...sides)
      const rounds = await repeated(bench.times(2, 1), () => measure(bench, count, present))
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'fastify'),
        figuresOf(rounds, (round) => round.perCpuSecond, 'http'),
        figuresOf(rounds, (round) => round.p99Ms, 'fastify'),
      ]
    },
  }
}

export const scenarios = [
  cached(1, ['ours', 'fastify', 'http']),
  cached(100, ['ours', 'fastify', 'http', 'reference']),
  cached(5_000, ['ours', 'fastify', 'http', 'reference']),
]
