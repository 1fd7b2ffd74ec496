import { type AnyConfig } from '../config/adapter-config'
import { ConfigError, problemsIn, type SettingProblem } from '../config/config-error'
import { FeedLimits } from '../feeds/limits/feed-limits'
import { tierProblem } from '../outbound-http/tiers'
import { type AnyAdapter } from './adapter'
import { codeMistakes } from './code-mistakes'
import { essentialEntries } from './essential-feeds'

/** The lines of the ConfigError that this throws. @throws any other error */
export const linesOf = async (check: () => unknown): Promise<readonly string[]> => {
  try {
    await check()
    return []
  } catch (error) {
    const problems = problemsIn(error)
    if (problems === undefined) throw error
    return problems
  }
}

/** A process that only reads, or only writes, shares its values with others. */
export const modeProblem = (config: AnyConfig): SettingProblem | undefined => {
  const { EA_MODE: mode, CACHE_TYPE } = config.settings
  if (mode === 'reader-writer' || CACHE_TYPE !== 'local') return undefined
  return {
    variable: config.variableOf('EA_MODE'),
    problem: `EA mode cannot be ${mode} while cache type is local`,
  }
}

const modeLines = ({ config }: AnyAdapter): string[] => {
  const found = modeProblem(config)
  return found === undefined ? [] : [`${found.variable}: ${found.problem}`]
}

const tierLines = ({ config, rateLimiting }: AnyAdapter): string[] => {
  const problem = tierProblem(config.settings, rateLimiting?.tiers, rateLimiting?.requireTierSelection)
  return problem === undefined ? [] : [`${config.variableOf('RATE_LIMIT_API_TIER')}: ${problem}`]
}

/**
 * Everything that is wrong with the code and the settings of an adapter, as lines; nothing is started. What its own code refuses while it is
 * initialized is not known before.
 */
export const settingsProblems = async (adapter: AnyAdapter): Promise<string[]> => {
  const { config, name } = adapter
  const { FEED_LIMITS: limits } = config.settings
  return [
    ...codeMistakes(adapter),
    ...(await linesOf(() => config.validate())),
    ...modeLines(adapter),
    ...tierLines(adapter),
    ...(await linesOf(() => limits && FeedLimits.open(limits, name, config.variableOf('FEED_LIMITS')))),
    ...(await linesOf(() => essentialEntries(adapter))),
  ]
}

/** Instead of an error that names some of the problems, one that names all of them (LC-5); other errors are as they were. */
export const withAllProblems = async (adapter: AnyAdapter, error: unknown): Promise<unknown> => {
  const told = problemsIn(error)
  if (told === undefined) return error
  const all = new Set([...told, ...(await settingsProblems(adapter))])
  return all.size > told.length ? new ConfigError([...all]) : error
}
