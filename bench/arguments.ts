import { parseArgs } from 'node:util'
import { type BenchOptions } from './bench'

/** What the bench was told on its command line. */
export interface Arguments extends BenchOptions {
  /** Empty means all. */
  scenarios: string[]
  isListing: boolean
  /** JSON lines: a file, or `-` for standard output, which has nothing else then. */
  json?: string
  /** Whether the documents get the figures. */
  isWriting: boolean
}

export const USAGE = `npm run bench -- [scenario ...] [options]

  Ends with 1 when a row misses what is wanted of it, or that could not be measured.

  --list                 names the scenarios
  --quick                fewer and shorter rounds: shows that it works, says little
  --json[=<file>]        one JSON object per row, to standard output or a file
  --write                puts the figures of a full run into docs/performance.md and README.md
  --cpu-profile=<dir>    a CPU profile of our target for each scenario, after it has warmed up
  --heap-profile=<dir>   a sampling heap profile of our target: what survived
  --fast-lane=off        our target parses every request (FAST_LANE_ENABLED=false)`

/** @throws Error for what is not understood, and for figures that must not be written down */
export const readArguments = (given: readonly string[]): Arguments => {
  const args = given.map((text) => (text === '--json' ? '--json=-' : text))
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      'cpu-profile': { type: 'string' },
      'heap-profile': { type: 'string' },
      'fast-lane': { type: 'string', default: 'on' },
    },
  })
  if (!['on', 'off'].includes(values['fast-lane'])) throw new Error('--fast-lane is on or off')
  const isAsShipped =
    values['fast-lane'] === 'on' &&
    values['cpu-profile'] === undefined &&
    values['heap-profile'] === undefined
  if (values.write && (values.quick || positionals.length > 0 || !isAsShipped))
    throw new Error('--write wants a full run: all scenarios, not quick, without profiles, fast lane on')
  return {
    scenarios: positionals,
    isListing: values.list,
    isQuick: values.quick,
    json: values.json,
    isWriting: values.write,
    cpuProfiles: values['cpu-profile'],
    heapProfiles: values['heap-profile'],
    hasFastLane: values['fast-lane'] === 'on',
  }
}
