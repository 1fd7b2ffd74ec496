import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, type Pair } from '../bench'
import { machineMs } from '../clock'
import { feeds, isPriceOf } from '../feeds'
import { askOnce, askUntil } from '../load/ask'
import { alternate, figuresOf } from '../measure/rounds'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'adapter'

const sides: Side[] = ['ours', 'adapter']

/** Between two losses, so that each is one of a connection that was fine. */
const CALM_MS = 1_000
const OUTAGE_MS = 2_000

type Loss = { command: 'drop'; values: object } | { command: 'goAway'; values: { ms: number } }

const drop: Loss = { command: 'drop', values: {} }
const outage: Loss = { command: 'goAway', values: { ms: OUTAGE_MS } }

/** Loses the connection of one side. @returns ms from when it could be opened again until all feeds showed a value sent after it */
const measureLoss = async (pair: Pair, bases: string[], loss: Loss, price: number) => {
  await pause(CALM_MS)
  const available = pair.provider.tell<number>(loss.command, { ...loss.values, price })
  await askUntil(pair.target.port, bases, (result) => result === price)
  const seenAt = machineMs()
  return seenAt - (await available)
}

/** @param turns - how often each side loses its connection */
const measure = async (bench: Bench, count: number, loss: Loss, turns: number) => {
  const bases = feeds(count)
  const pairs = await bench.pairs(sides)
  for (const { target } of Object.values(pairs)) await askOnce(target.port, bases, isPriceOf)
  await bench.measured(pairs.ours.target)
  let price = 1_000_000
  const rounds = await alternate(sides, turns, (side) => measureLoss(pairs[side], bases, loss, ++price))
  await bench.stopPairs(pairs)
  return figuresOf(rounds, (ms) => ms, 'adapter')
}

export const scenarios: Scenario[] = [
  {
    name: 'reconnect',
    rows: [
      {
        measure: 'connection of 1 feed dropped, until a value sent after it is answered',
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'ours', atMost: 60 }],
      },
      {
        measure: 'connection of 1 000 feeds dropped, until all of them are new',
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'floor', atMost: 2 }],
      },
      {
        measure: 'provider away for 2 s, from its return to a new value',
        unit: 'ms',
        floor: 'bare adapter',
        wanted: [{ of: 'ours', atMost: 600 }],
      },
    ],
    run: async (bench) => [
      await measure(bench, 1, drop, bench.times(9, 4)),
      await measure(bench, 1_000, drop, bench.times(5, 2)),
      await measure(bench, 1, outage, bench.times(3, 2)),
    ],
  },
]
