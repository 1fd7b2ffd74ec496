import { AdapterError } from '../validation/errors'
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
    this.collect(prefix)
    if (prefix && fallBack) this.collect('')
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
    for (const { settingName, envVarName: source, value } of this.variables.values()) {
      const problem = settingProblem(settingName, this.settingsDefinition, value, process.env[source])
      if (problem) validationErrors.push(`${settingName}: ${problem}`)
    }
  }

  private nameFor(variable: string): string {
    return this.name.replace(this.settingsDefinition.variablePlaceholder, () => variable)
  }

  private collect(prefix: string) {
    const pattern = this.getNamePattern(this.name, this.settingsDefinition.variablePlaceholder, prefix)
    for (const [source, text] of Object.entries(process.env)) {
      const variable = pattern.exec(source)?.[1]
      if (variable === undefined || this.variables.has(variable)) continue
      // Without the prefix in the pattern, the prefix itself would pass for the beginning of a variable.
      if (prefix === '' && this.prefix && source.startsWith(`${this.prefix}_`)) continue
      const settingName = this.nameFor(variable)
      const value = parseEnv(text, settingName, this.settingsDefinition)
      if (value === null) continue
      this.variables.set(variable, {
        settingKey: this.name,
        variable,
        settingName,
        envVarName: source,
        value: value as SettingTypeWhenPresent<T>,
      })
    }
  }
}

const canonicalVariable = (variable: string) => variable.replace(/\W/g, '_').toUpperCase()
