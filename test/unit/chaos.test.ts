import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { read, root } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/chaos/model.mjs')),
  ...(await import('../../scripts/chaos/mutants.mjs')),
  ...(await import('../../scripts/chaos/plan.mjs')),
  ...(await import('../../scripts/mutants/law-mutants.mjs')),
})
type Chaos = Awaited<ReturnType<typeof load>>

let chaos: Chaos
beforeAll(async () => {
  chaos = await load()
})

const START = 1_800_000_000_000

describe('the reference model', () => {
  const world = () => {
    const model = new chaos.Model({
      ws: { maxAgeMs: 2_000, futureMs: 1_000 },
      batched: { maxAgeMs: 2_000, hardMaxAgeMs: 8_000, futureMs: 1_000 },
    })
    for (const endpoint of ['ws', 'batched']) model.connected(endpoint, 1)
    const send = (feed: string, number: number | undefined, at: number, byMs = 0, line = 1) =>
      model.sent(feed, { number, asOf: START + at + byMs, line, atMs: START + at })
    const ask = (feed: string, at: number, more: object) =>
      model
        .judge({ feed, askedMs: START + at, answeredMs: START + at, status: 200, reader: 1, ...more })
        .map((text) => text.slice(0, text.indexOf(':')))
    const value = (feed: string, at: number, result: unknown, asOf: number) =>
      ask(feed, at, { result, asOf: START + asOf })
    return { model, send, ask, value }
  }

  it('lets a value pass that was sent for the feed and is young enough, as a number or as text', () => {
    const { send, value } = world()
    send('ws:A', 1001, 0)
    expect(value('ws:A', 2_000, 1001, 0)).toEqual([])
    expect(value('ws:A', 2_000, '1001.0', 0)).toEqual([])
  })

  it('knows what was never sent, or may not be served', () => {
    const { send, value } = world()
    send('ws:A', undefined, 0)
    for (const result of [1001, null, [1001], '1,001', true])
      expect(value('ws:A', 10, result, 0)).toEqual(['NU-7'])
  })

  it('knows the value of another feed, another time than was sent, and one of the future', () => {
    const { send, value } = world()
    send('ws:A', 1001, 0)
    send('ws:A', 1002, 0, 2_000)
    expect(value('ws:a', 10, 1001, 0)).toEqual(['ID-3'])
    expect(value('ws:A', 10, 1001, 5)).toEqual(['TM-8'])
    expect(value('ws:A', 10, 1002, 2_000)).toEqual(['TM-2'])
  })

  it('counts the age by the time of the provider, and where values are confirmed by what confirms that very value', () => {
    const { model, send, value } = world()
    send('ws:A', 1001, 0, -500)
    expect(value('ws:A', 1_600, 1001, -500)).toEqual(['FR-1'])
    send('batched:Q', 1002, 0)
    model.confirmed('batched:Q', 1, START + 1_500)
    expect(value('batched:Q', 3_000, 1002, 0)).toEqual([])
    send('batched:Q', undefined, 3_000)
    model.confirmed('batched:Q', 1, START + 3_500)
    expect(value('batched:Q', 5_000, 1002, 0)).toEqual(['FR-4'])
    expect(value('batched:Q', 8_100, 1002, 0)).toEqual(['FR-1', 'FR-4'])
  })

  it('knows what came on a connection that the service had left', () => {
    const { model, send, value } = world()
    model.connected('ws', 2)
    model.retired('ws', 1)
    send('ws:A', 1001, 0)
    send('ws:A', 1002, 0, 0, 2)
    expect(value('ws:A', 10, 1001, 0)).toEqual(['CN-1'])
    expect(value('ws:A', 10, 1002, 0)).toEqual([])
  })

  it('lets no reader see an earlier time after a later one, until the service is started anew', () => {
    const { model, send, ask, value } = world()
    send('ws:A', 1001, 0)
    send('ws:A', 1002, 10)
    expect(value('ws:A', 20, 1002, 10)).toEqual([])
    expect(value('ws:A', 30, 1001, 0)).toEqual(['TM-1'])
    expect(ask('ws:A', 30, { result: 1001, asOf: START, reader: 2 })).toEqual([])
    model.reborn(START + 40)
    expect(value('ws:A', 50, 1001, 0)).toEqual([])
  })

  it('wants a value where one must have arrived, and nothing has happened since that could have cost it', () => {
    const none = { status: 504, reason: 'NO_DATA' }
    const { model, send, ask } = world()
    send('ws:A', 1001, 0)
    expect(ask('ws:A', 800, none)).toEqual([])
    expect(ask('ws:A', 1_200, none)).toEqual(['ER-2'])
    expect(ask('ws:A', 1_800, none)).toEqual([])
    model.disturbed(START + 10)
    expect(ask('ws:A', 1_200, none)).toEqual([])
    send('ws:A', 1002, 100)
    model.ended('ws', 1)
    expect(ask('ws:A', 1_300, none)).toEqual([])
  })

  it('wants a reason for a feed that has no value, once it has had none for a while', () => {
    const { ask } = world()
    expect(ask('ws:A', 0, { status: 504 })).toEqual([])
    expect(ask('ws:A', 4_001, { status: 504 })).toEqual(['ER-1'])
    expect(ask('ws:A', 4_002, { status: 500, reason: 'a bug' })).toEqual(['ER-7'])
    expect(ask('ws:A', 4_003, { status: 504 })).toEqual([])
  })
})

describe('the plan of a world', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(chaos.planOf(7)).toEqual(chaos.planOf(7))
    expect(chaos.planOf(8).steps).not.toEqual(chaos.planOf(7).steps)
  })

  it('has five hundred steps at least, is data, and has every kind of step within twenty seeds, in every shape', () => {
    const plans = Array.from({ length: 20 }, (_, at) => chaos.planOf(at + 1))
    for (const plan of plans) {
      expect(plan.steps.length).toBeGreaterThanOrEqual(500)
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    }
    const kinds = new Set(plans.flatMap(({ steps }) => steps.map((step) => step.do)))
    const ofProviders = ['late-message', 'poison', 'unlisted']
    expect(chaos.FAULTS.filter((kind) => !kinds.has(kind))).toEqual(ofProviders)
    expect(new Set(plans.map(({ shape }) => shape))).toEqual(new Set(['expose', 'service', 'workers']))
  })
})

describe('the mutants that a world has to notice', () => {
  it('are changes of our own code, at one place each', () => {
    for (const mutant of chaos.readMutants()) {
      const text = read(mutant.file)
      expect(chaos.mutated(text, { ...mutant, test: '' })).not.toBe(text)
    }
  })
})

describe('the built service', () => {
  const out = mkdtempSync(join(tmpdir(), 'chaos-package-'))
  afterAll(() => rmSync(out, { recursive: true, force: true }))

  it('keeps all laws in ten worlds', async () => {
    const run = (script: string, ...args: string[]) => [join(root, 'scripts', script), ...args]
    symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
    execFileSync(process.execPath, run('build.mjs', '--no-check', '--out', out), { stdio: 'pipe' })
    // Fewer steps than by `npm run chaos`, because the whole suite waits for it.
    const args = ['--seeds=10', '--steps=200', `--package=${join(out, 'package')}`, `--reports=${out}`]
    const { stdout } = await promisify(execFile)(process.execPath, run('chaos/run.mjs', ...args)).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout.match(/^FAIL.*|^ {6}step.*/gm) ?? []).toEqual([])
    expect(stdout).toContain('10 of 10 seeds green')
  }, 600_000)
})
