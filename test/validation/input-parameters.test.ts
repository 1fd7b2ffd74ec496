import { describe, expect, it } from 'vitest'
import { AdapterError } from '../../src/validation/errors'
import {
  InputParameters,
  type InputParametersDefinition,
  InputParametersDefinitionError,
} from '../../src/validation/input-parameters'

const text = { description: 'd', type: 'string' } as const
const parameters = (definition: InputParametersDefinition) => new InputParameters(definition)

const refusal = (definition: InputParametersDefinition, data: unknown): unknown => {
  const subject = parameters(definition)
  try {
    subject.validateInput(data)
  } catch (error) {
    return error
  }
  throw new Error('the request was accepted')
}

describe('a definition of input parameters', () => {
  it.each<[string, InputParametersDefinition]>([
    [
      '[Param: a] There are repeated aliases for input param a: a,b,c,b',
      { a: { ...text, aliases: ['b', 'c', 'b'] } },
    ],
    [
      '[Param: a] There are repeated aliases for input param a: a,b,a',
      { a: { ...text, aliases: ['b', 'a'] } },
    ],
    ['[Param: a] The options array must contain at least one option', { a: { ...text, options: [] } }],
    [
      '[Param: a] There are duplicates in the specified options: x,y,x',
      { a: { ...text, options: ['x', 'y', 'x'] } },
    ],
    [
      'There are clashes in property names and aliases, check that they are all unique',
      { a: { ...text, aliases: ['b'] }, b: text },
    ],
    [
      'There are clashes in property names and aliases, check that they are all unique',
      { a: { ...text, aliases: ['c'] }, b: { ...text, aliases: ['c'] } },
    ],
    ['Param "a" depends on non-existent param "q"', { a: { ...text, dependsOn: ['q'] } }],
    ['Param "a" depends on non-existent param "toString"', { a: { ...text, dependsOn: ['toString'] } }],
    [
      'Param "a" depends on non-existent param "bb"',
      { a: { ...text, dependsOn: ['bb'] }, b: { ...text, aliases: ['bb'] } },
    ],
    [
      'Param "a" has an unnecessary dependency on "q" (dependency is always required)',
      { a: { ...text, dependsOn: ['q'] }, q: { ...text, required: true } },
    ],
    ['Param "a" excludes non-existent param "q"', { a: { ...text, exclusive: ['q'] } }],
    [
      'Param "a" excludes required (i.e. always present) param "q"',
      { a: { ...text, exclusive: ['q'] }, q: { ...text, required: true } },
    ],
    [
      '[Param: n] The options array must contain at least one option',
      { a: { description: 'd', type: { n: { ...text, options: [] } } } },
    ],
  ])('is refused with: %s', (message, definition) => {
    expect(() => parameters(definition)).toThrow(new InputParametersDefinitionError(message))
    expect(() => parameters(definition)).not.toThrow(AdapterError)
  })

  it('keeps definition, examples and prepared parameters readable', () => {
    const definition = { a: { ...text, aliases: ['b'] } } as const
    const subject = new InputParameters(definition, [{ a: 'x' }])
    expect(subject.definition).toBe(definition)
    expect(subject.examples).toEqual([{ a: 'x' }])
    expect(subject.params).toMatchObject([{ name: 'a', aliases: ['a', 'b'], type: 'string' }])
    expect(new InputParameters({}).examples).toBeUndefined()
  })
})

