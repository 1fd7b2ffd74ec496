import { spawnSync } from 'node:child_process'
import { type Bench } from '../bench'
import { feeds, isPriceOf } from '../feeds'
import { askOnce } from '../load/ask'
import { alternate, figuresOf } from '../measure/rounds'
import { freePort } from '../processes/free-port'
import { untilListening } from '../processes/listening'
import { OTHER_CORE } from '../processes/pinning'
import { type Scenario, Skipped } from '../scenario'

type Side = 'ours' | 'local'

const FEEDS = 100

const startRedis = async (bench: Bench) => {
  const port = await freePort()
  const nothingOnDisk = ['--save', '', '--appendonly', 'no']
  const command = ['redis-server', '--port', String(port), '--bind', '127.0.0.1', ...nothingOnDisk]
  const redis = bench.spawn({ command, core: OTHER_CORE })
  await untilListening(redis, port)
  return { redis, port }
}

const measure = async (bench: Bench) => {
  const bases = feeds(FEEDS)
  const provider = await bench.provider()
  const { redis, port } = await startRedis(bench)
  const env = { CACHE_TYPE: 'redis', CACHE_REDIS_HOST: '127.0.0.1', CACHE_REDIS_PORT: String(port) }
  // A new writer holds back for a minute by default, for the one it takes over from; there is none here.
  const writing = { ...env, EA_MODE: 'writer', CACHE_LOCK_DEFERRAL_MS: '0' }
  const writer = await bench.ours(provider, { core: OTHER_CORE, env: writing })
  const targets = {
    ours: await bench.ours(provider, { env: { ...env, EA_MODE: 'reader' } }),
    local: await bench.ours(provider),
  }
  const load = (side: Side, seconds: number) =>
    bench.load(targets[side], { bases, check: isPriceOf, asNode: true }, seconds)
  for (const side of ['ours', 'local'] as const) {
    await askOnce(targets[side].port, bases, isPriceOf)
    await load(side, bench.times(1.5, 1))
  }
  await bench.measured(targets.ours)
  const rounds = await alternate<Side, Awaited<ReturnType<typeof load>>>(
    ['ours', 'local'],
    bench.times(6, 4),
    (side) => load(side, 0.5),
  )
  await bench.stop(targets.ours, targets.local, writer, provider, redis)
  return rounds
}

export const scenarios: Scenario[] = [
  {
    name: 'redis-reader',
    rows: [
      {
        measure: `cached POST, ${FEEDS} feeds, every body different, of a reader beside Redis`,
        unit: 'requests/CPU s',
        floor: 'ours without Redis',
        wanted: [],
      },
    ],
    run: async (bench) => {
      if (spawnSync('redis-server', ['--version']).status !== 0)
        throw new Skipped('there is no redis-server on this machine')
      const rounds = await measure(bench)
      return [figuresOf(rounds, (round) => round.perCpuSecond, 'local')]
    },
  },
]
