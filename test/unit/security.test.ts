import { beforeAll, describe, expect, it } from 'vitest'
import { read } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/trial/lines.mjs')),
  ...(await import('../../scripts/trial/marked.mjs')),
})
let trial: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  trial = await load()
})

const namesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)

describe('the page on security', () => {
  const rows = (table: string) => trial.rowsOf(read('SECURITY.md'), table)

  it('promises nothing that no line of a trial tries, and names no line that there is not', () => {
    const lines = new Set(trial.trials.flatMap((one) => one.lines.map(({ name }) => name)))
    for (const [promise, cell] of rows('promises')) {
      const named = namesIn(cell)
      expect(named, promise).not.toEqual([])
      expect(
        named.filter((name) => !lines.has(name!)),
        promise,
      ).toEqual([])
    }
  })

  it('has a promise for every line of the edge', () => {
    const promised = new Set(rows('promises').flatMap(([, cell]) => namesIn(cell)))
    expect(trial.edge.lines.map(({ name }) => name).filter((name) => !promised.has(name))).toEqual([])
  })

  it('says the defaults that settings have', () => {
    const defaults = new Map(
      [...read('.env.example').matchAll(/^#([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    )
    for (const [setting, value] of rows('defaults')) {
      const [name] = namesIn(setting)
      expect([...defaults.keys()]).toContain(name)
      expect(value === 'none' ? '' : namesIn(value)[0], name).toBe(defaults.get(name))
    }
  })
})
