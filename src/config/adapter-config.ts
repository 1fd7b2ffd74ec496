import { CensorList, type CensorKeyValue, secretEntry } from '../util/redaction'
import { BaseSettingsDefinition } from './base-settings'
import { ConfigError } from './config-error'
import { readEnv } from './env'
import { EnvGetter } from './env-getter'
import { isSensitive } from './sensitive'
import { settingProblem } from './setting-problem'
import {
  type AdapterSettings,
  type BaseAdapterSettings,
  buildAdapterSettings,
  type GenericConfigStructure,
  type SettingDefinition,
  type SettingDefinitionDetails,
  type SettingsDefinitionMap,
  type ValidSettingValue,
} from './settings'

/** How an adapter's settings are read. */
export type AdapterConfigOptions = {
  /** The adapter's own defaults for settings every adapter has. */
  envDefaultOverrides?: Partial<BaseAdapterSettings>
  /** All settings are read from variables that start with this and an underscore. */
  envVarsPrefix?: string
  /** Where the variable with the prefix is unset, the one without it counts: for processes with several adapters. */
  envVarsFallback?: boolean
}

/** The config of an adapter that declares no settings of its own, whatever its type says. */
export const emptyConfig = <T extends SettingsDefinitionMap>(): AdapterConfig<T> =>
  new AdapterConfig<T>({} as T)

/** The config of any adapter, whatever settings of its own it declares. */
export interface AnyConfig extends Omit<AdapterConfig, 'settings' | 'settingsDefinition'> {
  settings: GenericConfigStructure
}

/** The definition map of a config, for `SettingsDefinitionFromConfig<typeof config>`. */
export type SettingsDefinitionFromConfig<T> = T extends AdapterConfig<infer Definition> ? Definition : never

/**
 * The settings of one adapter (contract 7.3). Construct it with the settings the adapter adds, pass it to the adapter,
 * and read `settings` after the adapter has been constructed.
 */
export class AdapterConfig<T extends SettingsDefinitionMap = SettingsDefinitionMap> {
  /** The values; undefined until {@link AdapterConfig.initialize}. */
  settings!: AdapterSettings<T>

  constructor(
    readonly settingsDefinition: T,
    public options?: AdapterConfigOptions,
  ) {}

  /**
   * Reads the environment.
   *
   * @throws Error for mistakes in the definition and for values that are none of an enum's options (contract 7.1)
   */
  initialize(): void {
    this.settings = buildAdapterSettings({
      overrides: this.options?.envDefaultOverrides,
      customSettings: this.settingsDefinition,
      envVarsPrefix: this.options?.envVarsPrefix,
      envVarsFallback: this.options?.envVarsFallback,
    })
  }

  /**
   * Checks the values that were read.
   *
   * @throws ConfigError with every problem there is
   */
  validate(): void {
    const problems: string[] = []
    for (const [name, definition] of this.definitions()) {
      const value = this.value(name)
      if (value instanceof EnvGetter) {
        value.validate(problems)
        continue
      }
      const problem = settingProblem(name, definition, value, this.textOf(name))
      if (problem) problems.push(`${name}: ${problem}`)
    }
    if (problems.length > 0) throw new ConfigError(problems)
  }

  /**
   * Collects the secrets among the values and hands them to the process-wide list that logs and responses are checked
   * against (contract 13.3).
   *
   * @param owner - replaces the earlier entries of this owner only, so that adapters of one process do not forget each
   *   other's
   */
  buildCensorList(owner?: string): CensorKeyValue[] {
    const list: CensorKeyValue[] = []
    const add = (name: string, value: unknown) => {
      if (typeof value === 'string' && value) list.push(secretEntry(name, value))
    }
    for (const [name, definition] of this.definitions()) {
      const value = this.value(name)
      if (definition.type !== 'string' || !isSensitive(name, definition)) continue
      if (value instanceof EnvGetter) {
        for (const entry of value.entries()) add(entry.settingName, entry.value)
      } else {
        add(name, value)
      }
    }
    CensorList.set(list, owner)
    return list
  }

  /**
   * What the status and debug pages tell about a setting besides its value.
   *
   * @throws Error if there is no setting of this name
   */
  getSettingDebugDetails(settingName: string): SettingDefinitionDetails {
    const customSetting = !Object.hasOwn(BaseSettingsDefinition, settingName)
    const definitions: SettingsDefinitionMap = customSetting
      ? this.settingsDefinition
      : BaseSettingsDefinition
    const definition = Object.hasOwn(definitions, settingName) ? definitions[settingName] : undefined
    if (!definition) throw new Error(`There is no setting with the name "${settingName}"`)
    const overrides: Record<string, unknown> = this.options?.envDefaultOverrides ?? {}
    return {
      type: definition.type,
      description: definition.description,
      required: definition.required ?? false,
      default: definition.default,
      sensitive: definition.sensitive,
      customSetting,
      envDefaultOverride: Object.hasOwn(overrides, settingName) ? overrides[settingName] : undefined,
    }
  }

  /** Environment variables that start with this adapter's prefix but belong to no setting: most likely misspelt. */
  unknownVariables(): string[] {
    const prefix = this.options?.envVarsPrefix
    if (!prefix) return []
    const known = new Set(
      this.definitions().flatMap(([name]) => {
        const value = this.value(name)
        return value instanceof EnvGetter
          ? value.entries().map((entry) => entry.envVarName)
          : `${prefix}_${name}`
      }),
    )
    return Object.keys(process.env).filter((name) => name.startsWith(`${prefix}_`) && !known.has(name))
  }

  /** Whether the environment says nothing for this adapter: nobody has set it up. */
  isUntouched(): boolean {
    const prefix = this.options?.envVarsPrefix
    return !!prefix && !Object.keys(process.env).some((name) => name.startsWith(`${prefix}_`))
  }

  private definitions(): [string, SettingDefinition][] {
    return [
      ...Object.entries<SettingDefinition>(BaseSettingsDefinition),
      ...Object.entries<SettingDefinition>(this.settingsDefinition),
    ]
  }

  private value(name: string) {
    return (this.settings as Record<string, ValidSettingValue | EnvGetter | null | undefined>)[name]
  }

  private textOf(name: string) {
    return readEnv(name, this.options?.envVarsPrefix, this.options?.envVarsFallback)
  }
}
