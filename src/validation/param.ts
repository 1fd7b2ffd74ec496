import {
  type InputParameter,
  type InputParametersDefinition,
  type PrimitiveTypeName,
} from './definition-types'
import { InputParametersDefinitionError, InputValidationError } from './input-errors'

/** The part of its nested definition that a parameter uses. */
export interface NestedParameters {
  validateInput(raw: unknown): unknown
}

/** One parameter. Everything that does not depend on the request is prepared once. */
export class Param {
  /** The main name, then the aliases, in the order they are looked up. */
  readonly aliases: readonly string[]
  readonly options?: ReadonlySet<unknown>
  readonly type: PrimitiveTypeName | NestedParameters
  private readonly required: boolean
  private readonly isArray: boolean
  private readonly whenAbsent: unknown

  constructor(
    readonly name: string,
    readonly definition: InputParameter,
    nest: (definition: InputParametersDefinition) => NestedParameters,
  ) {
    this.aliases = [name, ...(definition.aliases ?? [])]
    this.checkDefinition()
    if (definition.options) this.options = new Set<unknown>(definition.options)
    this.required = definition.required === true
    this.isArray = definition.array === true
    this.whenAbsent = definition.default
    this.type = typeof definition.type === 'string' ? definition.type : nest(definition.type)
  }

  /**
   * The raw value of this parameter in a request, under whichever of its names it is given. Only own properties count,
   * so that a parameter called `constructor` is absent from `{}`.
   */
  find(data: Record<string, unknown>): unknown {
    let found: unknown
    for (const alias of this.aliases) {
      const value = data[alias]
      // The cheap tests come first, because most aliases are not in the request.
      if (value === undefined || value === null || !Object.hasOwn(data, alias)) continue
      if (countsAsGiven(found)) {
        throw new InputValidationError(
          `Parameter "${this.name}" is specified more than once (aliases: ${this.aliases.join()})`,
        )
      }
      found = value
    }
    return found
  }

  /** The validated form of a raw value. Absent and null mean the same. */
  validateInput(raw: unknown): unknown {
    if (raw === undefined || raw === null) {
      if (this.required) this.refuse('param is required but no value was provided')
      return this.whenAbsent === undefined && this.isArray ? [] : this.whenAbsent
    }
    if (!this.isArray) return this.validateValue(raw)
    if (!Array.isArray(raw)) return this.refuse('input value must be a non-empty array')
    return raw.map((element: unknown) =>
      element === undefined || element === null ? undefined : this.validateValue(element),
    )
  }

  private validateValue(value: unknown): unknown {
    if (this.options && !this.options.has(value)) {
      this.refuse(`input is not one of valid options (${[...this.options].join()})`)
    }
    if (typeof this.type !== 'string') return this.type.validateInput(value)
    if (typeof value !== this.type) this.refuse(`input type is not the expected one (${this.type})`)
    return value
  }

  private refuse(problem: string): never {
    throw new InputValidationError(`[Param: ${this.name}] ${problem}`)
  }

  private checkDefinition() {
    const { aliases, name } = this
    const { options } = this.definition
    if (hasRepeats(aliases)) {
      this.reject(`There are repeated aliases for input param ${name}: ${aliases.join()}`)
    }
    if (options?.length === 0) this.reject('The options array must contain at least one option')
    if (options && hasRepeats<unknown>(options)) {
      this.reject(`There are duplicates in the specified options: ${options.join()}`)
    }
  }

  private reject(problem: string): never {
    throw new InputParametersDefinitionError(`[Param: ${this.name}] ${problem}`)
  }
}

// contract 5.3: whether a parameter is given twice depends on the truthiness of the value already found, so that
// `{"base": "", "from": "X"}` is accepted and means "X".
const countsAsGiven = (found: unknown) => Boolean(found)

const hasRepeats = <T>(list: readonly T[]) => new Set(list).size !== list.length
