import {
  type InputParametersDefinition,
  type ProperInputParametersDefinition,
  type TypeFromDefinition,
} from './definition-types'
import { InputParametersDefinitionError, InputValidationError } from './input-errors'
import { isObject } from '../util/objects'
import { Param } from './param'

export {
  type EmptyInputParameters,
  type InputParameter,
  type InputParametersDefinition,
  type Override,
  type ProperInputParametersDefinition,
  type ReservedInputParameterNames,
  type TypeFromDefinition,
} from './definition-types'
export { InputParametersDefinitionError } from './input-errors'

type Relation = { param: string; dependsOn: readonly string[]; exclusive: readonly string[] }

/**
 * The parameters that an endpoint takes. The constructor checks the definition (contract 5.2), and `validateInput` checks
 * a request (contract 5.3).
 *
 * @example
 * const inputParameters = new InputParameters({
 *   base: { description: 'Base asset symbol', type: 'string', required: true, aliases: ['from'] },
 * })
 * inputParameters.validateInput({ from: 'ETH' }) // { base: 'ETH' }
 */
export class InputParameters<const T extends ProperInputParametersDefinition> {
  /** The type of validated parameters, for `typeof inputParameters.validated`. It has no value at run time. */
  declare readonly validated: TypeFromDefinition<T>
  /** The parameters in definition order, prepared for validation. */
  params: Param[]
  private readonly relations: readonly Relation[]

  /**
   * @param definition - the parameters by name
   * @param examples - validated parameter objects for documentation and tests; not checked at run time
   * @throws InputParametersDefinitionError if the definition contradicts itself
   */
  constructor(
    public definition: T,
    public examples?: TypeFromDefinition<T>[],
  ) {
    this.params = Object.entries<InputParametersDefinition[string]>(definition).map(
      ([name, param]) => new Param(name, param, (nested) => new InputParameters(nested)),
    )
    checkRelations(this.params)
    this.relations = this.params
      .map(({ name, definition: { dependsOn = [], exclusive = [] } }) => ({
        param: name,
        dependsOn,
        exclusive,
      }))
      .filter(({ dependsOn, exclusive }) => dependsOn.length > 0 || exclusive.length > 0)
  }

  /**
   * The parameters of one request, as a new object with every declared key in the order of the definition. Unknown keys
   * are ignored, types are never converted, and the input is not changed.
   *
   * @throws AdapterError (status 400) naming the parameter and what was expected
   */
  validateInput(rawData: unknown): TypeFromDefinition<T> {
    if (!isObject(rawData)) {
      throw new InputValidationError('Input for input parameters should be an object')
    }
    const validated: Record<string, unknown> = {}
    for (const param of this.params) {
      setOwn(validated, param.name, param.validateInput(param.find(rawData)))
    }
    for (const relation of this.relations) checkRelation(relation, validated)
    return validated as TypeFromDefinition<T>
  }
}

// Plain assignment to `__proto__` would replace the prototype instead of making a key.
const setOwn = (target: Record<string, unknown>, name: string, value: unknown) => {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })
  } else {
    target[name] = value
  }
}

// contract 5.3 is about validated values: a default value, and the empty list of an absent array, count as present.
const checkRelation = ({ param, dependsOn, exclusive }: Relation, validated: Record<string, unknown>) => {
  if (validated[param] === undefined) return
  if (dependsOn.some((other) => validated[other] === undefined)) {
    throw new InputValidationError(`Parameter "${param}" is missing dependencies (${dependsOn.join()})`)
  }
  if (exclusive.some((other) => validated[other] !== undefined)) {
    throw new InputValidationError(
      `Parameter "${param}" cannot be present at the same time as exclusions (${exclusive.join()})`,
    )
  }
}

const checkRelations = (params: readonly Param[]) => {
  const names = params.flatMap(({ aliases }) => aliases)
  if (new Set(names).size !== names.length) {
    throw new InputParametersDefinitionError(
      'There are clashes in property names and aliases, check that they are all unique',
    )
  }
  const byName = new Map(params.map((param) => [param.name, param.definition]))
  for (const { name, definition } of params) {
    for (const other of definition.dependsOn ?? []) {
      const target = byName.get(other)
      if (!target)
        throw new InputParametersDefinitionError(`Param "${name}" depends on non-existent param "${other}"`)
      if (target.required) {
        throw new InputParametersDefinitionError(
          `Param "${name}" has an unnecessary dependency on "${other}" (dependency is always required)`,
        )
      }
    }
    for (const other of definition.exclusive ?? []) {
      const target = byName.get(other)
      if (!target)
        throw new InputParametersDefinitionError(`Param "${name}" excludes non-existent param "${other}"`)
      if (target.required) {
        throw new InputParametersDefinitionError(
          `Param "${name}" excludes required (i.e. always present) param "${other}"`,
        )
      }
    }
  }
}
