import { isMeasured } from './measured'
import { type SettingProblem } from './config-error'
import { type EnvSource } from './env'
import { tlsProblems } from './tls-problems'
import { type BaseAdapterSettings } from './settings'

type SourceOf = (name: string) => EnvSource

/**
 * Finds problems between settings that are each correct alone.
 *
 * @param names - the names of all settings, those of the adapter itself included
 */
export const problemsBetween = (
  names: readonly string[],
  values: Record<string, unknown>,
  sourceOf: SourceOf,
): SettingProblem[] => {
  const settings = values as unknown as BaseAdapterSettings
  return [
    ...names.flatMap((name) => reversedBounds(name, upperOf(name), values, sourceOf)),
    ...portProblem(settings, sourceOf),
    ...adminProblems(settings, sourceOf),
    ...tlsProblems(settings, (name) => sourceOf(name).variable),
  ]
}

/** Compares settings of which one is the other's limit. A maximum of zero is not checked (contract 17.14). */
const reversedBounds = (
  name: string,
  upperName: string,
  values: Record<string, unknown>,
  sourceOf: SourceOf,
): SettingProblem[] => {
  const [min, max] = [values[name], values[upperName]]
  if (upperName === name || typeof min !== 'number' || typeof max !== 'number') return []
  if (!max || min <= max) return []
  const [lower, upper] = [sourceOf(name), sourceOf(upperName)]
  // Where only one of the two was set, the problem is reported for that one.
  return lower.text === undefined && upper.text !== undefined
    ? [above(upper.variable, `at least ${lower.variable}, which is ${min}`, max)]
    : [above(lower.variable, `at most ${upper.variable}, which is ${max}`, min)]
}

/** The names differ only in MIN and MAX; those of one pair do not. */
const upperOf = (name: string) =>
  name === 'FRESHNESS_MAX_AGE' ? 'FRESHNESS_HARD_MAX_AGE' : name.replace(/(^|_)MIN(?=_|$)/, '$1MAX')

const above = (variable: string, bound: string, received: number): SettingProblem => ({
  variable,
  problem: `Value must be ${bound}. Received ${received}. Change one of the two`,
})

/** The two servers need different ports. Two zeros are no problem, because for port 0 the system chooses a free port each time. */
const portProblem = (settings: BaseAdapterSettings, sourceOf: SourceOf): SettingProblem[] => {
  const { EA_PORT, METRICS_PORT, EA_MODE } = settings
  if (!EA_PORT || EA_PORT !== METRICS_PORT || EA_MODE === 'writer' || !isMeasured(settings)) return []
  const [own, other] = [sourceOf('METRICS_PORT').variable, sourceOf('EA_PORT').variable]
  return [
    { variable: own, problem: `Value must be another port than that of ${other}. Received ${METRICS_PORT}` },
  ]
}

/** The port for operators needs a token, and is none of the others. */
const adminProblems = (settings: BaseAdapterSettings, sourceOf: SourceOf): SettingProblem[] => {
  const { ADMIN_PORT, ADMIN_TOKEN, EA_PORT, METRICS_PORT } = settings
  if (ADMIN_PORT === undefined) return []
  const problems: SettingProblem[] = []
  if (!ADMIN_TOKEN) {
    const { variable } = sourceOf('ADMIN_TOKEN')
    problems.push({ variable, problem: `Value is required with ${sourceOf('ADMIN_PORT').variable}` })
  }
  const others = { EA_PORT, ...(isMeasured(settings) && { METRICS_PORT }) }
  for (const [name, port] of Object.entries(others)) {
    if (ADMIN_PORT === 0 || ADMIN_PORT !== port) continue
    const { variable } = sourceOf('ADMIN_PORT')
    const problem = `Value must be another port than that of ${sourceOf(name).variable}. Received ${ADMIN_PORT}`
    problems.push({ variable, problem })
  }
  return problems
}
