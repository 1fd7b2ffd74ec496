import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdapterError } from '../../src/validation/errors'
import {
  InputParameters,
  type InputParameter,
  type InputParametersDefinition,
} from '../../src/validation/input-parameters'
import { type Overrides, validateOverrides } from '../../src/validation/overrides'

const names = ['base', 'quote', 'constructor', '__proto__', 'toString']
const aliases = ['from', 'to', 'coin', 'hasOwnProperty', 'valueOf']
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const leaf = fc.oneof(
  fc
    .record({
      description: fc.constant('d'),
      type: fc.constantFrom('string' as const, 'number' as const, 'boolean' as const),
      required: optional(fc.boolean()),
      array: optional(fc.boolean()),
    })
    .map((param) => param as InputParameter),
  fc.constantFrom<InputParameter>(
    { description: 'd', type: 'string', options: ['x', 'y'], default: 'x' },
    { description: 'd', type: 'number', options: [0, 1] },
    { description: 'd', type: 'boolean', default: false },
  ),
)

const definitionOf = (param: fc.Arbitrary<InputParameter>): fc.Arbitrary<InputParametersDefinition> =>
  fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: names.length })
    .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), param))))
    .map((entries) =>
      Object.fromEntries(
        entries.map(([name, param], index) => [
          name,
          index % 2 === 0 ? { ...param, aliases: [aliases[index] ?? ''] } : param,
        ]),
      ),
    )

const nested = definitionOf(leaf).map((type): InputParameter => ({ description: 'd', type }))
const definition = definitionOf(fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: nested }))

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('x', '', 'text', 0, 1, 2.5, true, false, null) },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.tuple(fc.oneof(fc.constantFrom(...names, ...aliases), fc.string()), tie('value')), {
          maxLength: 4,
        })
        .map((entries): unknown => Object.fromEntries(entries)),
    },
  ),
})).value

const data = fc
  .array(fc.tuple(fc.constantFrom(...names, ...aliases, 'other'), json), { maxLength: 6 })
  .map((entries): Record<string, unknown> => Object.fromEntries(entries))

const outcome = (subject: InputParameters<InputParametersDefinition>, input: unknown) => {
  try {
    return { validated: subject.validateInput(input) as Record<string, unknown> }
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error
    return { status: error.statusCode }
  }
}

describe('validation of any request against any definition', () => {
  it('answers with parameters or with an AdapterError of status 400, and nothing else', () => {
    fc.assert(
      fc.property(definition, fc.oneof(data, json), (definition, input) => {
        const result = outcome(new InputParameters(definition), input)
        expect(result.status ?? 400).toBe(400)
      }),
      { numRuns: 1000 },
    )
  })

  it('gives exactly the declared keys, in the order they are declared', () => {
    fc.assert(
      fc.property(definition, data, (definition, input) => {
        const { validated } = outcome(new InputParameters(definition), input)
        if (validated) expect(Object.keys(validated)).toEqual(Object.keys(definition))
      }),
      { numRuns: 500 },
    )
  })

  it('does not depend on the order of the keys in the request', () => {
    fc.assert(
      fc.property(definition, data, (definition, input) => {
        const subject = new InputParameters(definition)
        const reversed = Object.fromEntries(Object.entries(input).reverse())
        expectSame(outcome(subject, reversed), outcome(subject, input))
      }),
      { numRuns: 500 },
    )
  })

  it('neither changes its input nor hands parts of it on that could be changed later', () => {
    fc.assert(
      fc.property(definition, data, (definition, input) => {
        const before = structuredClone(input)
        const { validated } = outcome(new InputParameters(definition), input)
        expectSame(input, before)
        const parts = new Set(objectsIn(input))
        expect(objectsIn(validated).filter((part) => parts.has(part))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('accepts its own result without changing it', () => {
    fc.assert(
      fc.property(definition, data, (definition, input) => {
        const subject = new InputParameters(definition)
        const { validated } = outcome(subject, input)
        if (validated) expectSame(subject.validateInput(validated), validated)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses any bad overrides with an AdapterError of status 400, and nothing else', () => {
    fc.assert(
      fc.property(json, (overrides) => {
        try {
          validateOverrides({ overrides } as { overrides: Overrides })
        } catch (error) {
          expect(error).toBeInstanceOf(AdapterError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

const objectsIn = (value: unknown): object[] =>
  typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : []

// vitest's own comparison takes a key called `constructor` for the class of the object.
const expectSame = (actual: unknown, expected: unknown) => {
  expect(isDeepStrictEqual(actual, expected), JSON.stringify({ actual, expected })).toBe(true)
}
