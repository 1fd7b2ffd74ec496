import { expect, it } from 'vitest'
import { sectionsOf } from '../helpers/citations'
import { filesBelow, read } from '../helpers/repository'

/** Rows of the contract's quirk register: what of the reference's behaviour is kept, and what is done right here. */
const rows = [...sectionsOf(read('docs/contributing/contract.md'))].filter((id) => /^17\.\d+$/.test(id))

it('every row of the quirk register has a test with its number in the title', () => {
  expect(rows.length).toBeGreaterThan(20)
  const lines = filesBelow('test', /\.test\.ts$/).flatMap((file) => read(file).split('\n'))
  const isTested = (row: string) => {
    const number = row.replace('.', '\\.')
    const title = new RegExp(`^[^/*]*(it|describe|each|\\]\\)|^ *)\\(?['"\`][^'"\`]*\\b${number}\\b`)
    return lines.some((line) => title.test(line))
  }
  expect(rows.filter((row) => !isTested(row))).toEqual([])
})
