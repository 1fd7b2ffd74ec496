import { type Bench, type Pair } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce, askUntil } from '../load/ask'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'client' | 'reference'

/** How often the end of a flood is looked for: seldom enough to cost nothing beside it. */
const LOOK_EVERY_MS = 20

const start = async (bench: Bench, side: Side, count: number, provider: Target): Promise<Target> => {
  if (side === 'ours') return bench.ours(provider)
  if (side === 'reference') return bench.reference(provider)
  return bench.start('bare-client', { args: [`--provider=${provider.socketUrl}`, `--feeds=${count}`] })
}

/** Floods one side. @returns what it took per second of its CPU time and of ours, until an answer showed the last price sent */
export const absorb = async (
  provider: Target,
  target: Target,
  base: string,
  messages: number,
  price: number,
) => {
  const cpuBefore = target.cpuSeconds()
  const startedAt = performance.now()
  const flooded = provider.tell('flood', { messages, lastPrice: price })
  const endedAt = await askUntil(target.port, [base], (result) => result === price, LOOK_EVERY_MS)
  const cpuSeconds = target.cpuSeconds() - cpuBefore
  await flooded
  return { perCpuSecond: messages / cpuSeconds, perSecond: (messages * 1_000) / (endedAt - startedAt) }
}

const measure = async (bench: Bench, count: number, sides: Side[]) => {
  const bases = feeds(count)
  const last = bases[count - 1] as string
  const pairs = new Map<Side, Pair>()
  for (const side of sides) {
    const provider = await bench.provider()
    pairs.set(side, { provider, target: await start(bench, side, count, provider) })
  }
  // The reference takes far fewer, in the same time.
  const messagesOf = (side: Side) => bench.times(100_000, 50_000) / (side === 'reference' ? 5 : 1)
  let price = 1_000_000
  const flood = (side: Side) => {
    const { provider, target } = pairs.get(side)!
    return absorb(provider, target, last, messagesOf(side), ++price)
  }
  for (const side of sides) {
    await askOnce(pairs.get(side)!.target.port, bases, isPriceOf)
    await flood(side)
  }
  await bench.measured(pairs.get('ours')!.target)
  const rounds = await alternate(sides, bench.times(5, 3), flood)
  for (const { provider, target } of pairs.values()) await bench.stop(target, provider)
  return rounds
}

const ingest = (count: number, atLeast: number): Scenario => {
  const what = `ingest, ${count} feeds`
  return {
    name: `ingest-${count}`,
    rows: [
      {
        measure: what,
        unit: 'messages/CPU s',
        floor: 'bare ws client',
        wanted: [
          { of: 'floor', atLeast },
          { of: 'reference', atLeast: 10 },
        ],
        isHeadline: true,
      },
      { measure: what, unit: 'messages/s', floor: 'bare ws client', wanted: [] },
    ],
    run: async (bench) => {
      const sides = bench.sides<Side>('ours', 'client', 'reference')
      const rounds = await repeated(bench.times(2, 1), () => measure(bench, count, sides))
      return [
        figuresOf(rounds, (round) => round.perCpuSecond, 'client'),
        figuresOf(rounds, (round) => round.perSecond, 'client'),
      ]
    },
  }
}

export const scenarios = [ingest(100, 0.85), ingest(5_000, 0.75)]
