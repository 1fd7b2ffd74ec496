import { describe, expect, it } from 'vitest'
import { AdapterError } from '../../src/validation/errors'
import { type Overrides, validateOverrides } from '../../src/validation/overrides'

const check = (overrides: unknown) => {
  validateOverrides({ overrides } as { overrides: Overrides })
}

describe('overrides in a request', () => {
  it.each<[string, unknown]>([
    ['Overrides should be an object', 'text'],
    ['Overrides should be an object', 1],
    ['Overrides should be an object', true],
    ['Overrides for adapter "a" should be an object', { a: 1 }],
    ['Overrides for adapter "a" should be an object', { a: '' }],
    ['Overrides should map strings to strings, got ETH to 1', { a: { ETH: 1 } }],
    ['Overrides should map strings to strings, got ETH to null', { a: { ETH: null } }],
    ['Overrides should map strings to strings, got ETH to [object Object]', { a: { ETH: { x: 1 } } }],
    ['Overrides should map strings to strings, got ETH to x,,1', { a: { ETH: ['x', null, [1]] } }],
  ])('are refused with: %s', (message, overrides) => {
    let thrown: unknown
    try {
      check(overrides)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(AdapterError)
    expect(thrown).toMatchObject({ statusCode: 400, message })
  })

  it.each([
    undefined,
    null,
    0,
    '',
    false,
    [],
    {},
    { a: {} },
    { a: null },
    { a: { ETH: 'x', transport: 'ws' } },
  ])('are accepted as %j', (overrides) => {
    expect(() => {
      check(overrides)
    }).not.toThrow()
  })

  it('are refused as bad requests even when their values cannot be turned into text', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
    for (const value of [{ toString: 1, valueOf: 1 }, [{ toString: null }], deep, Object.create(null)]) {
      expect(() => {
        check({ a: { ETH: value } })
      }).toThrow('Overrides should map strings to strings, got ETH to ')
    }
  })

  it('IS-3: are read from the request itself, never from its prototype', () => {
    const inherited = Object.create({ overrides: 'text' }) as { overrides: Overrides }
    expect(() => {
      validateOverrides(inherited)
    }).not.toThrow()
    expect(() => {
      check(JSON.parse('{"__proto__":{"ETH":1}}'))
    }).toThrow('got ETH to 1')
  })
})
