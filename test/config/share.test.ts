import { expect, it } from 'vitest'
import { share } from '../../src/config/share'

it.each([
  [{ orZero: true }, [0, 0.5, 1], [-0.1, 1.1, NaN, 'half']],
  [{ orZero: false }, [0.001, 0.5, 1, '0.5'], [0, -0.1, 1.1, NaN, 'half']],
])('a share (%j) is a part of a whole', (of, allowed, refused) => {
  const { meta, fn } = share(of)
  expect(allowed.map((value) => fn(value))).toEqual(allowed.map(() => undefined))
  for (const value of refused) expect(fn(value)).toBe(`${meta.details}. Received ${value}`)
})
