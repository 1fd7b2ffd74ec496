import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { laws } from '../../scripts/laws/laws.cjs'
import { eventually } from '../helpers/eventually'
import { read } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/trial/clients.mjs')),
  ...(await import('../../scripts/trial/lines.mjs')),
  ...(await import('../../scripts/trial/marked.mjs')),
  ...(await import('../../scripts/trial/page.mjs')),
  ...(await import('../../scripts/trial/wall-clock.mjs')),
})
type Trial = Awaited<ReturnType<typeof load>>

let trial: Trial
beforeAll(async () => {
  trial = await load()
})

describe.each([['stale'], ['alive'], ['answers'], ['edge'], ['laws']] as const)(
  'the table of what was tried from outside, %s',
  (name) => {
    const page = () => {
      const { table, lines } = trial[name]
      return { lines, rows: trial.rowsOf(read('docs/reliability.md'), table) }
    }

    it('has a row for each line of the trial, in their order, and what each side did', () => {
      const { lines, rows } = page()
      expect(rows.map((row) => row.slice(0, 4))).toEqual(lines.map(trial.plannedCells))
      for (const [line, , , , ours, reference, ...more] of rows) {
        expect([ours, reference], line).not.toContain('')
        expect([ours, reference], line).not.toContain(undefined)
        expect(more, line).toEqual([])
      }
    })

    it('cites laws that there are, each line under a name of its own', () => {
      const laws = read('docs/contributing/invariants.md').match(/(?<=^\*\*)[A-Z]{2}-\d+/gm)
      const { lines } = page()
      for (const { law } of lines) expect(laws).toEqual(expect.arrayContaining(law.split(', ')))
      expect(new Set(lines.map((line) => line.name)).size).toBe(lines.length)
    })

    it('leaves the cell of the reference empty exactly where no case of a line is for both', () => {
      const { lines, rows } = page()
      const without = lines.filter(({ cases }) => cases.every(({ only }) => only === 'ours'))
      const dashes = rows.filter(([, , , , , reference]) => reference === '—')
      expect(dashes.map(([line]) => line)).toEqual(without.map((line) => `\`${line.name}\``))
    })
  },
)

describe('the table of what the reference was seen to break', () => {
  const page = () => read('docs/reliability.md')

  it('has each law that is marked so, and says what the other tables say', () => {
    const rows = trial.rowsOf(page(), 'marked')
    const marked = laws.filter(({ failsInReference }) => failsInReference)
    expect(rows.map(([law]) => law)).toEqual(marked.map(({ id, name }) => `${id} · ${name}`))
    expect(rows).toEqual(trial.markedRows(page(), trial.trials))
  })

  it('has lines that try each law, on the reference too', () => {
    for (const [law, lines, , reference] of trial.rowsOf(page(), 'marked')) {
      expect(lines, law).not.toBe('')
      expect(['broken', 'holds'], law).toContain(reference)
    }
  })

  it('lets only those laws wait of which it is said for what', () => {
    expect(Object.keys(trial.waits)).toEqual(['NU-3', 'NU-5', 'CA-4'])
    const line = (laws: string, ours: string, theirs: string) =>
      `| \`some\` | ${laws} | happens | right | ${ours} | ${theirs} |`
    const [wrong, right] = ['**wrong** in 1 of 2. so', 'right: so']
    const made = (table: string, ...rows: string[]) =>
      [`<!-- ${table} -->`, '| line |', '|---|', ...rows, `<!-- /${table} -->`].join('\n')
    const text = [
      made('lines', line('FR-1', right, wrong), line('FR-2', wrong, right), line('NU-3, FR-1', wrong, '—')),
      made('alive', line('SB-5', right, right)),
      made('answers'),
      made('edge'),
      made('laws', line('NU-5', right, '—')),
    ].join('\n')
    const said = trial
      .markedRows(text, trial.trials)
      .map(([law = '', , ...cells]) => [law.split(' ')[0], ...cells])
    const of = (id: string) => said.find(([law]) => law === id)?.slice(1)
    expect(of('FR-1')).toEqual(['**broken**', 'broken'])
    expect(of('FR-2')).toEqual(['**broken**', 'holds'])
    expect(of('NU-3')).toEqual([`waits ${trial.waits['NU-3']}`, '—'])
    expect(of('NU-5')).toEqual(['holds', '—'])
    expect(of('SB-5')).toEqual(['holds', 'holds'])
  })
})

