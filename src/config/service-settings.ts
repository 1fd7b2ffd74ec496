import { ConfigError } from './config-error'
import { parseEnv } from './env'
import { settingProblem } from './setting-problem'
import { type SettingsDefinitionMap } from './setting-types'
import { validator } from '../validation/validators'

/** Settings of the service process, which hosts several adapters. They belong to this framework alone and are not part of the contract. */
export const ServiceSettingsDefinition = {
  ADAPTERS: {
    description:
      'Adapters to run, by name, separated by commas; if empty, all that need no settings or have them',
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
  WORKERS: {
    description:
      'Processes that answer requests, all on one port, beside one more that holds the connections to providers; with 1 a single process does everything',
    type: 'number',
    default: 1,
    validate: validator.integer({ min: 1, max: 64 }),
  },
  WORKER_SILENCE_MS: {
    description:
      'Of several processes, how long one may not answer its supervisor before it is ended and replaced (ms)',
    type: 'number',
    default: 5_000,
    validate: validator.integer({ min: 2_000, max: 60_000 }),
  },
} as const satisfies SettingsDefinitionMap

/** Which adapters the service runs, and in how many processes. Names are in lower case. */
export type ServiceSettings = {
  /** Empty: all adapters that can run. */
  adapters: string[]
  /** Absent: the first adapter. */
  defaultAdapter?: string
  /** Number of processes that answer requests. With 1, a single process does everything. */
  workers: number
  /** How long one of them may be silent. */
  silenceMs: number
}

/**
 * Reads the settings of the service. Letter case and white space around names do not matter.
 *
 * @throws ConfigError for empty, repeated or malformed names, for a default adapter that is not among the adapters, and for a bad number of
 * workers
 */
export const readServiceSettings = (env: NodeJS.ProcessEnv = process.env): ServiceSettings => {
  const listText = textOf(env, 'ADAPTERS')
  const adapters = listText === '' ? [] : listText.split(',').map((name) => name.trim())
  const defaultAdapter = textOf(env, 'DEFAULT_ADAPTER')
  const workers = numberOf(env, 'WORKERS')
  const silenceMs = numberOf(env, 'WORKER_SILENCE_MS')
  const problems = [
    ...adapters.flatMap(
      (name, index) => nameProblem('ADAPTERS', name) ?? repeatProblem(adapters, name, index),
    ),
    ...(defaultAdapter === '' ? [] : defaultProblem(defaultAdapter, adapters)),
    ...numberProblem('WORKERS', workers, env['WORKERS']),
    ...numberProblem('WORKER_SILENCE_MS', silenceMs, env['WORKER_SILENCE_MS']),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return { adapters, workers, silenceMs, ...(defaultAdapter === '' ? {} : { defaultAdapter }) }
}

/** The well-formed names in `ADAPTERS`, each once. Malformed ones are left out. */
export const adaptersNamed = (env: NodeJS.ProcessEnv = process.env): string[] => {
  const names = textOf(env, 'ADAPTERS')
    .split(',')
    .map((name) => name.trim())
  return [...new Set(names)].filter((name) => nameProblem('ADAPTERS', name) === undefined)
}

const textOf = (env: NodeJS.ProcessEnv, name: 'ADAPTERS' | 'DEFAULT_ADAPTER'): string => {
  const definition = ServiceSettingsDefinition[name]
  return String(parseEnv(env[name], name, definition) ?? definition.default)
    .trim()
    .toLowerCase()
}

type Numeric = 'WORKERS' | 'WORKER_SILENCE_MS'

const numberOf = (env: NodeJS.ProcessEnv, name: Numeric): number => {
  const definition = ServiceSettingsDefinition[name]
  return Number(parseEnv(env[name], name, definition) ?? definition.default)
}

/** Zero must be refused here, because the value 0 skips the validator of a setting (contract 17.14). */
const numberProblem = (name: Numeric, value: number, text: string | undefined): string[] => {
  const definition = ServiceSettingsDefinition[name]
  const problem = value === 0 ? definition.validate.fn(value) : settingProblem(name, definition, value, text)
  return problem === undefined ? [] : [`${name}: ${problem}`]
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
