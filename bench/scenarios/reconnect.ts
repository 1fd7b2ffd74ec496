import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, type Pair } from '../bench'
import { machineMs } from '../clock'
import { feeds, isPriceOf } from '../feeds'
import { askOnce, askUntil, pollUntil } from '../load/ask'
import { alternate, figuresOf } from '../measure/rounds'
import { type Figures, type RowPlan, type Scenario } from '../scenario'

type Side = 'ours' | 'adapter'

const sides: Side[] = ['ours', 'adapter']

/** Between two losses, so that each is one of a connection that was fine. */
const CALM_MS = 1_000
const OUTAGE_MS = 2_000
const POLL_MS = 20

type Loss =
  { command: 'drop'; values: object } | { command: 'goAway'; values: { ms: number; isRefusing: boolean } }
type Look = (port: number, bases: string[], satisfies: (result: unknown) => boolean) => Promise<unknown>

const drop: Loss = { command: 'drop', values: {} }
const outage = (isRefusing: boolean): Loss => ({ command: 'goAway', values: { ms: OUTAGE_MS, isRefusing } })

/** The instrument of the bench: without a pause. */
const byInstrument: Look = (port, bases, satisfies) => askUntil(port, bases, satisfies)
const fromOutside: Look = (port, [base], satisfies) => pollUntil(port, base as string, satisfies, POLL_MS)

/** Loses the connection of one side. @returns ms from when it could be opened again until all feeds showed a value sent after it */
const measureLoss = async (pair: Pair, bases: string[], loss: Loss, look: Look, price: number) => {
  await pause(CALM_MS)
  const available = pair.provider.tell<number>(loss.command, { ...loss.values, price })
  await look(pair.target.port, bases, (result) => result === price)
  const seenAt = machineMs()
  return seenAt - (await available)
}

let price = 1_000_000

/** @param turns - how often each side loses its connection */
const dropped = async (bench: Bench, count: number, turns: number): Promise<Figures> => {
  const bases = feeds(count)
  const pairs = await bench.pairs(sides)
  for (const { target } of Object.values(pairs)) await askOnce(target.port, bases, isPriceOf)
  await bench.measured(pairs.ours.target)
  const rounds = await alternate(sides, turns, (side) =>
    measureLoss(pairs[side], bases, drop, byInstrument, ++price),
  )
  await bench.stopPairs(pairs)
  return figuresOf(rounds, (ms) => ms, 'adapter')
}

/** Ours alone: what is wanted is a time. */
const away = async (bench: Bench, isRefusing: boolean, look: Look): Promise<Figures> => {
  const bases = feeds(1)
  const pairs = await bench.pairs(['ours'])
  await askOnce(pairs.ours.target.port, bases, isPriceOf)
  const ours: number[] = []
  for (let turn = 0; turn < bench.times(3, 1); turn++)
    ours.push(await measureLoss(pairs.ours, bases, outage(isRefusing), look, ++price))
  await bench.stopPairs(pairs)
  return { ours }
}

const awayRow = (isRefusing: boolean, by: string): RowPlan => ({
  measure: `provider away for 2 s, ${isRefusing ? 'its port refusing' : 'hanging up on whoever comes'}, until a new value, ${by}`,
  unit: 'ms',
  wanted: [{ of: 'ours', atMost: 600 }],
  isHeadline: true,
})

const INSTRUMENT = 'asked without pause'
const OUTSIDE = `polled from outside every ${POLL_MS} ms`

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
      awayRow(true, INSTRUMENT),
      awayRow(true, OUTSIDE),
      awayRow(false, INSTRUMENT),
      awayRow(false, OUTSIDE),
    ],
    run: async (bench) => [
      await dropped(bench, 1, bench.times(9, 3)),
      await dropped(bench, 1_000, bench.times(5, 2)),
      await away(bench, true, byInstrument),
      await away(bench, true, fromOutside),
      await away(bench, false, byInstrument),
      await away(bench, false, fromOutside),
    ],
  },
]
