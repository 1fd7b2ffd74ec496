import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type EmptyInputParameters,
  InputParameters,
  type InputParametersDefinition,
  type TypeFromDefinition,
} from '../../src/public/validation/input-params'

const description = 'd'

describe('the type of validated parameters', () => {
  it('has required, array and defaulted keys always, and the others perhaps', () => {
    const parameters = new InputParameters({
      base: { description, type: 'string', required: true, aliases: ['from'] },
      list: { description, type: 'number', array: true },
      limit: { description, type: 'number', default: 5 },
      flag: { description, type: 'boolean' },
    })
    expectTypeOf<typeof parameters.validated>().branded.toEqualTypeOf<{
      base: string
      list: number[]
      limit: number
      flag?: boolean | undefined
    }>()
    expectTypeOf(parameters.validateInput({ base: 'x' }).base).toEqualTypeOf<string>()
    expect(parameters.params).toHaveLength(4)
  })

  it('narrows options to a union and follows nested definitions', () => {
    const parameters = new InputParameters({
      kind: { description, type: 'string', options: ['spot', 'perp'], required: true },
      level: { description, type: 'number', options: [1, 2], default: 1 },
      kinds: { description, type: 'string', options: ['a', 'b'], array: true },
      range: { description, type: { low: { description, type: 'number', required: true } } },
      rows: { description, array: true, type: { id: { description, type: 'string' } } },
    })
    type Validated = typeof parameters.validated
    expectTypeOf<Validated['kind']>().toEqualTypeOf<'spot' | 'perp'>()
    expectTypeOf<Validated['level']>().toEqualTypeOf<1 | 2>()
    expectTypeOf<Validated['kinds']>().toEqualTypeOf<('a' | 'b')[]>()
    expectTypeOf<NonNullable<Validated['range']>['low']>().toEqualTypeOf<number>()
    expectTypeOf<Validated['rows'][number]['id']>().toEqualTypeOf<string | undefined>()
    expect(parameters.params).toHaveLength(5)
  })

  it('is writable although definitions are read as constants', () => {
    const parameters = new InputParameters({ base: { description, type: 'string', required: true } })
    const params = parameters.validateInput({ base: 'x' })
    params.base = 'y'
    expect(params).toEqual({ base: 'y' })
  })

  it('is any for a definition of type any, and empty for no parameters', () => {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- this is about `any`
    expectTypeOf<TypeFromDefinition<any>>().toBeAny()
    expectTypeOf<keyof TypeFromDefinition<EmptyInputParameters>>().toEqualTypeOf<never>()
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- ditto
    expectTypeOf<InputParameters<any>['validated']>().toBeAny()
  })

  it('is what examples must have', () => {
    const definition = { base: { description, type: 'string', required: true } } as const
    expect(new InputParameters(definition, [{ base: 'x' }]).examples).toHaveLength(1)
    // @ts-expect-error -- a required key is missing
    expect(new InputParameters(definition, [{}]).examples).toHaveLength(1)
    // @ts-expect-error -- wrong type
    expect(new InputParameters(definition, [{ base: 1 }]).examples).toHaveLength(1)
  })
})

describe('the type of a definition', () => {
  it('leaves out the reserved names', () => {
    // @ts-expect-error -- reserved
    new InputParameters({ endpoint: { description, type: 'string' } })
    // @ts-expect-error -- reserved
    new InputParameters({ transport: { description, type: 'string' } })
    // @ts-expect-error -- reserved
    new InputParameters({ overrides: { description, type: 'string' } })
  })

  it('takes a default only for a single primitive that is not required', () => {
    // @ts-expect-error -- required and default contradict each other
    new InputParameters({ a: { description, type: 'string', required: true, default: 'x' } })
    // @ts-expect-error -- no default for lists
    new InputParameters({ a: { description, type: 'string', array: true, default: 'x' } })
    // @ts-expect-error -- no default for nested definitions
    new InputParameters({ a: { description, type: { b: { description, type: 'string' } }, default: 'x' } })
    // @ts-expect-error -- the default has another type
    new InputParameters({ a: { description, type: 'number', default: 'x' } })
  })

  it('takes options only for strings and numbers, and of the same type', () => {
    // @ts-expect-error -- no options for booleans
    new InputParameters({ a: { description, type: 'boolean', options: [true] } })
    // @ts-expect-error -- options of another type
    new InputParameters({ a: { description, type: 'number', options: ['x'] } })
    expect(() => {
      // @ts-expect-error -- no options for nested definitions
      new InputParameters({ a: { description, type: { b: { description, type: 'string' } }, options: [] } })
    }).toThrow('at least one option')
  })

  it('needs a description and a known type', () => {
    // @ts-expect-error -- no description
    new InputParameters({ a: { type: 'string' } })
    expect(() => {
      // @ts-expect-error -- unknown type
      new InputParameters({ a: { description, type: 'bigint' } }).validateInput({ a: 1 })
    }).toThrow('input type is not the expected one (bigint)')
  })

  it('can be shared, spread and extended', () => {
    const pair = {
      base: { description, type: 'string', required: true, aliases: ['from', 'coin'] },
    } as const satisfies InputParametersDefinition
    const parameters = new InputParameters({ ...pair, limit: { description, type: 'number' } })
    expectTypeOf<typeof parameters.validated>().branded.toEqualTypeOf<{
      base: string
      limit?: number | undefined
    }>()
    expect(parameters.params).toHaveLength(2)
  })

  it('fits where the parameters of any endpoint do', () => {
    type Generics = { Parameters: InputParametersDefinition }
    type Context<T extends Generics> = { inputParameters: InputParameters<T['Parameters']> }
    const parameters = new InputParameters({ base: { description, type: 'string', required: true } })
    const exact: Context<{ Parameters: typeof parameters.definition }> = { inputParameters: parameters }
    const wide: Context<Generics> = exact
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- lists of endpoints hold `any`
    const any: InputParameters<any> = parameters
    expect([wide.inputParameters, any]).toEqual([parameters, parameters])
  })
})
