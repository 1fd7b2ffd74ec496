import { problemsIn } from '../config/config-error'
import { FeedLimits } from '../feeds/limits/feed-limits'
import { tierProblem } from '../outbound-http/tiers'
import { type AnyAdapter } from './adapter'
import { essentialEntries } from './essential-feeds'

/** The lines of the ConfigError that this throws. @throws any other error */
const linesOf = async (check: () => unknown): Promise<readonly string[]> => {
  try {
    await check()
    return []
  } catch (error) {
    const problems = problemsIn(error)
    if (problems === undefined) throw error
    return problems
  }
}

const tierLines = ({ config, rateLimiting }: AnyAdapter): string[] => {
  const problem = tierProblem(config.settings, rateLimiting?.tiers, rateLimiting?.requireTierSelection)
  return problem === undefined ? [] : [`${config.variableOf('RATE_LIMIT_API_TIER')}: ${problem}`]
}

/**
 * Everything that is wrong with the settings of an adapter, as lines; nothing is started. What its own code refuses while it is initialized
 * is not known before.
 */
export const settingsProblems = async (adapter: AnyAdapter): Promise<string[]> => {
  const { config, name } = adapter
  const { FEED_LIMITS: limits } = config.settings
  return [
    ...(await linesOf(() => config.validate())),
    ...tierLines(adapter),
    ...(await linesOf(() => limits && FeedLimits.open(limits, name, config.variableOf('FEED_LIMITS')))),
    ...(await linesOf(() => essentialEntries(adapter))),
  ]
}
