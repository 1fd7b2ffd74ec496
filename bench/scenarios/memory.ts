import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { closedLoop, sendMany } from '../load/closed-loop'
import { settledRssMiB } from '../measure/memory'
import { type Scenario } from '../scenario'

const FEEDS = 100
const BODIES = 1_000_000

export const scenarios: Scenario[] = [
  {
    name: 'memory',
    group: 'nodes',
    rows: [
      {
        measure: `memory after a million different bodies on ${FEEDS} feeds, above that before`,
        unit: 'MiB',
        wanted: [{ of: 'ours', atMost: 8 }],
        isHeadline: true,
      },
    ],
    run: async (bench) => {
      const bases = feeds(FEEDS)
      const provider = await bench.provider()
      const target = await bench.ours(provider)
      const load = { port: target.port, bases, check: isPriceOf }
      await askOnce(target.port, bases, isPriceOf)
      // What any load makes a process take is there before: with one body for each feed, so that none of it is what bodies leave.
      await closedLoop(load, bench.times(3, 1.5))
      await bench.measured(target)
      const before = await settledRssMiB(target)
      await sendMany({ ...load, asNode: true }, bench.times(BODIES, 20_000))
      const after = await settledRssMiB(target)
      return [{ ours: [after - before] }]
    },
  },
]
