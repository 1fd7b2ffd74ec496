import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupArrayByKey, hasRepeatedValues, splitArrayIntoChunks } from '../../src/util/arrays'

describe('hasRepeatedValues', () => {
  it('tells whether a value occurs twice', () => {
    expect(hasRepeatedValues(['a', 'b', 'a'])).toBe(true)
    expect(hasRepeatedValues(['a', 'b', 'A'])).toBe(false)
    expect(hasRepeatedValues([])).toBe(false)
  })
})

describe('splitArrayIntoChunks', () => {
  it('keeps all items in order, in full chunks but for the last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.integer({ min: 1, max: 20 }),
        (array, size) => {
          const chunks = splitArrayIntoChunks(array, size)
          expect(chunks.flat()).toEqual(array)
          expect(chunks.slice(0, -1).every((chunk) => chunk.length === size)).toBe(true)
          expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= size)).toBe(true)
        },
      ),
    )
  })

  it('makes one empty chunk of no items, contract 18.5', () => {
    expect(splitArrayIntoChunks([], 3)).toEqual([[]])
  })

  it('refuses a size with which it would never end', () => {
    expect(() => splitArrayIntoChunks([1], 0)).toThrow(RangeError)
    expect(() => splitArrayIntoChunks([1], NaN)).toThrow(RangeError)
  })
})

describe('groupArrayByKey', () => {
  it('groups items by a field and keeps their order', () => {
    const items = [
      { chain: 'eth', address: '1' },
      { chain: 'sol', address: '2' },
      { chain: 'eth', address: '3' },
    ]
    expect(groupArrayByKey(items, 'chain')).toEqual({ eth: [items[0], items[2]], sol: [items[1]] })
  })

  it('takes any text for a group, names of built-in properties too', () => {
    const item = { chain: '__proto__' }
    expect(Object.entries(groupArrayByKey([item], 'chain'))).toEqual([['__proto__', [item]]])
  })
})
