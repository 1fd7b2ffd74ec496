import path from 'node:path'
import { type Bench } from '../bench'
import { askOnce } from '../load/ask'
import { closedLoop } from '../load/closed-loop'
import { type LoadOptions } from '../load/options'
import { alternate, figuresOf, repeated } from '../measure/rounds'
import { freePort } from '../processes/free-port'
import { untilListening } from '../processes/listening'
import { type OwnProcess } from '../processes/own-process'
import { canPin, OTHER_CORE, SERVICE_CORE } from '../processes/pinning'
import { type Target } from '../processes/target'
import { type Scenario, Skipped } from '../scenario'

type Side = 'ours' | 'single'

const CORES = 2
/** Many, so that a worker that wakes up finds more than one request, as the single one does. */
const CONNECTIONS = 128
const BASE = 'ETH'

const main = path.join(__dirname, '../../../package/lib/service/main.js')

/** The service as its operator starts it, with a ready-made adapter at a simulated exchange. */
const start = async (bench: Bench, side: Side, exchange: Target) => {
  const port = await freePort()
  const service = bench.spawn({
    command: [process.execPath, main],
    core: side === 'ours' ? 'any' : SERVICE_CORE,
    env: {
      WORKERS: side === 'ours' ? String(CORES) : '1',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.socketUrl,
      EA_HOST: '127.0.0.1',
      EA_PORT: String(port),
      METRICS_PORT: String(await freePort()),
      LOG_LEVEL: 'info',
    },
  })
  await untilListening(service, port)
  const check = (_base: string, result: unknown) => typeof result === 'number' && result > 0
  const load: LoadOptions = { port, bases: [BASE], check, connections: CONNECTIONS, asNode: true }
  await askOnce(port, [BASE], check)
  return { service, load }
}

/**
 * Requests per second as seen, and as they would be with every core for itself that the side may use: the load and the exchange have to
 * run on the same cores, and what they take is not the service's to use. So it is requests per second of its CPU time, supervisor and
 * writer counted, times its cores.
 */
const round = async (side: Side, service: OwnProcess, load: LoadOptions, seconds: number) => {
  let cpuSeconds = 0
  const counted = await closedLoop(load, seconds, {
    before: () => (cpuSeconds -= service.groupCpuSeconds()),
    after: () => (cpuSeconds += service.groupCpuSeconds()),
  })
  const capacity = (counted.requests * (side === 'ours' ? CORES : 1)) / cpuSeconds
  return { perSecond: counted.requests / counted.seconds, capacity }
}

const measure = async (bench: Bench) => {
  const exchange = await bench.start('exchange', { core: OTHER_CORE })
  const sides: Side[] = ['ours', 'single']
  const started = {
    ours: await start(bench, 'ours', exchange),
    single: await start(bench, 'single', exchange),
  }
  const take = (side: Side, seconds: number) =>
    round(side, started[side].service, started[side].load, seconds)
  for (const side of sides) await take(side, bench.times(1.5, 1))
  const rounds = await alternate(sides, bench.times(4, 2), (side) => take(side, 1))
  for (const { service } of Object.values(started)) await service.stop('SIGTERM')
  await bench.stop(exchange)
  return rounds
}

export const scenarios: Scenario[] = [
  {
    name: 'workers',
    rows: [
      {
        measure: `cached POST, every body different, WORKERS=${CORES}, with ${CORES} cores for itself`,
        unit: 'requests/s',
        floor: 'WORKERS=1, 1 core',
        wanted: [{ of: 'floor', atLeast: 1.7 }],
        isHeadline: true,
      },
      {
        measure: `cached POST, every body different, WORKERS=${CORES}, sharing ${CORES} cores with the load`,
        unit: 'requests/s',
        floor: 'WORKERS=1, 1 core',
        wanted: [],
      },
    ],
    run: async (bench) => {
      if (!canPin()) throw new Skipped('without pinning, one worker cannot be held against two')
      const rounds = await repeated(bench.times(2, 1), () => measure(bench))
      return [
        figuresOf(rounds, ({ capacity }) => capacity, 'single'),
        figuresOf(rounds, ({ perSecond }) => perSecond, 'single'),
      ]
    },
  },
]
