import { AdapterError } from '../validation/errors'
import { refusal, refusedBy, type SettingProblem } from './config-error'
import { envVarName, parseEnv } from './env'
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
  /** The texts in the environment, by variable. They are kept because a text that is not a boolean is parsed as `false`. */
  private readonly texts = new Map<string, string>()

  /**
   * @param fallBack - whether a variable without the prefix is used where the one with the prefix is unset
   * @throws Error if the placeholder is not in the name, or a value is not one of an enum's options
   */
  constructor(
    private readonly name: string,
    private readonly settingsDefinition: T,
    private readonly prefix: string,
    fallBack = false,
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

  /** The problems of the values that were found, each with its variable. */
  problems(): SettingProblem[] {
    return this.entries().flatMap(({ envVarName: variable, value }) => {
      const problem = settingProblem(variable, this.settingsDefinition, value, this.texts.get(variable))
      return problem === undefined ? [] : [{ variable, problem }]
    })
  }

  private nameFor(variable: string): string {
    return this.name.replace(this.settingsDefinition.variablePlaceholder, () => variable)
  }

  /** @returns the values that are refused before the other settings are checked */
  private collect(prefix: string): SettingProblem[] {
    const refused: SettingProblem[] = []
    const pattern = this.getNamePattern(this.name, this.settingsDefinition.variablePlaceholder, prefix)
    for (const [source, text = ''] of Object.entries(process.env)) {
      const variable = pattern.exec(source)?.[1]
      if (variable === undefined || this.variables.has(variable)) continue
      // A pattern without the prefix also matches variables that have it. They would be read as if the prefix were part of the replaced
      // text.
      if (prefix === '' && this.prefix && source.startsWith(`${this.prefix}_`)) continue
      try {
        this.take(variable, source, text)
      } catch (error) {
        const problems = refusedBy(error)
        if (problems === undefined) throw error
        refused.push(...problems)
      }
    }
    return refused
  }

  private take(variable: string, source: string, text: string): void {
    const value = parseEnv(text, source, this.settingsDefinition)
    if (value === null) return
    this.texts.set(source, text)
    this.variables.set(variable, {
      settingKey: this.name,
      variable,
      settingName: this.nameFor(variable),
      envVarName: source,
      value: value as SettingTypeWhenPresent<T>,
    })
  }
}

const canonicalVariable = (variable: string) => variable.replace(/\W/g, '_').toUpperCase()
