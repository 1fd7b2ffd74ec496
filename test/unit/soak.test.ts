import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually'
import { root } from '../helpers/repository'

const load = () => import('../../scripts/soak/judge.mjs')
let soak: Awaited<ReturnType<typeof load>>
type Sample = Parameters<typeof soak.problemsOf>[0][number]
beforeAll(async () => {
  soak = await load()
})

const MB = 1_000_000
/** What varies without an end: not the same at any two of three. */
const wave = (at: number, size: number) => size * Math.sin(at * 2.4)

/** Ten minutes of a process that does not grow, or in which something does. */
const samplesOf = (growth: (at: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: 120 }, (_, at) => ({
    atMs: at * 5_000,
    heap: 20 * MB + wave(at, 0.2 * MB),
    timers: 20 + Math.round(wave(at, 4)),
    sockets: 9 + Math.round(wave(at, 1)),
    handles: 4,
    lagMs: 12 + wave(at, 3),
    ...growth(at),
  }))

describe('the judge of the soak', () => {
  it('is content with what comes and goes', () => {
    expect(soak.problemsOf(samplesOf())).toEqual([])
  })

  it('is content with caches that fill at the beginning', () => {
    const filling = (at: number) => Math.min(at, 35)
    const growth = (at: number) => ({
      heap: (20 + filling(at)) * MB + wave(at, 0.2 * MB),
      timers: filling(at),
      sockets: filling(at),
    })
    expect(soak.problemsOf(samplesOf(growth))).toEqual([])
  })

  it.each<[string, (at: number) => Partial<Sample>]>([
    ['the heap grows', (at) => ({ heap: 20 * MB + at * 20_000 + wave(at, 0.2 * MB) })],
    ['timers:', (at) => ({ timers: 20 + at + Math.round(wave(at, 4)) })],
    ['sockets:', (at) => ({ sockets: 9 + Math.floor(at / 10) })],
    ['handles:', (at) => ({ handles: 4 + Math.floor(at / 30) })],
    ['the event loop is', (at) => ({ lagMs: 12 + at ** 2 / 50 })],
  ])('says of a process in which it is so: %s', (said, growth) => {
    expect(soak.problemsOf(samplesOf(growth))).toEqual([expect.stringContaining(said)])
  })

  it('allows the heap one percent an hour, and a run of minutes three percent in all', () => {
    const rising = (percent: number, spanMs: number) =>
      soak.problemsOf(
        samplesOf((at) => ({
          atMs: at * (spanMs / 60),
          // After the half that is not judged.
          heap: 20 * MB * (1 + ((percent / 100) * Math.max(0, at - 60)) / 60),
        })),
      )
    expect(rising(0.9, 3_600_000)).toEqual([])
    expect(rising(1.2, 3_600_000)).toEqual([expect.stringContaining('at least 1.2 % an hour')])
    expect(rising(2.9, 300_000)).toEqual([])
    expect(rising(3.2, 300_000)).toEqual([expect.stringContaining('the heap grows')])
  })

  it('says nothing good of a process that was hardly seen', () => {
    expect(soak.problemsOf(samplesOf().slice(0, 8))).toEqual(['only 8 samples'])
  })
})

describe('the probe of the soak', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'soak-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  /** What it has seen of an idle process, after so many samples. */
  const seen = async (leak?: string): Promise<Sample[]> => {
    const file = join(folder, 'samples')
    const env = {
      ...process.env,
      NODE_OPTIONS: `--require=${JSON.stringify(join(root, 'scripts/soak/probe.cjs'))}`,
      SOAK_FILE: file,
      SOAK_EVERY_MS: '100',
      ...(leak !== undefined && { SOAK_LEAK: leak }),
    }
    const idle = 'setInterval(() => setTimeout(() => {}, 1), 20)'
    const child = spawn(process.execPath, ['-e', idle], { env, stdio: 'ignore' })
    const read = () =>
      existsSync(file) ? soak.samplesIn(readFileSync(file, 'utf8')).get(child.pid!) : undefined
    try {
      await eventually(() => expect(read()?.length).toBeGreaterThan(20))
      return read()!
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }

  /** The heap of a process that has just begun is not judged here. */
  const counts = (samples: Sample[]) =>
    soak.problemsOf(samples).filter((said) => !/^the (heap|event loop)/.test(said))

  it('sees nothing grow in an idle process', async () => {
    expect(counts(await seen())).toEqual([])
  })

  it.each([
    ['heap', 'the heap grows'],
    ['timers', 'timers:'],
    ['sockets', 'sockets:'],
    ['handles', 'handles:'],
  ])('sees a leak of %s', async (leak, said) => {
    expect(soak.problemsOf(await seen(leak))).toEqual(expect.arrayContaining([expect.stringContaining(said)]))
  })

  it('sees how late the event loop is', async () => {
    expect((await seen('lag')).at(-1)!.lagMs).toBeGreaterThan(50)
  })
})
