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
 * The value of a setting with a `variablePlaceholder` (contract 7.3): `<NETWORK>_RPC_URL` for every network there is in
 * the environment, which is read once, when this is made.
 *
 * @example
 * config.settings.NETWORK_RPC_URL.get('base-mainnet') // value of BASE_MAINNET_RPC_URL
 */
export class EnvGetter<T extends SettingDefinition & IsVariable = Extract<SettingDefinition, IsVariable>> {
  private readonly variables = new Map<string, VariableEnvVarEntry<SettingTypeWhenPresent<T>>>()
  /** What the environment had for them, by name: a value does not tell a text that is no boolean from `false`. */
  private readonly texts = new Map<string, string>()

  /**
   * @param fallBack - whether variables without the prefix count where those with it are unset
   * @throws Error if the placeholder is not in the name, or a value found is none of an enum's options
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

  /** What environment variables of this setting look like, with the variable as the first group. */
  getNamePattern(name: string, placeholder: string, prefix: string): RegExp {
    const fullName = envVarName(name, prefix)
    // The prefix may contain the placeholder too; only the one in the name stands for something.
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

  /** Adds a line for every entry with a problem. */
  validate(validationErrors: string[]): void {
    for (const { variable, problem } of this.problems()) validationErrors.push(`${variable}: ${problem}`)
  }

  /** What is wrong with the values that were found, by their variables. */
  problems(): SettingProblem[] {
    return this.entries().flatMap(({ envVarName: variable, value }) => {
      const problem = settingProblem(variable, this.settingsDefinition, value, this.texts.get(variable))
      return problem === undefined ? [] : [{ variable, problem }]
    })
  }

  private nameFor(variable: string): string {
    return this.name.replace(this.settingsDefinition.variablePlaceholder, () => variable)
  }

  /** @returns what is refused at once */
  private collect(prefix: string): SettingProblem[] {
    const refused: SettingProblem[] = []
    const pattern = this.getNamePattern(this.name, this.settingsDefinition.variablePlaceholder, prefix)
    for (const [source, text = ''] of Object.entries(process.env)) {
      const variable = pattern.exec(source)?.[1]
      if (variable === undefined || this.variables.has(variable)) continue
      // Without the prefix in the pattern, the prefix itself would pass for the beginning of a variable.
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
