import { isMeasured } from './measured'
import { type SettingProblem } from './config-error'
import { type EnvSource } from './env'
import { tlsProblems } from './tls-problems'
import { type BaseAdapterSettings } from './settings'

type SourceOf = (name: string) => EnvSource

/**
 * What is wrong with settings that are right each by itself.
 *
 * @param names - of all settings, those of the adapter's own too
 */
export const problemsBetween = (
  names: readonly string[],
  values: Record<string, unknown>,
  sourceOf: SourceOf,
): SettingProblem[] => {
  const settings = values as unknown as BaseAdapterSettings
  return [
    ...names.flatMap((name) => reversedBounds(name, values, sourceOf)),
    ...portProblem(settings, sourceOf),
    ...tlsProblems(settings, (name) => sourceOf(name).variable),
  ]
}

/** Settings whose names differ in MIN and MAX alone. Zero is no bound (contract 17.14). */
const reversedBounds = (
  name: string,
  values: Record<string, unknown>,
  sourceOf: SourceOf,
): SettingProblem[] => {
  const [min, max] = [values[name], values[upperOf(name)]]
  if (upperOf(name) === name || typeof min !== 'number' || typeof max !== 'number') return []
  if (!max || min <= max) return []
  const [lower, upper] = [sourceOf(name), sourceOf(upperOf(name))]
  // Who set only one of the two has to hear of that one.
  return lower.text === undefined && upper.text !== undefined
    ? [above(upper.variable, `at least ${lower.variable}, which is ${min}`, max)]
    : [above(lower.variable, `at most ${upper.variable}, which is ${max}`, min)]
}

const upperOf = (name: string) => name.replace(/(^|_)MIN(?=_|$)/, '$1MAX')

const above = (variable: string, bound: string, received: number): SettingProblem => ({
  variable,
  problem: `Value must be ${bound}. Received ${received}. Change one of the two`,
})

/** Port 0 is a free one each time. */
const portProblem = (settings: BaseAdapterSettings, sourceOf: SourceOf): SettingProblem[] => {
  const { EA_PORT, METRICS_PORT, EA_MODE } = settings
  if (!EA_PORT || EA_PORT !== METRICS_PORT || EA_MODE === 'writer' || !isMeasured(settings)) return []
  const [own, other] = [sourceOf('METRICS_PORT').variable, sourceOf('EA_PORT').variable]
  return [
    { variable: own, problem: `Value must be another port than that of ${other}. Received ${METRICS_PORT}` },
  ]
}
