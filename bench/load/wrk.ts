import { execFile, spawnSync } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { BadAnswer } from './answer'
import { Checking } from './checking'
import { type Around, CONNECTIONS, type Counted, type LoadOptions } from './options'

/** From dist/bench/bench/load: the compiler leaves it where it is. */
const SCRIPT = path.join(__dirname, '../../../../bench/load/node-bodies.lua')

const UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000 }

/** Runs have numbers of their own, so that no body comes twice. */
const RUNS_PER_ROUND = 10_000_000
let round = 0

export const hasWrk = (): boolean => spawnSync('wrk', ['--version']).error === undefined

const percentileIn = (report: string, percent: number): number => {
  const [, figure, unit = ''] = new RegExp(`^ *${percent}% +([\\d.]+)(us|ms|s)$`, 'm').exec(report) ?? []
  return Number(figure) * (UNITS[unit] ?? NaN)
}

/** Reads what wrk prints at its end. @throws BadAnswer when an answer was not good or did not come */
export const countedIn = (report: string): Counted => {
  const bad = /^ *(Non-2xx or 3xx responses|Socket errors): .*$/m.exec(report)
  if (bad !== null) throw new BadAnswer(bad[0].trim())
  const [, requests, seconds] = /^ *(\d+) requests in ([\d.]+)s,/m.exec(report) ?? []
  if (requests === undefined) throw new BadAnswer(`Not a report of wrk: ${report.slice(0, 200)}`)
  return {
    requests: Number(requests),
    seconds: Number(seconds),
    p50Ms: percentileIn(report, 50),
    p99Ms: percentileIn(report, 99),
  }
}

/**
 * A closed loop as that of autocannon, of wrk, which takes less time for a request and so fills the core of a faster side. Always in
 * bodies of nodes, for feeds from the first on.
 *
 * @param seconds - rounded up to whole ones
 * @throws BadAnswer when an answer is not a good one
 */
export const closedLoopOfWrk = async (
  options: LoadOptions,
  seconds: number,
  around: Around = {},
): Promise<Counted> => {
  const { port, bases, connections = CONNECTIONS } = options
  const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--latency', '-s', SCRIPT]
  const told = [`http://127.0.0.1:${port}/`, '--', String(bases.length), String(round++ * RUNS_PER_ROUND)]
  await using checking = await Checking.start({ ...options, asNode: true })
  around.before?.()
  const run = promisify(execFile)('wrk', [...args, ...told])
  try {
    const { stdout } = await Promise.race([run, checking.failure])
    around.after?.()
    const counted = countedIn(stdout)
    return { ...counted, requests: counted.requests + checking.answers }
  } finally {
    run.child.kill()
  }
}
