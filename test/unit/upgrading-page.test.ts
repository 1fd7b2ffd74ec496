import { describe, expect, it } from 'vitest'
import { changesReport } from '../../src/cli/changes-report'
import { type SettingsChanges } from '../../src/cli/settings-changes'
import { filesBelow, read } from '../helpers/repository'

const page = read('docs/upgrading.md')
const rows = (table: string): string[][] => {
  const [, text = ''] = new RegExp(`<!-- ${table} -->([^]*?)<!-- /${table} -->`).exec(page) ?? []
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '))
}
const namesIn = (text = '') => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name!)

describe('the page on upgrading', () => {
  it('has the titles of the report, in its order', () => {
    const changed = (of: 'value' | 'rule') => ({
      group: 'x',
      name: 'A',
      differences: [{ of, before: 1, now: 2 }],
    })
    const changes: SettingsChanges = {
      from: '1.0.0',
      to: '2.0.0',
      lost: ['A', 'B'].map((variable) => ({ variable, settings: ['x A'] })),
      unset: ['A', 'B'],
      added: ['A', 'B'].map((name) => ({ group: 'x', name, default: 1 })),
      gone: ['A', 'B'].map((name) => ({ group: 'x', name })),
      changed: [changed('value'), changed('value'), changed('rule'), changed('rule')],
      groups: { added: ['y', 'z'], gone: ['u', 'v'] },
    }
    const report = changesReport(changes, { problems: [], warnings: [] })
    const titles = [...report.matchAll(/^2 (.*):$/gm)].map(([, title]) => title)
    expect(titles).toHaveLength(8)
    expect(rows('report').map(([title]) => title)).toEqual(titles.map((title) => `\`${title}\``))
  })

  it('names metrics, settings and fields that there are', () => {
    const metrics = read('src/metrics/definitions.ts')
    const named = rows('watch').flatMap(([what]) => namesIn(what))
    expect(named.length).toBeGreaterThan(6)
    const unknown = named.filter((name) => !name.startsWith('process_') && !metrics.includes(`'${name}'`))
    expect(unknown).toEqual([])
    const examples = read('.env.example')
    const settings = namesIn(page).filter((name) => /^[A-Z]+(_[A-Z]+)*$/.test(name))
    expect(settings.filter((name) => !examples.includes(`#${name}=`))).toEqual([])
    const answers = filesBelow('src/http', /-answer\.ts$/)
      .map(read)
      .join('\n')
    for (const field of ['version', 'configurationHash']) expect(answers).toContain(`${field}: Type.`)
  })
})
