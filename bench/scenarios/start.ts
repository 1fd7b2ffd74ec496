import path from 'node:path'
import { type Bench } from '../bench'
import { alternate, figuresOf } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'fastify' | 'reference'

/** A start is over before a profile could be asked for: Node.js itself writes it, when the process ends by itself. */
const profiledFromTheStart = (bench: Bench): string[] => {
  const { cpuProfiles } = bench.options
  if (cpuProfiles === undefined) return []
  return ['--cpu-prof', '--cpu-prof-interval=100', `--cpu-prof-dir=${path.resolve(cpuProfiles)}`]
}

const measure = async (bench: Bench, side: Side, provider: Target) => {
  const nodeArgs = profiledFromTheStart(bench)
  const starts = {
    ours: () => bench.ours(provider, { nodeArgs }),
    fastify: () => bench.start('bare-fastify'),
    reference: () => bench.reference(provider),
  }
  const target = await starts[side]()
  const { startMs, startCpuSeconds } = target
  const rssMiB = target.rssMiB()
  if (side === 'ours' && nodeArgs.length > 0) {
    await target.tell('end')
    await target.failure.catch(() => {})
  }
  await bench.stop(target)
  return { startMs, cpuMs: startCpuSeconds * 1_000, rssMiB }
}

export const scenarios: Scenario[] = [
  {
    name: 'start',
    rows: [
      {
        measure: 'start to listening',
        unit: 'ms',
        floor: 'bare fastify',
        wanted: [{ of: 'floor', atMost: 1.15 }],
        isHeadline: true,
      },
      {
        measure: 'CPU time of a start',
        unit: 'ms',
        floor: 'bare fastify',
        wanted: [{ of: 'floor', atMost: 1.15 }],
      },
      { measure: 'memory after a start', unit: 'MiB', floor: 'bare fastify', wanted: [] },
    ],
    run: async (bench) => {
      const provider = await bench.provider()
      const sides = bench.sides<Side>('ours', 'fastify', 'reference')
      const rounds = await alternate(sides, bench.times(9, 4), (side) => measure(bench, side, provider))
      return [
        figuresOf(rounds, (round) => round.startMs, 'fastify'),
        figuresOf(rounds, (round) => round.cpuMs, 'fastify'),
        figuresOf(rounds, (round) => round.rssMiB, 'fastify'),
      ]
    },
  },
]
