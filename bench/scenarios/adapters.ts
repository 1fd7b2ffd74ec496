import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { settledRssMiB } from '../measure/memory'
import { type Target } from '../processes/target'
import { type Scenario } from '../scenario'

const FURTHER = 10

/** Memory of a fresh process with so many adapters, each with a feed that was asked for. */
const memory = async (bench: Bench, provider: Target, adapters: number): Promise<number> => {
  const target = await bench.ours(provider, { args: [`--adapters=${adapters}`] })
  await bench.measured(target)
  const ports = [target.port, ...(await target.tell<number[]>('furtherPorts'))]
  for (const port of ports) await askOnce(port, feeds(1), isPriceOf)
  const rssMiB = await settledRssMiB(target)
  await bench.stop(target)
  return rssMiB
}

/** Without the reference, which can have one adapter in a process while its metrics are on. */
export const scenarios: Scenario[] = [
  {
    name: 'adapters',
    rows: [
      {
        measure: `memory of each further adapter in the process (${FURTHER} of them, each with its own server)`,
        unit: 'MiB',
        wanted: [{ of: 'ours', atMost: 2 }],
      },
    ],
    run: async (bench) => {
      const provider = await bench.provider()
      const ours: number[] = []
      for (let turn = 0; turn < bench.times(4, 2); turn++) {
        const alone = await memory(bench, provider, 1)
        ours.push(((await memory(bench, provider, 1 + FURTHER)) - alone) / FURTHER)
      }
      return [{ ours }]
    },
  },
]