describe('a client of the trial', () => {
  const answerWith = (...headers: string[]) =>
    ['HTTP/1.1 200 OK', 'content-length: 2', ...headers, '', '{}'].join('\r\n')

  /** @param answers - by the number of requests that have come on the connection, what is written, or undefined where it is cut */
  const served = async (...answers: (string | undefined)[]) => {
    const server = createServer((socket) => {
      let requests = 0
      socket
        .on('error', () => {})
        .on('data', () => {
          const answer = answers[requests++]
          if (answer === undefined) socket.destroy()
          else socket.write(answer)
        })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = new trial.BusyClient(
      (server.address() as AddressInfo).port,
      trial.requestOf({ symbol: 'A' }),
    )
    await eventually(() => expect(client.isClosed || client.wasToldToClose).toBe(true))
    const { sent, lost, wasToldToClose, answers: got } = client
    client.destroy()
    server.close()
    await once(server, 'close')
    return { sent, lost, wasToldToClose, answered: got.length }
  }

  it('counts a request as lost that is cut while its connection was kept', async () => {
    expect(await served(answerWith(), undefined)).toEqual({
      sent: 2,
      lost: 1,
      wasToldToClose: false,
      answered: 1,
    })
  })

  it('sends no further one when it is told to close', async () => {
    expect(await served(answerWith(), answerWith('Connection: close'), undefined)).toEqual({
      sent: 2,
      lost: 0,
      wasToldToClose: true,
      answered: 2,
    })
  })
})

const HOUR_MS = 3_600_000

/** Says what time it is in all the ways there are, once for each line that it reads. */
const PROGRAM = `
const { execFileSync } = require('node:child_process')
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  const made = new Date()
  console.log(JSON.stringify({
    now: Date.now(),
    made: made.getTime(),
    copied: new made.constructor().getTime(),
    text: Date.parse(Date()),
    child: Number(execFileSync(process.execPath, ['-p', 'Date.now()'], { encoding: 'utf8' })),
    given: [new Date(5).getTime(), new Date('1970-01-02').getTime(), Date.UTC(1970, 0, 3)],
    isDate: made instanceof Date,
    performance: performance.now(),
    hrtime: Number(process.hrtime.bigint()) / 1e6,
    uptime: process.uptime() * 1000,
  }))
})`

interface Times {
  now: number
  made: number
  copied: number
  text: number
  child: number
  given: number[]
  isDate: boolean
  performance: number
  hrtime: number
  uptime: number
}

describe('the clock of the trial', () => {
  let folder: string
  let clock: InstanceType<Trial['WallClock']>
  let child: ChildProcess
  let answers: AsyncIterator<string>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trial-clock-'))
    clock = new trial.WallClock(join(folder, 'clock'))
    const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit']
    child = spawn(process.execPath, ['-e', PROGRAM], { env: { ...process.env, ...clock.env }, stdio })
    answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  })
  afterEach(async () => {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    clock.close()
    rmSync(folder, { recursive: true })
  })

  const times = async (): Promise<Times> => {
    child.stdin!.write('\n')
    return JSON.parse((await answers.next()).value as string) as Times
  }

  /** Whole hours by which all that shows the wall clock is ahead of ours: the rest is how long the test took. */
  const hoursAhead = ({ now, made, copied, text, child: started }: Times) =>
    [now, made, copied, text, started].map((time) => Math.round((time - Date.now()) / HOUR_MS) || 0)

  it('moves everything that shows the wall clock, in the process and those that it starts', async () => {
    expect(hoursAhead(await times())).toEqual([0, 0, 0, 0, 0])
    await clock.step(-3 * HOUR_MS)
    expect(hoursAhead(await times())).toEqual([-3, -3, -3, -3, -3])
    await clock.step(5 * HOUR_MS)
    expect(hoursAhead(await times())).toEqual([2, 2, 2, 2, 2])
  })

  it('leaves alone what is no wall clock, and dates that are given', async () => {
    const before = await times()
    await clock.step(48 * HOUR_MS)
    const after = await times()
    for (const name of ['performance', 'hrtime', 'uptime'] as const)
      expect(Math.round((after[name] - before[name]) / HOUR_MS), name).toBe(0)
    expect(after.given).toEqual([5, 86_400_000, 2 * 86_400_000])
    expect(after.isDate).toBe(true)
  })

  it('is ahead by a sleep for those that slept, from when they wake', async () => {
    const sleptMs = () => readFileSync(join(folder, 'clock')).readDoubleLE(8)
    const events: [string, number][] = []
    const sleeper = {
      freeze: () => child.kill('SIGSTOP') && events.push(['freeze', sleptMs()]),
      thaw: () => events.push(['thaw', sleptMs()]) && child.kill('SIGCONT'),
    }
    await clock.step(HOUR_MS)
    await clock.sleep(6 * HOUR_MS, [sleeper])
    expect(events).toEqual([
      ['freeze', 0],
      ['thaw', 6 * HOUR_MS],
    ])
    expect(hoursAhead(await times())).toEqual([7, 7, 7, 7, 7])
  })
})
