import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { isProviderError, validateResultNumber } from '../../src/util/result-number'

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']
const refusal = { statusCode: 502, errorMessage: 'no price' }
const judge = (value: unknown, acceptZeroValue?: boolean) =>
  validateResultNumber(value, 'no price', acceptZeroValue === undefined ? undefined : { acceptZeroValue })

const lines: unknown[][] = []

// The first test asks before anybody has set up logging.
it('contract 18.1: needs no logging to be set up', () => {
  expect(judge(null)).toEqual(refusal)
})

describe('a result number, contract 18.1', () => {
  beforeAll(() => {
    const log = (level: string) => vi.fn((...line: unknown[]) => void lines.push([level, ...line]))
    const logger = Object.fromEntries(LEVELS.map((level) => [level, log(level)]))
    LoggerFactoryProvider.set({ child: () => logger as never })
  })
  beforeEach(() => void lines.splice(0))

  it.each([
    [1.5, 1.5],
    [-3, -3],
    [0, 0],
    [-0, -0],
    ['0', 0],
    ['1.50', 1.5],
    [' 42\n', 42],
    ['-1e-7', -1e-7],
    [Number.MAX_VALUE, Number.MAX_VALUE],
  ])('%j is %d, and nothing is logged', (value, result) => {
    expect(judge(value)).toEqual({ result })
    expect(lines).toEqual([])
  })

  const cycle: unknown[] = []
  cycle.push(cycle)
  const nothing: unknown = Object.create(null)
  const traps = { [Symbol.toPrimitive]: () => 5, valueOf: () => 5, toString: () => '5' }
  it.each([
    ...[null, undefined, true, false, {}, [], [1], ['1'], '', '  ', '\t\n', 'abc', '1,5', '1 2', '12px'],
    ...[NaN, Infinity, -Infinity, 'NaN', 'Infinity', '-Infinity', '1e999', new Date(5), Object(5), 5n],
    ...[Symbol('s'), () => 5, cycle, nothing, traps],
  ])('refuses what is none, with one line at warn (case %#)', (value) => {
    expect(judge(value)).toEqual(refusal)
    expect(lines).toEqual([['warn', { received: expect.any(String) as string }, 'no price']])
  })

  it.each([0, -0, '0', '0.000', '-0', '1e-999'])('takes %j for a result unless told otherwise', (zero) => {
    expect(isProviderError(judge(zero, true))).toBe(false)
    expect(judge(zero, false)).toEqual(refusal)
    expect(judge(1e-300, false)).toEqual({ result: 1e-300 })
  })

  it('is finite or refused, and never thrown at, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true }), (value) => {
        const judged = judge(value)
        if (isProviderError(judged)) expect(judged).toEqual(refusal)
        else expect(Number.isFinite(judged.result)).toBe(true)
      }),
    )
  })

  it('shows no long text in the log', () => {
    judge('x'.repeat(5_000))
    expect(JSON.stringify(lines).length).toBeLessThan(200)
  })
})

describe('isProviderError', () => {
  it.each([
    [refusal, true],
    [{ ...refusal, timestamps: {} }, true],
    [{ result: 1 }, false],
    [{ result: 1, data: {} }, false],
    [{ errorMessage: 'x' }, false],
    [{ statusCode: 502 }, false],
    [null, false],
    ['error', false],
  ])('of %j says %j', (response, expected) => {
    expect(isProviderError(response)).toBe(expected)
  })
})