describe('a request', () => {
  it.each<[string, InputParametersDefinition, unknown]>([
    ['Input for input parameters should be an object', {}, null],
    ['Input for input parameters should be an object', {}, 'text'],
    ['Input for input parameters should be an object', {}, 1],
    [
      'Input for input parameters should be an object',
      { n: { description: 'd', type: { a: text } } },
      { n: 1 },
    ],
    [
      'Parameter "a" is specified more than once (aliases: a,b,c)',
      { a: { ...text, aliases: ['b', 'c'] } },
      { b: 'x', c: '' },
    ],
    ['[Param: a] param is required but no value was provided', { a: { ...text, required: true } }, {}],
    [
      '[Param: a] param is required but no value was provided',
      { a: { ...text, required: true } },
      { a: null },
    ],
    [
      '[Param: a] param is required but no value was provided',
      { a: { ...text, required: true, array: true } },
      {},
    ],
    ['[Param: a] input value must be a non-empty array', { a: { ...text, array: true } }, { a: 'x' }],
    [
      '[Param: a] input value must be a non-empty array',
      { a: { ...text, array: true } },
      { a: { length: 1 } },
    ],
    [
      '[Param: a] input is not one of valid options (x,y)',
      { a: { ...text, options: ['x', 'y'] } },
      { a: 'z' },
    ],
    ['[Param: a] input is not one of valid options (x,y)', { a: { ...text, options: ['x', 'y'] } }, { a: 1 }],
    [
      '[Param: a] input is not one of valid options (1,2)',
      { a: { description: 'd', type: 'number', options: [1, 2] } },
      { a: '1' },
    ],
    [
      '[Param: a] input is not one of valid options (x)',
      { a: { ...text, array: true, options: ['x'] } },
      { a: ['x', 'q'] },
    ],
    ['[Param: a] input type is not the expected one (string)', { a: text }, { a: 1 }],
    ['[Param: a] input type is not the expected one (string)', { a: text }, { a: ['x'] }],
    [
      '[Param: a] input type is not the expected one (number)',
      { a: { description: 'd', type: 'number' } },
      { a: '1' },
    ],
    [
      '[Param: a] input type is not the expected one (boolean)',
      { a: { description: 'd', type: 'boolean' } },
      { a: 'true' },
    ],
    [
      '[Param: a] input type is not the expected one (string)',
      { n: { description: 'd', type: { a: text } } },
      { n: { a: 1 } },
    ],
    [
      'Parameter "a" is missing dependencies (b,c)',
      { a: { ...text, dependsOn: ['b', 'c'] }, b: text, c: text },
      { a: '', b: 'x' },
    ],
    [
      'Parameter "a" cannot be present at the same time as exclusions (b,c)',
      { a: { ...text, exclusive: ['b', 'c'] }, b: text, c: text },
      { a: 'x', c: '' },
    ],
  ])('is refused with: %s', (message, definition, data) => {
    const error = refusal(definition, data)
    expect(error).toBeInstanceOf(AdapterError)
    expect(error).toMatchObject({
      name: 'AdapterError',
      statusCode: 400,
      message,
      metricsLabel: 'adapterError',
    })
  })

  it('is judged parameter by parameter, and on relations between them only after that', () => {
    const definition: InputParametersDefinition = {
      a: { ...text, aliases: ['aa'], dependsOn: ['b'] },
      b: text,
      c: { ...text, exclusive: ['a'] },
    }
    expect(refusal(definition, { a: 1, aa: 'x', c: 1 })).toMatchObject({
      message: 'Parameter "a" is specified more than once (aliases: a,aa)',
    })
    expect(refusal(definition, { a: 'x', c: 1 })).toMatchObject({
      message: '[Param: c] input type is not the expected one (string)',
    })
    expect(refusal(definition, { a: 'x', c: 'x' })).toMatchObject({
      message: 'Parameter "a" is missing dependencies (b)',
    })
  })

  it('gives every declared key in definition order, whatever name and order the client used', () => {
    const subject = parameters({
      base: { ...text, required: true, aliases: ['from'] },
      quote: { ...text, aliases: ['to'] },
      list: { ...text, array: true },
      limit: { description: 'd', type: 'number', default: 0 },
      flag: { description: 'd', type: 'boolean', default: false },
    })
    const validated = subject.validateInput({ unknown: { deep: 1 }, flag: null, from: 'ETH' })
    expect(validated).toStrictEqual({ base: 'ETH', quote: undefined, list: [], limit: 0, flag: false })
    expect(Object.keys(validated as object)).toEqual(['base', 'quote', 'list', 'limit', 'flag'])
  })

  it('takes a second name where the first value found is falsy', () => {
    const subject = parameters({ base: { ...text, aliases: ['from', 'coin'] } })
    expect(subject.validateInput({ base: '', from: 'X' })).toEqual({ base: 'X' })
    expect(subject.validateInput({ base: 'X', from: null })).toEqual({ base: 'X' })
    expect(subject.validateInput({ base: null, coin: 'X' })).toEqual({ base: 'X' })
    expect(subject.validateInput({ base: '' })).toEqual({ base: '' })
  })

  it('may have empty lists, and null elements become undefined', () => {
    const subject = parameters({
      a: { ...text, array: true, required: true },
      n: { description: 'd', array: true, type: { b: text } },
    })
    expect(subject.validateInput({ a: [] })).toStrictEqual({ a: [], n: [] })
    expect(subject.validateInput({ a: ['x', null], n: [null, { b: 'y', z: 1 }] })).toStrictEqual({
      a: ['x', undefined],
      n: [undefined, { b: 'y' }],
    })
  })

  it('counts a default and an absent list as present for dependencies and exclusions', () => {
    const subject = parameters({
      a: { ...text, dependsOn: ['b'] },
      b: { ...text, default: 'd' },
      c: { ...text, exclusive: ['list'] },
      list: { ...text, array: true },
    })
    expect(subject.validateInput({ a: 'x' })).toMatchObject({ a: 'x', b: 'd' })
    expect(() => subject.validateInput({ c: 'x' })).toThrow('exclusions (list)')
  })

  it('gets no default in place of a value that is merely falsy', () => {
    const subject = parameters({
      text: { ...text, default: 'd' },
      number: { description: 'd', type: 'number', default: 5 },
      flag: { description: 'd', type: 'boolean', default: true },
    })
    expect(subject.validateInput({ text: '', number: 0, flag: false })).toEqual({
      text: '',
      number: 0,
      flag: false,
    })
  })
})

