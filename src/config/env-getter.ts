import { AdapterError } from '../validation/errors'
import { refusal, refusedBy, type SettingProblem } from './config-error'
import { type EnvSource, envSource, envVarName, parseEnv } from './env'
import { fileVariable } from './secret-file'
import { isSensitive } from './sensitive'
import { settingProblem } from './setting-problem'
import {
  type IsVariable,
  type SettingDefinition,
  type SettingType,
  type SettingTypeWhenPresent,
  type VariableEnvVarEntry,
} from './setting-types'

/**
 * The value of a setting with a `variablePlaceholder` (contract 7.3): for example `<NETWORK>_RPC_URL` for every network that has a variable
 * in the environment. The environment is read once, in the constructor.
 *
 * @example
 * config.settings.NETWORK_RPC_URL.get('base-mainnet') // value of BASE_MAINNET_RPC_URL
 */
export class EnvGetter<T extends SettingDefinition & IsVariable = Extract<SettingDefinition, IsVariable>> {
  private readonly variables = new Map<string, VariableEnvVarEntry<SettingTypeWhenPresent<T>>>()
  /** By variable. They are kept because a text that is not a boolean is parsed as `false`. */
  private readonly sources = new Map<string, EnvSource>()

  /**
   * @param fallBack - whether a variable without the prefix is used where the one with the prefix is unset
   * @param mayBeFile - whether a value may be in a file, which `<variable>_FILE` names
   * @throws Error if the placeholder is not in the name, or a value is not one of an enum's options
   */
  constructor(
    private readonly name: string,
    private readonly settingsDefinition: T,
    private readonly prefix: string,
    fallBack = false,
    private readonly mayBeFile = isSensitive(name, settingsDefinition),
  ) {
    const placeholder: string = settingsDefinition.variablePlaceholder
    if (!name.includes(placeholder)) {
      throw new Error(`Placeholder '${placeholder}' must occur in setting name '${name}'.`)
    }
    const refused = [...this.collect(prefix), ...(prefix && fallBack ? this.collect('') : [])]
    if (refused.length > 0) throw refusal(refused)
  }

  /** Matches the environment variables of this setting. The first group is the part that replaces the placeholder. */
  getNamePattern(name: string, placeholder: string, prefix: string): RegExp {
    const fullName = envVarName(name, prefix)
    // The prefix may contain the placeholder too. Only the one in the name counts.
    const start = fullName.indexOf(placeholder, fullName.length - name.length)
    const before = fullName.slice(0, start)
    const after = fullName.slice(start + placeholder.length)
    return new RegExp(`^${before}([A-Z0-9_]+)${after}$`)
  }

  get(variable: string): SettingType<T> {
    const entry = this.variables.get(canonicalVariable(variable))
    const value = entry?.value ?? this.settingsDefinition.default
    if (value === undefined && this.settingsDefinition.required) {
      throw new AdapterError({
        statusCode: 500,
        message: `Missing required environment variable: ${this.getEnvVarName(variable)}`,
      })
    }
    return value as SettingType<T>
  }

  getEnvVarName(variable: string): string {
    return envVarName(this.nameFor(canonicalVariable(variable)), this.prefix)
  }

  entries(): VariableEnvVarEntry<SettingTypeWhenPresent<T>>[] {
    return [...this.variables.values()]
  }

  /** Adds a line for each problem. */
  validate(validationErrors: string[]): void {
    for (const { variable, problem } of this.problems()) validationErrors.push(`${variable}: ${problem}`)
  }

  /** The problems of the values that were found, each with the variable that was set. */
  problems(): SettingProblem[] {
    const values = new Map(this.entries().map(({ envVarName: name, value }) => [name, value]))
    return [...this.sources].flatMap(([name, { variable, text, problem: ofFile }]) => {
      const problem = ofFile ?? settingProblem(variable, this.settingsDefinition, values.get(name), text)
      return problem === undefined ? [] : [{ variable, problem }]
    })
  }

  /** Where an entry's value is from. */
  sourceOf({ envVarName: variable }: VariableEnvVarEntry<SettingTypeWhenPresent<T>>): EnvSource {
    return this.sources.get(variable) ?? { variable, text: undefined }
  }

  /** The variables that belong to this setting, those that name files included. */
  variablesSet(): string[] {
    return [...this.sources].flatMap(([name, { isFile, variable }]) => (isFile ? [name, variable] : [name]))
  }

  private nameFor(variable: string): string {
    return this.name.replace(this.settingsDefinition.variablePlaceholder, () => variable)
  }

  /** @returns the values that are refused before the other settings are checked */
  private collect(prefix: string): SettingProblem[] {
    const refused: SettingProblem[] = []
    for (const [variable, name] of this.found(prefix)) {
      if (this.variables.has(variable)) continue
      try {
        this.take(variable, name)
      } catch (error) {
        const problems = refusedBy(error)
        if (problems === undefined) throw error
        refused.push(...problems)
      }
    }
    return refused
  }

  /** The names in the environment, by the part that replaces the placeholder. Where a file is named, the name is without its end. */
  private found(prefix: string): Map<string, string> {
    const pattern = this.getNamePattern(this.name, this.settingsDefinition.variablePlaceholder, prefix)
    const end = fileVariable('')
    const found = new Map<string, string>()
    for (const source of Object.keys(process.env)) {
      // A pattern without the prefix also matches variables that have it. They would be read as if the prefix were part of the replaced
      // text.
      if (prefix === '' && this.prefix && source.startsWith(`${this.prefix}_`)) continue
      const stem = this.mayBeFile && source.endsWith(end) ? source.slice(0, -end.length) : source
      const name = [stem, source].find((one) => pattern.test(one))
      const variable = name && pattern.exec(name)?.[1]
      if (name && variable) found.set(variable, name)
    }
    return found
  }

  private take(variable: string, name: string): void {
    const source = envSource(name, { mayBeFile: this.mayBeFile })
    if (source.problem !== undefined) this.sources.set(name, source)
    const value = parseEnv(source.text, source.variable, this.settingsDefinition)
    if (value === null) return
    this.sources.set(name, source)
    this.variables.set(variable, {
      settingKey: this.name,
      variable,
      settingName: this.nameFor(variable),
      envVarName: name,
      value: value as SettingTypeWhenPresent<T>,
    })
  }
}

const canonicalVariable = (variable: string) => variable.replace(/\W/g, '_').toUpperCase()
