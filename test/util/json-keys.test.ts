import fc from 'fast-check'
import { expect, it } from 'vitest'
import { membersIn, pointerName } from '../../src/util/json-keys'

/** All members of a parsed value, by their pointers. */
const pointersIn = (value: unknown, at = ''): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    const pointer = `${at}/${Array.isArray(value) ? name : pointerName(name)}`
    return [...(Array.isArray(value) ? [] : [pointer]), ...pointersIn(member, pointer)]
  })
}

it('finds every member of a JSON text, wherever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      const found = membersIn(text).map(({ of, name }) => `${of}/${pointerName(name)}`)
      expect(found.sort()).toEqual(pointersIn(JSON.parse(text)).sort())
    }),
  )
})

it('has them in the order and as often as they are written', () => {
  const members = membersIn('{"b": [{"7": 1}, {"\\u0061": "x:{,\\""}], "3": 1, "b": {}}')
  expect(members).toEqual([
    { of: '', name: 'b' },
    { of: '/b/0', name: '7' },
    { of: '/b/1', name: 'a' },
    { of: '', name: '3' },
    { of: '', name: 'b' },
  ])
})
