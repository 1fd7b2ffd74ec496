import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { load, type LoadResult, post } from './http-load'
import { Target } from './process'
import { feeds } from './shared'

/** One line of the table: ours, the floor's, and ours relative to the floor's (above 1 is better than the floor). */
export interface Row {
  scenario: string
  unit: string
  ours: number
  floor: number | undefined
  ratio: number | undefined
  atLeast: string
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

const INGEST_ROUNDS = 3
const START_ROUNDS = 5
const LOAD_ROUNDS = 8

const startProvider = () => Target.start('provider', [], 1)
const startOurs = (provider: Target) =>
  Target.start('tickwell', [`--provider=ws://127.0.0.1:${provider.port}`])

const warmUp = async (target: Target, bases: string[]): Promise<void> => {
  for (let from = 0; from < bases.length; from += 50)
    await Promise.all(bases.slice(from, from + 50).map((base) => post(target, base)))
}

/**
 * Cached POSTs in short rounds that alternate, because a shared machine changes its speed from one second to the next: each of our
 * rounds is compared with the floor's right after it, and the median of those ratios counts.
 */
export const cachedPosts = async (feedCount: number): Promise<Row[]> => {
  const bases = feeds(feedCount)
  const provider = await startProvider()
  const ours = await startOurs(provider)
  const floor = await Target.start('bare-fastify')
  await warmUp(ours, bases)
  await load(ours, bases, 2)
  await load(floor, bases, 2)
  const rounds: { mine: LoadResult; theirs: LoadResult }[] = []
  for (let round = 0; round < LOAD_ROUNDS; round++)
    rounds.push({ mine: await load(ours, bases, 1), theirs: await load(floor, bases, 1) })
  await Promise.all([provider, ours, floor].map((target) => target.stop()))
  const row = (unit: string, figure: (result: LoadResult) => number): Row => ({
    scenario: `cached POST, ${feedCount} feed${feedCount > 1 ? 's' : ''}, against bare fastify`,
    unit,
    ours: median(rounds.map(({ mine }) => figure(mine))),
    floor: median(rounds.map(({ theirs }) => figure(theirs))),
    ratio: median(rounds.map(({ mine, theirs }) => figure(mine) / figure(theirs))),
    atLeast: '1.0',
  })
  return [
    row('requests/s', ({ requestsPerSecond }) => requestsPerSecond),
    row('requests/CPU s', ({ requestsPerCpuSecond }) => requestsPerCpuSecond),
  ]
}

/** CPU seconds that a target spends on a flood of messages, until a POST shows the last value sent. */
const absorb = async (
  target: Target,
  provider: Target,
  bases: string[],
  messages: number,
  lastPrice: number,
) => {
  const cpuBefore = target.cpuSeconds()
  const startedAt = performance.now()
  provider.child.send({ messages, lastPrice })
  const deadline = startedAt + 20_000
  while ((await post(target, bases.at(-1)!)).result !== lastPrice) {
    if (performance.now() > deadline) throw new Error('The last value sent never showed')
    await pause(20)
  }
  const cpu = target.cpuSeconds() - cpuBefore
  return { perCpuSecond: messages / cpu, perSecond: (messages * 1000) / (performance.now() - startedAt) }
}

/** Messages per CPU second against a client that only parses and stores. */
export const ingest = async (feedCount: number, messages: number): Promise<Row[]> => {
  const bases = feeds(feedCount)
  const measure = async (name: 'ours' | 'floor') => {
    const provider = await startProvider()
    const url = `ws://127.0.0.1:${provider.port}`
    const target =
      name === 'ours'
        ? await startOurs(provider)
        : await Target.start('bare-client', [`--provider=${url}`, `--feeds=${feedCount}`])
    if (name === 'ours') await warmUp(target, bases)
    while ((await post(target, bases.at(-1)!)).status !== 200) await pause(20)
    await absorb(target, provider, bases, messages / 2, 7)
    const rounds: { perCpuSecond: number; perSecond: number }[] = []
    for (let round = 0; round < INGEST_ROUNDS; round++)
      rounds.push(await absorb(target, provider, bases, messages, 1_000 + round))
    await Promise.all([provider.stop(), target.stop()])
    return {
      cpu: median(rounds.map((round) => round.perCpuSecond)),
      wall: median(rounds.map((round) => round.perSecond)),
    }
  }
  const floor = await measure('floor')
  const ours = await measure('ours')
  const scenario = `ingest, ${feedCount} feeds, against a bare ws client`
  return [
    {
      scenario,
      unit: 'messages/CPU s',
      ours: ours.cpu,
      floor: floor.cpu,
      ratio: ours.cpu / floor.cpu,
      atLeast: '0.6',
    },
    {
      scenario,
      unit: 'messages/s',
      ours: ours.wall,
      floor: floor.wall,
      ratio: ours.wall / floor.wall,
      atLeast: '-',
    },
  ]
}

/** From a POST for a feed that nobody asked for before to its answer; the provider answers at once. */
export const firstPrice = async (): Promise<Row[]> => {
  const provider = await startProvider()
  const ours = await startOurs(provider)
  await post(ours, 'WARM')
  const times: number[] = []
  for (const base of feeds(40)) {
    const startedAt = performance.now()
    const { status } = await post(ours, base)
    if (status !== 200) throw new Error(`No first price: ${status}`)
    times.push(performance.now() - startedAt)
    await pause(25)
  }
  await Promise.all([provider.stop(), ours.stop()])
  return [
    {
      scenario: 'first price of a new feed, median',
      unit: 'ms',
      ours: median(times),
      floor: undefined,
      ratio: undefined,
      atLeast: 'under 15',
    },
  ]
}

/** Where `npm run test:reference` leaves the framework that ours stands in for. */
const REFERENCE = path.join(
  __dirname,
  '../../compat/reference/node_modules/@chainlink/external-adapter-framework',
)

interface Starts {
  ms: number[]
  cpuMs: number[]
  mib: number[]
}

const startOnce = async (into: Starts, start: () => Promise<Target>): Promise<void> => {
  const target = await start()
  into.ms.push(target.startMs)
  into.cpuMs.push(target.startCpuSeconds * 1000)
  into.mib.push(target.rssMiB())
  await target.stop()
}

/** Start-up and resident memory, against bare fastify and, where it is installed, the reference with the same adapter. */
export const startUpAndMemory = async (): Promise<Row[]> => {
  const none = (): Starts => ({ ms: [], cpuMs: [], mib: [] })
  const measured = { ours: none(), floor: none(), reference: none() }
  const hasReference = existsSync(REFERENCE)
  const provider = await startProvider()
  for (let round = 0; round < START_ROUNDS; round++) {
    await startOnce(measured.ours, () => startOurs(provider))
    await startOnce(measured.floor, () => Target.start('bare-fastify'))
    if (hasReference)
      await startOnce(measured.reference, () =>
        Target.start('tickwell', [`--provider=ws://127.0.0.1:${provider.port}/`, `--package=${REFERENCE}`]),
      )
  }
  const loaded = await startOurs(provider)
  await warmUp(loaded, feeds(1_000))
  const loadedMib = loaded.rssMiB()
  await Promise.all([loaded.stop(), provider.stop()])

  const row = (scenario: string, figure: keyof Starts, than: Starts, atLeast: string): Row => {
    const [ours, floor] = [median(measured.ours[figure]), median(than[figure])]
    const unit = figure === 'mib' ? 'MiB' : 'ms'
    return { scenario, unit, ours, floor, ratio: floor / ours, atLeast }
  }
  const { floor, reference } = measured
  return [
    row('start to listening, against bare fastify', 'ms', floor, '-'),
    row('CPU of a start, against bare fastify', 'cpuMs', floor, '-'),
    row('memory after start, against bare fastify', 'mib', floor, '-'),
    ...(hasReference
      ? [
          row('start to listening, against the reference', 'ms', reference, '-'),
          row('CPU of a start, against the reference', 'cpuMs', reference, '1.67'),
          row('memory after start, against the reference', 'mib', reference, '1.33'),
        ]
      : []),
    {
      scenario: 'memory with 1 000 feeds',
      unit: 'MiB',
      ours: loadedMib,
      floor: undefined,
      ratio: undefined,
      atLeast: '-',
    },
  ]
}
