import { setTimeout as pause } from 'node:timers/promises'
import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { settledRssMiB } from '../measure/memory'
import { alternate, figuresOf } from '../measure/rounds'
import { freePort } from '../processes/free-port'
import { type Scenario } from '../scenario'

type Side = 'ours' | 'adapter'

const FEEDS = 10_000

/** Asks one fresh process for every feed once, and leaves it alone then. */
const measure = async (bench: Bench, side: Side) => {
  const provider = await bench.provider()
  const target = await bench[side](provider)
  if (side === 'ours') await bench.measured(target)
  await askOnce(target.port, feeds(FEEDS), isPriceOf)
  const rssMiB = await settledRssMiB(target)
  const idleSeconds = bench.times(6, 4)
  const cpuBefore = target.cpuSeconds()
  const startedAt = performance.now()
  await pause(idleSeconds * 1_000)
  const seconds = (performance.now() - startedAt) / 1_000
  const idlePercent = ((target.cpuSeconds() - cpuBefore) / seconds) * 100
  await bench.stop(target, provider)
  return { rssMiB, idlePercent }
}

const SCRAPES = 20

/** How long the process works for one scrape, all of its threads together, so that the event loop takes no more than that. */
const scrapeMs = async (bench: Bench): Promise<number> => {
  const provider = await bench.provider()
  const port = await freePort()
  const target = await bench.ours(provider, { env: { METRICS_PORT: String(port) } })
  await askOnce(target.port, feeds(FEEDS), isPriceOf)
  // Asked for twice, each feed has all of its series.
  await askOnce(target.port, feeds(FEEDS), isPriceOf)
  const scrape = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    if (!text.includes('cache_data_get_count{')) throw new Error('A scrape without the series of feeds')
  }
  for (let time = 0; time < 3; time++) await scrape()
  await bench.measured(target)
  const before = target.cpuSeconds()
  for (let time = 0; time < SCRAPES; time++) await scrape()
  const perScrapeMs = ((target.cpuSeconds() - before) / SCRAPES) * 1_000
  await bench.stop(target, provider)
  return perScrapeMs
}

export const scenarios: Scenario[] = [
  {
    name: 'feeds-10000',
    rows: [
      {
        measure: 'memory with 10 000 subscribed feeds',
        unit: 'MiB',
        floor: 'bare adapter',
        wanted: [{ of: 'floor', atMost: 1.4 }],
        isHeadline: true,
      },
      {
        measure: 'CPU at rest with 10 000 subscribed feeds',
        unit: '% of a core',
        floor: 'bare adapter',
        wanted: [{ of: 'ours', atMost: 0.3 }],
      },
      {
        measure: 'one scrape of `/metrics` with 10 000 subscribed feeds, event loop',
        unit: 'ms',
        wanted: [{ of: 'ours', atMost: 50 }],
      },
    ],
    run: async (bench) => {
      const sides: Side[] = ['ours', 'adapter']
      const rounds = await alternate(sides, bench.times(2, 1), (side) => measure(bench, side))
      return [
        figuresOf(rounds, (round) => round.rssMiB, 'adapter'),
        figuresOf(rounds, (round) => round.idlePercent, 'adapter'),
        { ours: [await scrapeMs(bench), await scrapeMs(bench)] },
      ]
    },
  },
]
