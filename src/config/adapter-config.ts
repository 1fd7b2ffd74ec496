import { CensorList, type CensorKeyValue } from '../util/redaction'
import { BaseSettingsDefinition } from './base-settings'
import { refuse, refusedBy, type SettingProblem } from './config-error'
import { type EnvSource, envSource, parseEnv } from './env'
import { EnvGetter } from './env-getter'
import { hideProxyCredentials } from './outbound-proxy'
import { problemsBetween } from './relations'
import { fileVariable } from './secret-file'
import { secretsOf } from './secrets-of-setting'
import { settingProblem } from './setting-problem'
import { type SettingRelation } from './setting-relations'
import {
  type AdapterSettings,
  type BaseAdapterSettings,
  definitionsWith,
  type EnvSources,
  type GenericConfigStructure,
  mayBeInFile,
  readSources,
  type SettingDefinition,
  type SettingDefinitionDetails,
  settingsFrom,
  type SettingsDefinitionMap,
  valueFrom,
  type ValidSettingValue,
  type WhatToRead,
} from './settings'

const READ_WITHOUT_PREFIX = [
  'LOG_LEVEL',
  'LOG_FORMAT',
  'INSTANCE',
  'DEBUG',
  'CORRELATION_ID_ENABLED',
  'CENSOR_SENSITIVE_LOGS',
] as const

type Values = Record<string, EnvGetter | ValidSettingValue | undefined>

const refusedConfigs = new WeakMap<Error, AnyConfig>()

/** The config whose {@link AdapterConfig.initialize} threw this error, be it in the constructor of an adapter; undefined for other errors. */
export const configRefusedWith = (error: unknown): AnyConfig | undefined =>
  error instanceof Error ? refusedConfigs.get(error) : undefined

/** How an adapter's settings are read. */
export type AdapterConfigOptions = {
  /** The adapter's own defaults for settings that every adapter has. */
  envDefaultOverrides?: Partial<BaseAdapterSettings>
  /** If given, all settings are read from variables whose names start with this and an underscore. */
  envVarsPrefix?: string
  /** Whether the variable without the prefix is used where the one with the prefix is unset. For processes with several adapters. */
  envVarsFallback?: boolean
  /** What must hold between its settings. Problems are reported with all others, before the adapter starts. */
  relations?: readonly SettingRelation[]
}

/** The config of an adapter that declares no settings of its own. The type parameter is not checked. */
export const emptyConfig = <T extends SettingsDefinitionMap>(): AdapterConfig<T> =>
  new AdapterConfig<T>({} as T)

/** The config of any adapter, whichever settings of its own it declares. */
export interface AnyConfig extends Omit<AdapterConfig, 'settings' | 'settingsDefinition'> {
  settings: GenericConfigStructure
}

/** The definition map of a config, for `SettingsDefinitionFromConfig<typeof config>`. */
export type SettingsDefinitionFromConfig<T> = T extends AdapterConfig<infer Definition> ? Definition : never

/**
 * The settings of one adapter (contract 7.3). Construct it with the settings that the adapter adds, pass it to the adapter, and read
 * `settings` after the adapter has been constructed.
 */
export class AdapterConfig<T extends SettingsDefinitionMap = SettingsDefinitionMap> {
  /** The values; undefined until {@link AdapterConfig.initialize}. */
  settings!: AdapterSettings<T>
  /** The source of each value at the time when the environment was read. */
  private sources: EnvSources = new Map()
  /** Where one of the values is refused: the others, and defaults. */
  private otherValues: Values | undefined

  constructor(
    readonly settingsDefinition: T,
    public options?: AdapterConfigOptions,
  ) {}

  /**
   * Reads the environment.
   *
   * @throws Error for mistakes in the definition, and for a value that is not one of an enum's options (contract 7.1). If other settings
   * are bad too, this is a ConfigError with all problems
   */
  initialize(): void {
    const what = this.whatToRead()
    this.sources = readSources(what)
    try {
      this.settings = settingsFrom(what, this.sources)
    } catch (error) {
      if (refusedBy(error) === undefined) throw error
      const all = this.refusedWith(error as Error)
      refusedConfigs.set(all, this)
      throw all
    }
  }

  /**
   * Checks the values that were read.
   *
   * @throws ConfigError with all problems; a plain Error for a single one where the contract demands it
   */
  validate(): void {
    refuse(this.problems(this.settings))
  }

  /**
   * Collects the secrets among the values, and gives them to the list of the process from which logs and responses are redacted (contract
   * 13.3).
   *
   * @param owner - only the earlier entries of this owner are replaced, so that adapters in one process do not remove each other's
   */
  buildCensorList(owner?: string): CensorKeyValue[] {
    return this.hideSecrets(owner)
  }

  /** The same. It is done at the beginning of a start, too, where the order of the contract has no {@link AdapterConfig.buildCensorList}. */
  hideSecrets(owner?: string): CensorKeyValue[] {
    const list = this.definitions().flatMap(([name, definition]) => {
      const value = this.value(name)
      const isMany = value instanceof EnvGetter
      const values = isMany ? value.entries() : [{ settingName: name, value }]
      return values.flatMap((one) => secretsOf(definition, name, one.settingName, one.value))
    })
    CensorList.set(list, owner)
    hideProxyCredentials()
    return list
  }

