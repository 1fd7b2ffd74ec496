/** Request keys with a meaning of their own, which no parameter may take (contract 5.1). */
export type ReservedInputParameterNames = 'endpoint' | 'transport' | 'overrides'

/** Symbol replacements by adapter name, as a map: adapter -> symbol -> replacement. */
export type Override = Map<string, Map<string, string>>

type Primitives = { string: string; number: number; boolean: boolean }

/** The names of the primitive types a parameter can have. */
export type PrimitiveTypeName = keyof Primitives

type Primitive = Primitives[PrimitiveTypeName]

type ParameterType = PrimitiveTypeName | InputParametersDefinition

type ParameterFields = {
  /** Shown in generated documentation. */
  description: string
  /** A primitive's name, or a nested definition when the value is an object. */
  type: ParameterType
  /** Used when the parameter is absent or null. Only for single primitives that are not required. */
  default?: Primitive
  /** Absent and null are refused. */
  required?: boolean
  /** The value is a list whose elements have `type`. An absent list is an empty one. */
  array?: boolean
  /** The values allowed; strings or numbers only. */
  options?: readonly string[] | readonly number[]
  /** Other request keys for this parameter. The validated value is always under the main name. */
  aliases?: readonly string[]
  /** Parameters that must be present when this one is. */
  dependsOn?: readonly string[]
  /** Parameters that must be absent when this one is present. */
  exclusive?: readonly string[]
}

// Each of the following unions states one rule for all parameters. A parameter must fit every one of them.
type OptionsFitType =
  | { type: 'string'; options?: readonly string[] }
  | { type: 'number'; options?: readonly number[] }
  | { type: 'boolean' | InputParametersDefinition; options?: never }

type DefaultFitsType =
  | { type: 'string'; default?: string }
  | { type: 'number'; default?: number }
  | { type: 'boolean'; default?: boolean }
  | { type: InputParametersDefinition; default?: never }

type RequiredHasNoDefault = { required: true; default?: never } | { required?: false; default?: Primitive }

type ArrayHasNoDefault = { array: true; default?: never } | { array?: false; default?: Primitive }

/** The definition of one parameter (contract 5.1). */
export type InputParameter = ParameterFields &
  OptionsFitType &
  DefaultFitsType &
  RequiredHasNoDefault &
  ArrayHasNoDefault

/** Parameters by name. */
export type InputParametersDefinition = Record<string, InputParameter>

/** A definition that leaves the reserved names alone. */
export type ProperInputParametersDefinition = InputParametersDefinition & {
  [Name in ReservedInputParameterNames]?: never
}

/** The definition of an endpoint without parameters. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- contract 5: adapters intersect and spread it
export type EmptyInputParameters = {}

// Without the key, `P['default']` is `unknown`; and `unknown extends X` holds only where X is `unknown` itself.
type HasDefault<P extends InputParameter> = unknown extends P['default'] ? false : true

type SingleValue<P extends InputParameter> = P['options'] extends readonly (string | number)[]
  ? P['options'][number]
  : ValueOfType<P['type']>

type ValueOfType<T extends ParameterType> = T extends PrimitiveTypeName
  ? Primitives[T]
  : T extends InputParametersDefinition
    ? TypeFromDefinition<T>
    : never

type IsAlwaysPresent<P extends InputParameter> = P['required'] extends true
  ? true
  : P['array'] extends true
    ? true
    : HasDefault<P>

type ValueOf<P extends InputParameter> = P['array'] extends true
  ? SingleValue<P>[]
  : IsAlwaysPresent<P> extends true
    ? SingleValue<P>
    : SingleValue<P> | undefined

/**
 * The validated parameters of a definition: required, array and defaulted keys are always there, the rest may be
 * undefined, `options` narrow to a union. `any` gives `any`, so that endpoints of different kinds fit in one list.
 */
export type TypeFromDefinition<T extends InputParametersDefinition> = unknown extends T
  ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- contract 5.1: `any` in, `any` out
    any
  : {
      -readonly [K in keyof T as IsAlwaysPresent<T[K]> extends true ? K : never]: ValueOf<T[K]>
    } & {
      -readonly [K in keyof T as IsAlwaysPresent<T[K]> extends true ? never : K]?: ValueOf<T[K]>
    }
