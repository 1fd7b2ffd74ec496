import { describe, expect, it } from 'vitest'
import { matchers, type Reply } from '../../src/testing'

const reply = (statusCode: number, json: object): Reply => ({ statusCode, json, text: JSON.stringify(json) })

const price = (times: object) => reply(200, { result: 1800.5, timestamps: times })
const at = (ms: number) => Date.now() + ms

describe('the matcher toAnswer', () => {
  it('looks at the status, and at the result where one is named', () => {
    expect(matchers.toAnswer(price({}), 200).pass).toBe(true)
    expect(matchers.toAnswer(price({}), 200, 1800.5).pass).toBe(true)
    expect(matchers.toAnswer(price({}), 200, 1).pass).toBe(false)
    expect(matchers.toAnswer(price({}), 504).pass).toBe(false)
    expect(matchers.toAnswer(reply(200, { result: null }), 200, null).pass).toBe(true)
    expect(matchers.toAnswer({ statusCode: 415, json: undefined, text: 'no' }, 415).pass).toBe(true)
  })

  it('says what there was', () => {
    expect(matchers.toAnswer(reply(504, { error: {} }), 200, 7).message()).toBe(
      'expected an answer to be 200 with the result 7, and it is another: it was 504 {"error":{}}',
    )
    expect(matchers.toAnswer(reply(504, {}), 504).message()).toBe(
      'expected an answer that does not be 504: it was 504 {}',
    )
  })
})

describe('the matcher toBeFresh', () => {
  it.each([
    ['received just now', () => ({ providerDataReceivedUnixMs: at(0) }), true],
    ['received long ago', () => ({ providerDataReceivedUnixMs: at(-31_000) }), false],
    ['without a time', () => ({}), false],
    [
      'of a time long ago',
      () => ({ providerDataReceivedUnixMs: at(0), providerIndicatedTimeUnixMs: at(-31_000) }),
      false,
    ],
    [
      'of the future',
      () => ({ providerDataReceivedUnixMs: at(0), providerIndicatedTimeUnixMs: at(60_000) }),
      false,
    ],
    [
      'of a time that is none',
      () => ({ providerDataReceivedUnixMs: at(0), providerIndicatedTimeUnixMs: 'now' }),
      false,
    ],
  ])('judges a price %s', (_title, times, pass) => {
    expect(matchers.toBeFresh(price(times())).pass).toBe(pass)
  })

  it('takes another age, and no error', () => {
    const times = { providerDataReceivedUnixMs: at(-31_000) }
    expect(matchers.toBeFresh(price(times), 60_000).pass).toBe(true)
    expect(matchers.toBeFresh(reply(504, { timestamps: { providerDataReceivedUnixMs: at(0) } })).pass).toBe(
      false,
    )
  })
})

describe('the matcher toHaveReason', () => {
  it('looks at the code of the reason, and says which there was', () => {
    const stale = reply(504, { error: { reason: { code: 'STALE_VALUE' } } })
    expect(matchers.toHaveReason(stale, 'STALE_VALUE').pass).toBe(true)
    const result = matchers.toHaveReason(stale, 'SILENT')
    expect(result.pass).toBe(false)
    expect(result.message()).toContain('to have the reason SILENT, and it has STALE_VALUE: it was 504')
    expect(matchers.toHaveReason(price({}), 'SILENT').message()).toContain('and it has none')
  })
})

it('matchers are taken by the expect of the test framework', () => {
  expect.extend(matchers)
  const wide = expect as unknown as (value: unknown) => {
    toAnswer: (status: number) => void
    not: { toAnswer: (status: number) => void }
  }
  wide(price({})).toAnswer(200)
  wide(price({})).not.toAnswer(504)
  expect(() => wide(price({})).toAnswer(504)).toThrow('expected an answer to be 504')
})
