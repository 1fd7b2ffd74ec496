import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../bench/arguments'
import { loadScenarios } from '../../bench/catalogue'
import { coreTimesIn } from '../../bench/measure/cpu'
import { disturbanceBetween, type Moment } from '../../bench/measure/disturbance'
import { alternate, figuresOf, repeated } from '../../bench/measure/rounds'
import { delaysOf, median, percentile, ratioOf } from '../../bench/measure/statistics'
import { briefSection, fullSection, replaceBetweenMarkers } from '../../bench/report/pages'
import { jsonOf, misses, rowOf, wantedText } from '../../bench/report/row'
import { shown, tableOf } from '../../bench/report/table'
import { type RowPlan } from '../../bench/scenario'
import { changed, TRICKS } from '../../bench/tricks'
import { read, root } from '../helpers/repository'

const positive = fc.double({ min: 0.001, max: 1e6, noNaN: true })
const someValues = fc.array(positive, { minLength: 1, maxLength: 50 })

describe('the statistics of the bench', () => {
  it('take a median that splits the values in halves, in whatever order they come', () => {
    fc.assert(
      fc.property(someValues, (values) => {
        const middle = median(values)
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2)
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2)
        expect(median([...values].reverse())).toBe(middle)
      }),
    )
    expect(median([4, 1, 3])).toBe(3)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(() => median([])).toThrow(RangeError)
  })

  it('take as a percentile the smallest value that enough of them do not exceed', () => {
    fc.assert(
      fc.property(someValues, fc.constantFrom(0.5, 0.9, 0.99, 1), (values, share) => {
        const found = percentile(values, share)
        expect(values).toContain(found)
        const atMost = values.filter((value) => value <= found).length
        const below = values.filter((value) => value < found).length
        expect(atMost).toBeGreaterThanOrEqual(share * values.length)
        expect(below).toBeLessThan(share * values.length)
      }),
    )
    expect(percentile(Float64Array.of(3, 1, 2), 0.99)).toBe(3)
  })

  it('give the same ratio however the speed of the machine changes from round to round', () => {
    const round = fc.record({ theirs: positive, speed: fc.double({ min: 0.1, max: 10, noNaN: true }) })
    fc.assert(
      fc.property(
        fc.array(round, { minLength: 1 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (all, factor) => {
          const ours = all.map(({ theirs, speed }) => theirs * factor * speed)
          const theirs = all.map(({ theirs, speed }) => theirs * speed)
          expect(ratioOf(ours, theirs)).toBeCloseTo(factor, 6)
        },
      ),
    )
    expect(ratioOf([10, 30, 90], [10, 10, 10])).toBe(3)
    expect(() => ratioOf([1, 2], [1])).toThrow(RangeError)
  })

  it('count a value that a later one overtook as seen with it, and leave out what was never seen', () => {
    const seen = [
      { value: 1, at: 5 },
      { value: 10, at: 14 },
      { value: 30, at: 31 },
    ]
    expect(delaysOf([10, 20, 30, 40], seen)).toEqual([4, 11, 1])
    expect(delaysOf([10], [])).toEqual([])
  })
})

describe('the rounds of the bench', () => {
  it('alternate the sides, every other turn in reverse', async () => {
    const order: string[] = []
    const rounds = await alternate(['ours', 'floor'], 3, async (side, turn) => {
      order.push(`${side}${turn}`)
      return turn
    })
    expect(order).toEqual(['ours0', 'floor0', 'floor1', 'ours1', 'ours2', 'floor2'])
    expect(rounds).toEqual({ ours: [0, 1, 2], floor: [0, 1, 2] })
  })

  it('of fresh processes come into one list, and a side that was left out has no figures', async () => {
    const all = await repeated(2, async (fresh) => ({ ours: [fresh], floor: [fresh + 10] }))
    expect(figuresOf(all, (value) => value * 2, 'floor')).toEqual({ ours: [0, 2], floor: [20, 22] })
  })
})

