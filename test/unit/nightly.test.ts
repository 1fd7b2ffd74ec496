import { tmpdir } from 'node:os'
import { beforeAll, describe, expect, it } from 'vitest'
import { read } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/nightly/plan.mjs')),
  ...(await import('../../scripts/nightly/run.mjs')),
  ...(await import('../../scripts/mutants/part.mjs')),
})
let nightly: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  nightly = await load()
})

/** The first of seven days in a row. */
const SOME_DAY = 20_400
const week = () => Array.from({ length: 7 }, (_, n) => SOME_DAY + n)

describe('the plan of the night', () => {
  it('ends within 90 minutes on any day, because each job has a bound', () => {
    for (const day of week()) {
      const rounds = nightly.roundsOf(day)
      expect(rounds.flat().filter(({ minutes }) => !(minutes > 0))).toEqual([])
      expect(nightly.minutesOf(rounds)).toBeLessThanOrEqual(nightly.MOST_MINUTES)
    }
    expect(nightly.MOST_MINUTES).toBe(90)
  })

  it('has no more than two jobs at a time, and each is a script that there is', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const rounds = nightly.roundsOf(SOME_DAY)
    expect(Math.max(...rounds.map((jobs) => jobs.length))).toBe(2)
    const named = rounds.flat().map(({ command }) => command[2])
    expect(named.filter((name) => !Object.hasOwn(scripts, name!))).toEqual([])
    expect(new Set(rounds.flat().map(({ name }) => name)).size).toBe(rounds.flat().length)
  })

  it('tries every mutant within a week', () => {
    const parts = (job: string) =>
      week().map((day) => {
        const { command } = nightly
          .roundsOf(day)
          .flat()
          .find(({ name }) => name === job)!
        return command.find((arg) => arg.startsWith('--part='))!.slice('--part='.length)
      })
    const all = Array.from({ length: 23 }, (_, n) => n)
    for (const job of ['law-mutants', 'mutants']) {
      const tried = parts(job).flatMap((part) => nightly.partOf(all, part))
      expect(tried.sort((a, b) => a - b)).toEqual(all)
    }
  })
})

it.each(['0/7', '8/7', '2', 'x/7', '2/7/1'])('a part %s is refused', (part) => {
  expect(() => nightly.partOf([1], part)).toThrow(`no part: ${part}`)
})

describe('a job of the night', () => {
  const of = { folder: tmpdir(), isAlone: false, minuteMs: 100 }
  const program = (code: string, minutes: number) => ({
    name: 'job',
    minutes,
    command: [process.execPath, '-e', code],
  })

  it('passes or fails by its exit code, and what it said is given back', async () => {
    const good = await nightly.runJob(program('console.log("well"); console.error("done")', 600), of)
    expect(good).toMatchObject({ outcome: 'passed', said: expect.stringMatching(/well/) })
    expect(good.said).toContain('done')
    expect(await nightly.runJob(program('process.exit(3)', 600), of)).toMatchObject({ outcome: 'failed' })
    const none = { name: 'none', minutes: 600, command: ['no-such-program-here'] }
    expect(await nightly.runJob(none, of)).toMatchObject({ outcome: 'failed' })
  })

  it('that does not end is killed with all that it started, and has failed', async () => {
    const child = 'setInterval(() => {}, 1000)'
    // It holds the output open, which is waited for.
    const code = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })`
    expect(await nightly.runJob(program(code, 10), of)).toMatchObject({ outcome: 'killed' })
  })
})
