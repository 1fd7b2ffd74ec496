import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, type Pair } from '../bench'
import { machineMs } from '../clock'
import { feeds, isPriceOf } from '../feeds'
import { askOnce, askUntil, pollUntil } from '../load/ask'
import { alternate, figuresOf } from '../measure/rounds'
import { type Target } from '../processes/target'
import { type Figures, type Scenario, type Wanted } from '../scenario'

type Side = 'ours' | 'adapter'

const sides: Side[] = ['ours', 'adapter']

/** Between two losses, so that each is one of a connection that was fine. */
const CALM_MS = 1_000
const OUTAGE_MS = 2_000
const POLL_MS = 20

/** @returns when a connection could be opened again, by the machine's clock in ms */
type Loss = (provider: Target, price: number) => Promise<number>
type Look = (port: number, bases: string[], satisfies: (result: unknown) => boolean) => Promise<unknown>

const drop: Loss = (provider, price) => provider.tell('drop', { price })

const refuse: Loss = (provider, price) => provider.tell('goAway', { price, ms: OUTAGE_MS, isRefusing: true })

const freeze: Loss = async (provider, price) => {
  const back = provider.tell<number>('freeze', { price })
  await pause(OUTAGE_MS)
  process.kill(provider.pid, 'SIGCONT')
  return back
}

const hangUp: Loss = (provider, price) => provider.tell('goAway', { price, ms: OUTAGE_MS, isRefusing: false })

const pollFromOutside: Look = (port, [base], satisfies) => pollUntil(port, base as string, satisfies, POLL_MS)

/** Loses the connection of one side. @returns ms from when it could be opened again until all feeds showed a value sent after it */
const measureLoss = async (pair: Pair, bases: string[], loss: Loss, look: Look, price: number) => {
  await pause(CALM_MS)
  const seen = look(pair.target.port, bases, (result) => result === price).then(machineMs)
  const [seenAt, backAt] = await Promise.all([seen, loss(pair.provider, price)])
  return seenAt - backAt
}

let price = 1_000_000

/** @param turns - how often each side loses its connection */
const dropped = async (bench: Bench, count: number, turns: number): Promise<Figures> => {
  const bases = feeds(count)
  const pairs = await bench.pairs(sides)
  for (const { target } of Object.values(pairs)) await askOnce(target.port, bases, isPriceOf)
  await bench.measured(pairs.ours.target)
  const rounds = await alternate(sides, turns, (side) =>
    measureLoss(pairs[side], bases, drop, askUntil, ++price),
  )
  await bench.stopPairs(pairs)
  return figuresOf(rounds, (ms) => ms, 'adapter')
}

/** Ours alone: what is wanted is a time. */
const away = async (bench: Bench, { loss, look = askUntil }: Way): Promise<Figures> => {
  const bases = feeds(1)
  const pairs = await bench.pairs(['ours'])
  await askOnce(pairs.ours.target.port, bases, isPriceOf)
  const ours: number[] = []
  for (let turn = 0; turn < bench.times(3, 1); turn++)
    ours.push(await measureLoss(pairs.ours, bases, loss, look, ++price))
  await bench.stopPairs(pairs)
  return { ours }
}

interface Way {
  how: string
  loss: Loss
  look?: Look
  wanted?: readonly Wanted[]
}

const SOON: readonly Wanted[] = [{ of: 'ours', atMost: 600 }]
const FROM_OUTSIDE = `polled from outside every ${POLL_MS} ms`

const WAYS: Way[] = [
  { how: 'its port refusing', loss: refuse, wanted: SOON },
  { how: `its port refusing, ${FROM_OUTSIDE}`, loss: refuse, look: pollFromOutside, wanted: SOON },
  { how: 'nobody answering at its port', loss: freeze, wanted: SOON },
  { how: `nobody answering at its port, ${FROM_OUTSIDE}`, loss: freeze, look: pollFromOutside, wanted: SOON },
  // Whoever answers is asked again by the pace of the settings (contract 17.19).
  { how: 'ending each connection that it accepts', loss: hangUp },
]

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
      ...WAYS.map(({ how, wanted = [] }) => ({
        measure: `provider away for 2 s, ${how}, until a new value`,
        unit: 'ms',
        wanted,
        isHeadline: wanted.length > 0,
      })),
    ],
    run: async (bench) => {
      const figures = [
        await dropped(bench, 1, bench.times(7, 3)),
        await dropped(bench, 1_000, bench.times(5, 2)),
      ]
      for (const way of WAYS) figures.push(await away(bench, way))
      return figures
    },
  },
]