  /**
   * What the status and debug pages show about a setting, besides its value.
   *
   * @throws Error if there is no setting with this name
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

  /** Environment variables that start with this adapter's prefix but belong to no setting. Most likely they are misspelt. */
  unknownVariables(): string[] {
    const prefix = this.options?.envVarsPrefix
    if (!prefix) return []
    const known = new Set(this.variables(prefix))
    return Object.keys(process.env).filter((name) => name.startsWith(`${prefix}_`) && !known.has(name))
  }

  /** The variables that settings can be given by: those with the prefix, or those without one. */
  variables(prefix = ''): string[] {
    return this.definitions().flatMap(([name, definition]) => {
      const value = this.value(name)
      if (value instanceof EnvGetter) return value.variablesSet()
      const variable = prefix ? `${prefix}_${name}` : name
      const mayBeFile = mayBeInFile(name, definition, this.settingsDefinition)
      return mayBeFile ? [variable, fileVariable(variable)] : [variable]
    })
  }

  /** Those without a prefix that are read; and those that are not because of the prefix, with the variables that are. */
  bareVariables(): { read: string[]; unread: ReadonlyMap<string, string> } {
    const { envVarsPrefix: prefix, envVarsFallback: fallBack } = this.options ?? {}
    if (!prefix || fallBack) return { read: this.variables(), unread: new Map() }
    const read: readonly string[] = READ_WITHOUT_PREFIX
    const bare = this.variables().filter((name) => !read.includes(name))
    return { read: [...read], unread: new Map(bare.map((name) => [name, `${prefix}_${name}`])) }
  }

  /** Whether the adapter has a prefix and no environment variable starts with it, which means that nobody has set the adapter up. */
  isUntouched(): boolean {
    const prefix = this.options?.envVarsPrefix
    return !!prefix && !Object.keys(process.env).some((name) => name.startsWith(`${prefix}_`))
  }

  /** The environment variable from which a setting gets its value; if none is set, the one that can be set. */
  variableOf(name: string): string {
    return this.sourceOf(name).variable
  }

  /** All settings: those of the framework, and its own. */
  definitions(): [string, SettingDefinition][] {
    return definitionsWith(this.settingsDefinition)
  }

  /** Of a setting that was refused it is a default. */
  value(name: string): EnvGetter | ValidSettingValue | undefined {
    return (this.settings as Values | undefined)?.[name] ?? this.otherValues?.[name]
  }

  /** Where a setting's value was found in the environment when that was read. */
  sourceOf(name: string): EnvSource {
    return this.sources.get(name) ?? envSource(name, { prefix: this.options?.envVarsPrefix })
  }

  private whatToRead(): WhatToRead {
    const { envDefaultOverrides: overrides, envVarsPrefix, envVarsFallback } = this.options ?? {}
    return { overrides, customSettings: this.settingsDefinition, envVarsPrefix, envVarsFallback }
  }

  /** The error for a value that is refused at once, with the problems of all other settings. */
  private refusedWith(first: Error): Error {
    try {
      refuse(this.problemsByThemselves())
      return first
    } catch (error) {
      return error as Error
    }
  }

  /** Reads each setting alone, so that a value that is refused at once does not hide the problems of the others. */
  private problemsByThemselves(): SettingProblem[] {
    const what = this.whatToRead()
    const values: Values = { ...what.overrides }
    const refused: SettingProblem[] = []
    for (const [name, definition] of this.definitions()) {
      const usual = values[name] ?? definition.default
      try {
        values[name] = valueFrom(name, definition, what, this.sources) ?? usual
      } catch (error) {
        const problems = refusedBy(error)
        if (problems === undefined) throw error
        refused.push(...problems)
        values[name] = usual ?? definition.options?.[0]
      }
    }
    this.otherValues = values
    return [...refused, ...this.problems(values)]
  }

  private problems(values: Values): SettingProblem[] {
    const names = this.definitions().map(([name]) => name)
    return [
      ...this.definitions().flatMap(([name, definition]) => this.problemsOf(name, definition, values[name])),
      ...this.unprefixedProblems(),
      ...problemsBetween(names, values, (name) => this.sourceOf(name)),
      ...(this.options?.relations ?? []).flatMap((holds) => holds(values, (name) => this.variableOf(name))),
    ]
  }

  private problemsOf(name: string, definition: SettingDefinition, value: unknown): SettingProblem[] {
    if (value instanceof EnvGetter) return value.problems()
    const { variable, text, problem: ofFile } = this.sourceOf(name)
    const problem =
      ofFile ?? settingProblem(variable, definition, value as ValidSettingValue | undefined, text)
    return problem === undefined ? [] : [{ variable, problem }]
  }

  /** contract 7.1: the framework reads some variables without the prefix too, even if the adapter has one. */
  private unprefixedProblems(): SettingProblem[] {
    if (!this.options?.envVarsPrefix) return []
    return READ_WITHOUT_PREFIX.flatMap((variable) => {
      const definition = BaseSettingsDefinition[variable]
      const { text } = envSource(variable)
      const problem = settingProblem(variable, definition, parseEnv(text, variable, definition), text)
      return problem === undefined ? [] : [{ variable, problem }]
    })
  }
}