describe('what disturbs the bench', () => {
  const moment = (at: number, busy: number[], own: [number | 'any', number][], steal = [0, 0]): Moment => ({
    at,
    cores: busy.map((seconds, core) => ({ busy: seconds, steal: steal[core] ?? 0 })),
    own: new Map(own),
  })
  const begin = moment(100, [50, 50], [[1, 3]])

  it('is not what its own processes do', () => {
    const share = fc.double({ min: 0, max: 10, noNaN: true })
    fc.assert(
      fc.property(share, share, (first, second) => {
        const end = moment(
          110,
          [50 + first, 50 + second],
          [
            [0, first],
            [1, 3 + second],
          ],
        )
        expect(disturbanceBetween(begin, end)).toBeUndefined()
      }),
    )
  })

  it('is the time of other processes, on the cores that it uses', () => {
    const end = moment(
      110,
      [52, 55, 60],
      [
        [0, 2],
        [1, 4],
      ],
    )
    expect(disturbanceBetween(begin, end)).toBe('other processes took 40 % of core 1')
  })

  it('is time that the host took', () => {
    const end = moment(
      110,
      [50, 50],
      [
        [0, 0],
        [1, 3],
      ],
      [0.25, 0.05],
    )
    expect(disturbanceBetween(begin, end)).toBe('the host took 2.5 % of core 0')
  })

  it('is judged over all cores together, where a process may run on any', () => {
    const own: [number | 'any', number][] = [
      [1, 3],
      ['any', 9],
    ]
    expect(disturbanceBetween(begin, moment(110, [55, 54], own))).toBeUndefined()
    expect(disturbanceBetween(begin, moment(110, [57, 54], own))).toBe('other processes took 20 % of a core')
  })

  it('is read from the lines of the cores, interrupts left out', () => {
    const text = 'cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 50 25 999 7 8 9 30 0 0\ncpu1 1 0 1 0 0 0 0 0 0 0\nintr 5'
    expect(coreTimesIn(text)).toEqual([
      { busy: 1.75, steal: 0.3 },
      { busy: 0.02, steal: 0 },
    ])
  })
})

describe('the table of the bench', () => {
  const plan: RowPlan = {
    measure: 'cached POST',
    unit: 'requests/CPU s',
    floor: 'bare fastify',
    wanted: [
      { of: 'floor', atLeast: 1.3 },
      { of: 'reference', atLeast: 5 },
    ],
    isHeadline: true,
  }
  const limit: RowPlan = { measure: 'first price', unit: 'ms', wanted: [{ of: 'ours', atMost: 12 }] }
  const figures = { ours: [26_000, 28_000], floor: [20_000, 20_000], reference: [5_000, 5_000] }

  it('says of each row whether all that is wanted was reached', () => {
    expect(rowOf('s', plan, figures).reached).toBe(true)
    expect(rowOf('s', plan, { ...figures, reference: [20_000, 20_000] }).reached).toBe(false)
    expect(rowOf('s', limit, { ours: [12] }).reached).toBe(true)
    expect(rowOf('s', limit, { ours: [12.1] }).reached).toBe(false)
  })

  it('leaves it open while a figure is missing that decides it, unless another was missed', () => {
    expect(rowOf('s', plan).reached).toBeUndefined()
    expect(rowOf('s', plan, { ...figures, reference: undefined }).reached).toBeUndefined()
    expect(rowOf('s', plan, { ours: [10], floor: [10] }).reached).toBe(false)
    expect(rowOf('s', { ...plan, wanted: [] }, figures).reached).toBeUndefined()
  })

  it('names the rows that miss, and those of which it could not be shown', () => {
    const missed = rowOf('s', limit, { ours: [12.1] })
    const open = rowOf('s', plan, { ...figures, reference: undefined })
    expect(misses([rowOf('s', plan, figures), rowOf('s', { ...plan, wanted: [] }), missed, open])).toEqual([
      'missed: s: first price',
      'not measured: s: cached POST (bare fastify)',
    ])
  })

  it('has a cell for every column, all lines of one width', () => {
    const rows = [rowOf('cached-1', plan, figures, 'steal'), rowOf('first-price', limit)]
    const lines = tableOf(rows).split('\n')
    expect(lines.length).toBe(4)
    expect(new Set(lines.map((line) => line.length)).size).toBe(1)
    const cells = lines.map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    expect(cells[2]).toEqual([
      'cached-1',
      'cached POST',
      'requests/CPU s',
      '27 000',
      'bare fastify: 20 000',
      '1.35',
      '5 000',
      '5.40',
      'at least 1.3 x bare fastify, at least 5 x the reference',
      'yes (disturbed)',
    ])
    expect(cells[3]).toEqual([
      'first-price',
      'first price',
      'ms',
      '-',
      '',
      '',
      '-',
      '-',
      'at most 12 ms',
      '-',
    ])
  })

  it('shows figures with the digits that say something', () => {
    const texts = [0.123, 12.34, 123.4, 1_234.5, 1_234_567, Infinity, undefined].map(shown)
    expect(texts).toEqual(['0.12', '12.3', '123', '1 235', '1 234 567', '-', '-'])
  })

  it('is one JSON object per row, too', () => {
    const line = jsonOf(rowOf('cached-1', plan, figures))
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      scenario: 'cached-1',
      measure: 'cached POST',
      unit: 'requests/CPU s',
      ours: 27_000,
      floor: 20_000,
      floorName: 'bare fastify',
      reference: 5_000,
      ratios: { floor: 1.35, reference: 5.4 },
      wanted: ['at least 1.3 x bare fastify', 'at least 5 x the reference'],
      reached: true,
      rounds: 2,
    })
  })

  it('goes between the markers of a page, in full or the rows that say most, and nowhere else', () => {
    const page = 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n'
    expect(replaceBetweenMarkers(page, 'new')).toBe(
      'before\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nafter\n',
    )
    for (const bad of ['nothing', page + page])
      expect(() => replaceBetweenMarkers(bad, 'new')).toThrow(/needs one/)
    const rows = [rowOf('cached-1', plan, figures), rowOf('first-price', limit)]
    const circumstances = { date: '2026-01-31', node: 'v20.20.2', cores: 2, model: 'A CPU' }
    const full = fullSection(rows, circumstances, ['first-price: skipped: no reason'])
    expect(full).toContain('2026-01-31, Node.js v20.20.2, 2 cores, A CPU.')
    expect(full).toContain('first price')
    expect(full).toContain('\n\n- first-price: skipped: no reason')
    expect(briefSection(rows, circumstances)).not.toContain('first price')
  })
})

