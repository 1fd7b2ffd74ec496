import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deepCopy } from '../../src/util/deep-copy'

const changeAll = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  for (const name of Object.keys(value)) {
    changeAll((value as Record<string, unknown>)[name])
    Object.defineProperty(value, name, { value: 'changed', writable: true, enumerable: true })
  }
  Object.assign(value, { added: true })
}

describe('a deep copy', () => {
  it('equals its original, which no change to the copy reaches', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        const copy = deepCopy(value)
        expect(copy).toStrictEqual(value)
        changeAll(copy)
        expect(JSON.stringify(value)).toBe(text)
      }),
    )
  })

  it('keeps what JSON would lose', () => {
    const list = [NaN, Infinity, -0, undefined, 10n]
    const copy = deepCopy({ list, gone: undefined })
    expect(copy).toStrictEqual({ list, gone: undefined })
    expect(copy.list).not.toBe(list)
  })

  it('hands on what is neither list nor plain object, so that it still knows how to become JSON', () => {
    class Decimal {
      toJSON() {
        return '1.5'
      }
    }
    const original = { at: new Date(0), price: new Decimal(), fn: () => 1, map: new Map() }
    const copy = deepCopy(original)
    expect(copy).not.toBe(original)
    for (const name of ['at', 'price', 'fn', 'map'] as const) expect(copy[name]).toBe(original[name])
    expect(JSON.stringify(copy)).toBe(JSON.stringify(original))
  })

  it('IS-3: makes a member of __proto__', () => {
    const original = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as object
    const copy = deepCopy(original)
    expect(Object.keys(copy)).toEqual(['__proto__', 'constructor'])
    expect(JSON.stringify(copy)).toBe(JSON.stringify(original))
    expect((copy as { polluted?: number }).polluted).toBeUndefined()
  })

  it('takes objects without a prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { deep: { a: 1 } })
    const copy = deepCopy(bare) as { deep: object }
    expect(copy.deep).toEqual({ a: 1 })
    expect(copy.deep).not.toBe((bare as { deep: object }).deep)
  })
})
