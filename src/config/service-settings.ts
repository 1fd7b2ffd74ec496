import { ConfigError } from './config-error'
import { parseEnv } from './env'
import { type SettingsDefinitionMap } from './setting-types'

/** Settings of the service process, which hosts several adapters. They are ours, not part of the contract. */
export const ServiceSettingsDefinition = {
  ADAPTERS: {
    description: 'Adapters to run, by name, separated by commas; all there are if empty',
    type: 'string',
    default: '',
    sensitive: false,
  },
  DEFAULT_ADAPTER: {
    description: 'Adapter that answers requests which name none; the first one if empty',
    type: 'string',
    default: '',
    sensitive: false,
  },
} as const satisfies SettingsDefinitionMap

/** Which adapters the service runs. Names are in lower case. */
export type ServiceSettings = {
  /** Empty means all. */
  adapters: string[]
  /** Absent means the first. */
  defaultAdapter?: string
}

/**
 * Reads the settings of the service. Letter case and white space around names do not matter.
 *
 * @throws ConfigError for empty, repeated or malformed names, and for a default adapter that is not among the adapters
 */
export const readServiceSettings = (env: NodeJS.ProcessEnv = process.env): ServiceSettings => {
  const listText = textOf(env, 'ADAPTERS')
  const adapters = listText === '' ? [] : listText.split(',').map((name) => name.trim())
  const defaultAdapter = textOf(env, 'DEFAULT_ADAPTER')
  const problems = [
    ...adapters.flatMap(
      (name, index) => nameProblem('ADAPTERS', name) ?? repeatProblem(adapters, name, index),
    ),
    ...(defaultAdapter === '' ? [] : defaultProblem(defaultAdapter, adapters)),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return { adapters, ...(defaultAdapter === '' ? {} : { defaultAdapter }) }
}

const textOf = (env: NodeJS.ProcessEnv, name: keyof typeof ServiceSettingsDefinition): string => {
  const definition = ServiceSettingsDefinition[name]
  return String(parseEnv(env[name], name, definition) ?? definition.default)
    .trim()
    .toLowerCase()
}

const nameProblem = (setting: string, name: string): string | undefined => {
  if (name === '') return `${setting}: There is an empty name in the list`
  return /^[a-z0-9_-]+$/.test(name) ? undefined : `${setting}: "${name}" is not the name of an adapter`
}

const repeatProblem = (adapters: readonly string[], name: string, index: number): string[] =>
  adapters.indexOf(name) === index ? [] : [`ADAPTERS: "${name}" is listed more than once`]

const defaultProblem = (name: string, adapters: readonly string[]): string[] => {
  const malformed = nameProblem('DEFAULT_ADAPTER', name)
  if (malformed) return [malformed]
  return adapters.length === 0 || adapters.includes(name)
    ? []
    : [`DEFAULT_ADAPTER: "${name}" is not among the adapters of ADAPTERS`]
}