describe('the command line of the bench', () => {
  it('is read with scenarios and options in any order', () => {
    const read = readArguments(['cached-1', '--quick', '--json', 'ingest-100', '--fast-lane=off'])
    expect(read).toMatchObject({
      scenarios: ['cached-1', 'ingest-100'],
      isQuick: true,
      json: '-',
      hasFastLane: false,
      isWriting: false,
    })
    expect(readArguments(['--json=rows.jsonl']).json).toBe('rows.jsonl')
    expect(() => readArguments(['--fast'])).toThrow()
    expect(() => readArguments(['--fast-lane=maybe'])).toThrow(/on or off/)
  })

  it.each([['--quick'], ['cached-1'], ['--fast-lane=off'], ['--cpu-profile=out'], ['--heap-profile=out']])(
    'writes no figures into the documents with %s',
    (option) => {
      expect(() => readArguments(['--write', option])).toThrow(/full run/)
    },
  )
})

describe('the tricks of the bench', () => {
  it.each(Object.entries(TRICKS))(
    '%s: is taken away by one change of what the source says',
    (_name, trick) => {
      const text = read(trick.source)
      expect(changed(text, trick)).not.toBe(text)
      for (const bad of ['', text + text]) expect(() => changed(bad, trick)).toThrow(/times/)
    },
  )
})

describe('the scenarios of the bench', async () => {
  const scenarios = await loadScenarios(root)
  const page = read('docs/performance.md')

  it('are found by their files, each with a name of its own', () => {
    const names = scenarios.map(({ name }) => name)
    expect(names.length).toBeGreaterThan(10)
    expect(new Set(names).size).toBe(names.length)
    expect(names.indexOf('cached-100')).toBeLessThan(names.indexOf('cached-5000'))
  })

  it('come with the requests of nodes first, in the README too, and with tricks last', () => {
    const groups = scenarios.map(({ group }) => group)
    expect([...new Set(groups)]).toEqual(['nodes', 'constant', undefined, 'tricks'])
    expect(groups.lastIndexOf('nodes')).toBeLessThan(groups.indexOf('constant'))
    const headlines = scenarios.filter(({ rows }) => rows.some(({ isHeadline }) => isHeadline))
    expect(headlines[0]?.group).toBe('nodes')
    expect(headlines.every(({ group }) => group !== 'tricks')).toBe(true)
  })

  it.each(scenarios)('$name: what is wanted stands in docs/performance.md', ({ name, rows }) => {
    const cells = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
    expect(rows).not.toEqual([])
    for (const plan of rows) {
      const wanted = plan.wanted.map((one) => wantedText(plan, one)).join(', ')
      const line = cells.find(
        (row) => row[1] === name && row[2] === plan.measure && row.some((cell) => cell === wanted),
      )
      expect(line, `${name}: ${plan.measure}: ${wanted}`).toBeDefined()
    }
  })

  it('hold ours against a floor wherever a ratio to one is wanted', () => {
    for (const { rows } of scenarios)
      for (const { floor, wanted } of rows)
        if (wanted.some(({ of }) => of === 'floor')) expect(floor).toBeDefined()
    expect(page).toContain(join('bench', 'scenarios'))
  })
})
