import { expect, it } from 'vitest'
import { filesBelow, read } from '../helpers/repository'

/** Rows of the contract's quirk register (17): what of the reference's behaviour is kept, and what is done right here. */
const ROWS = 22

it('every row of the quirk register has a test with its number in the title', () => {
  const lines = filesBelow('test', /\.test\.ts$/).flatMap((file) => read(file).split('\n'))
  const isTested = (row: number) => {
    const title = new RegExp(`^[^/*]*(it|describe|each|\\]\\)|^ *)\\(?['"\`][^'"\`]*\\b17\\.${row}\\b`)
    return lines.some((line) => title.test(line))
  }
  const untested = Array.from({ length: ROWS }, (_, index) => index + 1).filter((row) => !isTested(row))
  expect(untested).toEqual([])
})