describe('names that objects have by nature', () => {
  const natural = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const

  it.each(natural)('IS-3: a parameter called %s is absent from an empty request', (name) => {
    const subject = parameters(Object.fromEntries([[name, { ...text, default: 'd' }]]))
    const validated = subject.validateInput({}) as object
    expect(Object.keys(validated)).toEqual([name])
    expect(Object.getOwnPropertyDescriptor(validated, name)?.value).toBe('d')
    expect(Object.getPrototypeOf(validated)).toBe(Object.prototype)
  })

  it.each(natural)('IS-3: a parameter called %s is data like any other', (name) => {
    const subject = parameters(Object.fromEntries([[name, { ...text, required: true }]]))
    const validated = subject.validateInput(JSON.parse(`{"${name}":"v"}`)) as object
    expect(Object.getOwnPropertyDescriptor(validated, name)?.value).toBe('v')
    expect(Object.getPrototypeOf(validated)).toBe(Object.prototype)
    expect(() => subject.validateInput({})).toThrow('param is required but no value was provided')
  })

  it.each(natural)('IS-3: an unknown key %s in a request is dropped without effect', (name) => {
    const subject = parameters({ a: text })
    const validated = subject.validateInput(JSON.parse(`{"a":"x","${name}":{"polluted":true}}`))
    expect(validated).toStrictEqual({ a: 'x' })
    expect(validated).not.toHaveProperty('polluted')
  })

  it('IS-3: dependencies are looked up among parameters only', () => {
    const subject = parameters({ a: { ...text, dependsOn: ['constructor'] }, ['constructor']: text })
    expect(() => subject.validateInput({ a: 'x' })).toThrow(
      'Parameter "a" is missing dependencies (constructor)',
    )
  })
})

it('drops unknown data however deep it is', () => {
  const depth = 200_000
  const deep: unknown = JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`)
  let deeper: unknown = deep
  for (let level = 0; level < depth; level += 1) deeper = { deeper }
  const subject = parameters({ a: text, n: { description: 'd', type: { b: text } } })
  expect(subject.validateInput({ a: 'x', unknown: deeper, n: { b: 'y', other: deeper } })).toStrictEqual({
    a: 'x',
    n: { b: 'y' },
  })
  expect(() => subject.validateInput({ a: deeper })).toThrow('input type is not the expected one (string)')
})
